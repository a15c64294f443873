"""How well the items shown together are ordered: the figures of MIND (Wu et al. 2020).

They are those of its official script: AUC, the mean over the clicked of one by rank, and nDCG with
gains of ``2^y - 1``; each is a mean over impressions. Items with equal scores share their places:
every one of them gets the mean of what these places are worth, which is what a random order among
them is worth on average. Constant scores so give an AUC of .5 whatever order items are shown in,
where a script that sorts gives the order of the file. Without equal scores nothing differs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

FIGURES = ("auc", "mrr", "ndcg@5", "ndcg@10")
Array = NDArray[np.float64]


def impression_figures(
    scores: NDArray[np.floating], clicked: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> Mapping[str, Array]:
    """Judge the order of each of I impressions.

    Args:
        scores: of every item shown, (E,), finite; only their order within an impression counts.
        clicked: which were clicked, (E,).
        offsets: where the items of each impression begin, and where the last one's end, (I + 1,).

    Returns:
        Of each impression, (I,), by the names ``FIGURES``.

    Raises:
        ValueError: an impression has nothing clicked, or nothing else; or a score is not finite.
    """
    sizes = np.diff(offsets)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    hits = _sums(clicked, owner, len(sizes))
    if ((hits == 0) | (hits == sizes)).any() or not np.isfinite(scores).all():
        raise ValueError("each impression needs finite scores, a click, and an item not clicked")
    order = np.lexsort((-scores, owner))
    place = np.arange(len(order)) - np.repeat(offsets[:-1], sizes)  # From 0 within an impression.
    ranked, owned = scores[order], owner  # Sorting by impression first leaves owners in place.
    new = np.r_[True, (np.diff(ranked) != 0) | (np.diff(owned) != 0)]
    group = np.cumsum(new) - 1
    won = clicked[order]
    rank = _shared((place + 1).astype(np.float64), group)
    below = sizes[owned] - rank + 1  # Rank from the other end.
    gap = _sums(below * won, owned, len(sizes)) - hits * (hits + 1) / 2
    figures = {
        "auc": gap / (hits * (sizes - hits)),
        "mrr": _sums(_shared(1 / (place + 1.0), group) * won, owned, len(sizes)) / hits,
    }
    for k in (5, 10):
        worth = np.where(place < k, 1 / np.log2(place + 2.0), 0.0)
        best = np.cumsum(1 / np.log2(np.arange(k) + 2.0))[np.minimum(hits, k).astype(int) - 1]
        figures[f"ndcg@{k}"] = _sums(_shared(worth, group) * won, owned, len(sizes)) / best
    return figures


def bootstrap(differences: Array, draws: int = 2_000, seed: int = 0) -> tuple[float, float]:
    """Interval, 95 %, of the mean of differences, one of each impression; impressions are drawn."""
    draw = np.random.default_rng(seed)
    size = len(differences)
    means = [differences[draw.integers(size, size=size)].mean() for _ in range(draws)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _shared(worth: Array, group: NDArray[np.int64]) -> Array:
    """Mean worth of the places that each group holds, by place."""
    found: Array = np.bincount(group, worth) / np.bincount(group)
    return found[group]


def _sums(values: NDArray[np.generic], owner: NDArray[np.int64], number: int) -> Array:
    found: Array = np.bincount(owner, values.astype(np.float64), minlength=number).astype(float)
    return found
