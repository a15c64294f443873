"""How good a fuser is, on items that it has not learnt from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from encoders.alignment_fit import reciprocal_rank_and_recall
from encoders.base import unit
from fusion.network import FusionNetwork
from fusion.objectives import without
from fusion.stored import StoredViews
from ingest.item import MODALITIES, Modality

MOST_ITEMS = 2000
"""Held-out items that judge; more would only cost time."""
MOST_PAIRS = 4000
"""Held-out pairs that judge."""
BATCH = 512
TEXT = MODALITIES.index(Modality.TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a fuser reaches on held-out items."""

    value: float
    """What learning tries to raise, in [0, 1]: mean reciprocal rank of the item liked together
    where there are pairs, otherwise of the item that a view was kept from."""
    words: float
    """Share of items found among the first ten by their own words, from their other views; 0 where
    none has both."""
    num_worded: int
    """How many items that share is of."""

    @property
    def least_words(self) -> float:
        """What another state must reach by words to be no worse, but for chance.

        One standard error below.
        """
        spread = self.words * (1 - self.words) / max(self.num_worded, 1)
        return self.words - math.sqrt(spread)


class Judge:
    """Holds items out and scores fusers on them.

    Args:
        views: every item.
        pairs: items liked together, (P, 2).
        held_out: numbers of the items that judge.
        random: draws items and pairs where there are too many.
    """

    def __init__(
        self,
        views: StoredViews,
        pairs: NDArray[np.int64],
        held_out: NDArray[np.int64],
        random: np.random.Generator,
    ) -> None:
        self._views = views
        self._items = np.sort(random.permutation(held_out)[:MOST_ITEMS])
        asked = pairs[np.isin(pairs[:, 0], self._items)]
        self._pairs = random.permutation(asked)[:MOST_PAIRS]

    def __call__(self, network: FusionNetwork) -> Score:
        """Score a fuser as it is now."""
        found = {m: self._by_kept_view(network, m) for m in range(len(MODALITIES))}
        asked = max(1, sum(num for _, _, num in found.values()))
        agreement = sum(rank * num for rank, _, num in found.values()) / asked
        value = self._by_partner(network) if len(self._pairs) else agreement
        _, words, num_worded = found[TEXT]
        return Score(value=value, words=words, num_worded=num_worded)

    def _by_kept_view(self, network: FusionNetwork, kept: int) -> tuple[float, float, int]:
        """Reciprocal rank, recall at ten and number of items found by the view kept from them."""
        present = self._views.present[self._items]
        items = self._items[present[:, kept] & (present.sum(axis=1) > 1)]
        if not len(items):
            return 0.0, 0.0, 0
        joint, asked = [], []
        for start in range(0, len(items), BATCH):
            tokens, present = self._views.batch(items[start : start + BATCH])
            joint.append(fused(network, tokens, without(present, kept)))
            asked.append(tokens[:, kept, 0])
        rank, recall = reciprocal_rank_and_recall(
            np.concatenate(asked), np.concatenate(joint), np.arange(len(items))
        )
        return rank, recall, len(items)

    def _by_partner(self, network: FusionNetwork) -> float:
        pool = np.union1d(self._items, self._pairs)
        joint = unit(
            np.concatenate(
                [
                    fused(network, *self._views.batch(pool[start : start + BATCH]))
                    for start in range(0, len(pool), BATCH)
                ]
            )
        )
        own, partner = np.searchsorted(pool, self._pairs).T
        scores = joint[own] @ joint.T
        scores[np.arange(len(own)), own] = -np.inf
        reached = scores[np.arange(len(own)), partner]
        return float((1 / (1 + (scores > reached[:, None]).sum(axis=1))).mean())


def fused(
    network: FusionNetwork, tokens: NDArray[np.float32], present: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Joint vectors (B, D) of a batch, without learning from it."""
    with torch.inference_mode():
        joint, _ = network(torch.from_numpy(tokens), torch.from_numpy(present))
    return np.asarray(joint.numpy())
