"""How good a ranked list is: pure functions of ids."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import numpy as np


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
