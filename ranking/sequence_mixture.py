"""A sequence model and another scorer as one: chances of the next item, mixed.

Neighbours remember which item followed which, however seldom; a sequence model smooths over what is
alike. Each is right where the other is not, and a mixture of what both say is better than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.histories import History
from ranking.sequences import Floats
from retrieval.scoring import ItemScorer

LEAST = 1e-30
"""Chance of what nobody expects, so that its logarithm is finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Scores items by the logarithm of their chance under both."""

    logits: ItemScorer
    """Its softmax is a chance: a sequence model with one action."""
    counts: ItemScorer
    """Its scores, 0 or more, are chances but for their sum: item neighbours."""
    share: float = 0.4
    """Weight of the second, in [0, 1]; of the first, where the second says nothing, all."""

    def score(self, histories: Sequence[History]) -> Floats:
        """Score every item after each history, (B, N); items of the history get next to nothing."""
        one = np.asarray(self.logits.score(histories), np.float64)
        other = np.asarray(self.counts.score(histories), np.float64)
        for row, history in enumerate(histories):
            one[row, history.items] = -np.inf
            other[row, history.items] = 0
        one = np.exp(one - one.max(axis=1, keepdims=True, initial=-np.finfo(np.float64).max))
        total = other.sum(axis=1, keepdims=True)
        share = np.where(total > 0, self.share, 0)
        one /= np.maximum(one.sum(axis=1, keepdims=True), LEAST)
        mixed = (1 - share) * one + share * other / np.where(total > 0, total, 1)
        return np.asarray(np.log(np.maximum(mixed, LEAST)), np.float32)
