"""Learning a map from the titles a user gave to pictures and sounds.

- Ridge regression towards the shipped map: few pairs change little, many pairs much.
- How much they may change is chosen by cross-validation over items, so that no title is judged by
  a map that saw its item. Where no strength beats the shipped map there, the shipped map stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.alignment import Alignment, fit_ridge
from encoders.base import unit

FEWEST_ITEMS = 20
"""Below so many titled items, held-out pairs cannot tell maps apart."""
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
NUM_FOLDS = 5
CENTRE_PAIRS = 100
"""Titles at which the mean of the user's own counts as much as the shipped one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitReport:
    """What learning gained, judged on pairs the map had not seen."""

    num_items: int
    """Items with a title."""
    num_titles: int
    """Titles, of which an item may have several."""
    recall_before: float
    """Share in [0, 1] of held-out titles whose item is among the first ten with the map before."""
    recall_after: float
    """The same with the map returned."""
    num_candidates: int
    """Items each held-out title was compared with."""
    strength: float
    """Weight of the prior, in pairs; infinite where the prior was kept."""


def fit(
    native: NDArray[np.floating],
    titles: NDArray[np.floating],
    owners: NDArray[np.integer],
    prior: Alignment,
    seed: int = 0,
) -> tuple[Alignment, FitReport]:
    """Learn a map from titled items, no worse on held-out titles than the prior.

    Args:
        native: vectors of one tower, one per item, (N, D_m).
        titles: vectors of titles in the joint space, (P, D).
        owners: row of ``native`` that each title belongs to, (P,).
        prior: map to start from.
        seed: which items are held out together.

    Returns:
        The map, and what it gained.
    """
    num_items = len(np.unique(owners))
    folds = _folds(owners, seed)
    before = _score([(prior, held) for held in folds], native, titles, owners)
    best, after, chosen = prior, before, np.inf
    if num_items >= FEWEST_ITEMS:
        for strength in STRENGTHS:
            maps = [
                (_learn(native, titles, owners, ~held, strength, prior), held) for held in folds
            ]
            score = _score(maps, native, titles, owners)
            if score > after:
                after, chosen = score, strength
    if chosen < np.inf:
        everything = np.ones(len(owners), bool)
        best = _learn(native, titles, owners, everything, chosen, prior)
    report = FitReport(
        num_items=num_items,
        num_titles=len(titles),
        recall_before=before[1],
        recall_after=after[1],
        num_candidates=-(-num_items // NUM_FOLDS),
        strength=float(chosen),
    )
    return best, report


def fit_centre(titles: NDArray[np.floating], prior: Alignment) -> Alignment:
    """Move the mean of the text side towards that of a user's own titles.

    Args:
        titles: native vectors of the sentence encoder, (P, D).
        prior: map of the text side, centred or not.
    """
    plain = Alignment(weight=prior.weight, bias=prior.bias)
    mean = plain.apply(titles).mean(axis=0)
    start = prior.centre if prior.centre.size else np.zeros_like(mean)
    share = len(titles) / (len(titles) + CENTRE_PAIRS)
    return plain.centred(share * mean + (1 - share) * start)


def reciprocal_rank_and_recall(
    queries: NDArray[np.floating], items: NDArray[np.floating], own: NDArray[np.integer]
) -> tuple[float, float]:
    """How well queries find their own items.

    Args:
        queries: unit vectors, (Q, D).
        items: unit vectors, (N, D).
        own: row of ``items`` that each query looks for, (Q,).

    Returns:
        Mean reciprocal rank, and the share of queries with their item among the first ten.
    """
    scores = queries @ items.T
    ranks = 1 + (scores > scores[np.arange(len(own)), own][:, None]).sum(axis=1)
    return float((1 / ranks).mean()), float((ranks <= 10).mean())


def _folds(owners: NDArray[np.integer], seed: int) -> list[NDArray[np.bool_]]:
    """Titles held out in each fold, (P,) each; an item's titles stay together."""
    items = np.unique(owners)
    shuffled = np.random.default_rng(seed).permutation(items)
    return [
        np.isin(owners, shuffled[part::NUM_FOLDS]) for part in range(min(NUM_FOLDS, len(items)))
    ]


def _learn(
    native: NDArray[np.floating],
    titles: NDArray[np.floating],
    owners: NDArray[np.integer],
    seen: NDArray[np.bool_],
    strength: float,
    prior: Alignment,
) -> Alignment:
    items, item, counts = np.unique(owners[seen], return_inverse=True, return_counts=True)
    means = np.zeros((len(items), titles.shape[1]))
    np.add.at(means, item, unit(titles[seen] - titles[seen].mean(axis=0)))
    return fit_ridge(native[items], means / counts[:, None], strength, prior, counts)


def _score(
    maps: list[tuple[Alignment, NDArray[np.bool_]]],
    native: NDArray[np.floating],
    titles: NDArray[np.floating],
    owners: NDArray[np.integer],
) -> tuple[float, float]:
    """Mean reciprocal rank and recall of held-out titles among held-out items, over folds."""
    found = []
    for alignment, held in maps:
        items, own = np.unique(owners[held], return_inverse=True)
        found.append(reciprocal_rank_and_recall(titles[held], alignment.apply(native[items]), own))
    means = np.mean(found, axis=0)
    return float(means[0]), float(means[1])
