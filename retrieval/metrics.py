"""How good ranked lists are: pure functions of ids, of scores and of ranks.

- Where an item was hidden and is looked for, its *rank* among all items is what counts. Items with
  equal scores share the middle of their places, so a scorer that cannot tell items apart gains
  nothing by the order they are stored in.
- Lists are arrays of item numbers, best first, -1 where a list has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Lists = NDArray[np.int64]
ENDED = -1


def recall_at_k(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Share of the relevant ids, at most k of them, that are among the first k.

    Args:
        ranked: ids, best first, each once.
        relevant: the ids that ought to be found; at least one.
        k: how many ids count, positive.

    Returns:
        A share in [0, 1]; 1 where every place that could be right is.

    Raises:
        ValueError: nothing is relevant, or k is not positive.
    """
    if not relevant or k < 1:
        raise ValueError(f"recall needs relevant ids and a positive k: {len(relevant) = }, {k = }")
    wanted = set(relevant)
    return sum(one in wanted for one in ranked[:k]) / min(k, len(wanted))


def auroc(matched: Sequence[float], unmatched: Sequence[float]) -> float:
    """Chance that a matched pair scores higher than an unmatched one, ties counting half.

    Args:
        matched: scores of pairs that belong together; at least one.
        unmatched: scores of pairs that do not; at least one.

    Returns:
        0.5 for scores that tell nothing, 1 for scores that tell everything.
    """
    scores = np.concatenate([matched, unmatched])
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    num_matched, num_unmatched = len(matched), len(unmatched)
    won = ranks[:num_matched].sum() - num_matched * (num_matched + 1) / 2
    return float(won / (num_matched * num_unmatched))


def ranks_of(scores: NDArray[np.float32], targets: Lists) -> Floats:
    """Rank hidden items among all items: 1 + better ones + half of the others that are as good.

    Args:
        scores: (B, N); minus infinity for an item that may not be given.
        targets: numbers of the hidden items, (B, R), ended by -1 where a row has fewer.

    Returns:
        (B, R); NaN where there is no target, infinity for a target that may not be given.

    Raises:
        ValueError: a score is not a number.
    """
    if np.isnan(scores).any():
        raise ValueError("every score must be a number")
    ranks = np.full(targets.shape, np.nan)
    for row, (line, hidden) in enumerate(zip(scores, targets, strict=True)):
        wanted = line[hidden[hidden != ENDED]]
        ordered = np.sort(line)
        above = len(line) - np.searchsorted(ordered, wanted, "right")
        equal = len(line) - np.searchsorted(ordered, wanted, "left") - above
        middle = 1 + above + (equal - 1) / 2
        ranks[row, hidden != ENDED] = np.where(wanted == -np.inf, np.inf, middle)
    return ranks


def hit_at_k(ranks: Floats, k: int) -> Floats:
    """Whether any hidden item is among the first k: 0 or 1 per row, (B,).

    Args:
        ranks: from ``ranks_of``, (B, R); every row has a target.
        k: places that count.
    """
    hit: Floats = (ranks <= k).max(axis=1).astype(np.float64)
    return hit


def found_at_k(ranks: Floats, k: int) -> Floats:
    """Share of all hidden items that are among the first k, (B,), in [0, 1].

    Unlike ``recall_at_k`` this cannot reach 1 where more than k are hidden; it is what studies of
    recommenders call recall.

    Args:
        ranks: from ``ranks_of``, (B, R); every row has a target.
        k: places that count.
    """
    found: Floats = (ranks <= k).sum(axis=1) / _num_targets(ranks)
    return found


def ndcg_at_k(ranks: Floats, k: int) -> Floats:
    """Normalised discounted gain of the first k places (Järvelin and Kekäläinen 2002), (B,).

    Each hidden item gains 1 / log2(1 + rank); 1 is reached where the first places hold hidden items
    only, as many as there are and fit.

    Args:
        ranks: from ``ranks_of``, (B, R); every row has a target.
        k: places that count.
    """
    gains = np.where(ranks <= k, 1 / np.log2(1 + np.where(ranks <= k, ranks, 1)), 0).sum(axis=1)
    ideal = np.concatenate([[0], np.cumsum(1 / np.log2(2 + np.arange(k)))])
    ndcg: Floats = gains / ideal[np.minimum(_num_targets(ranks), k)]
    return ndcg


def reciprocal_rank(ranks: Floats) -> Floats:
    """One over the rank of the best hidden item, (B,); 0 where none may be given.

    Args:
        ranks: from ``ranks_of``, (B, R); every row has a target.
    """
    inverse: Floats = 1 / np.fmin.reduce(ranks, axis=1)
    return inverse


def coverage(lists: Lists, num_items: int) -> float:
    """Share of the catalogue that stands in at least one list, in [0, 1].

    Args:
        lists: numbers of items, (B, k).
        num_items: N.
    """
    return len(np.unique(lists[lists != ENDED])) / num_items


def novelty(lists: Lists, num_users_by_item: NDArray[np.int64], num_users: int) -> float:
    """Mean self-information of what is recommended, in bits (Zhou et al. 2010).

    An item that one user in 2^b has is worth b bits; one that nobody has counts as if one user had.

    Args:
        lists: numbers of items, (B, k).
        num_users_by_item: users who have each item, (N,).
        num_users: all users, positive.
    """
    counts = np.maximum(num_users_by_item[lists[lists != ENDED]], 1)
    return float(np.mean(np.log2(num_users / counts))) if len(counts) else 0.0


def diversity(lists: Lists, vectors: NDArray[np.float32]) -> float:
    """Mean of 1 - cosine over the pairs within each list, then over lists, in [0, 2].

    Args:
        lists: numbers of items, (B, k); lists of fewer than two say nothing and are left out.
        vectors: unit vectors of the items, (N, D).
    """
    unlike = []
    for line in lists:
        rows = vectors[line[line != ENDED]].astype(np.float64)
        if len(rows) > 1:
            cosines = (np.square(rows.sum(axis=0)).sum() - np.square(rows).sum()) / 2
            unlike.append(1 - cosines / (len(rows) * (len(rows) - 1) / 2))
    return float(np.mean(unlike)) if unlike else 0.0


def _num_targets(ranks: Floats) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = (~np.isnan(ranks)).sum(axis=1)
    return counts
