"""Visual consensus: what the words suggested is kept where the items' own vectors agree with it.

Proxies say which word an item is near; that is noisy where words reach a tower by a detour. Items
that look, sound or read alike should agree. A ridge regression from item vectors to clusters learns
what the members of each cluster share, and assigns everything anew; repeated, this settles on a
partition that starts from the words and can be read off the vectors (self-training; after Lee 2013,
pseudo-labels, with a closed form in place of gradient steps). Choices a reader would question:
- soft assignments, and scores scaled to one spread per round, so that no cluster wins by its norm;
- the strength is relative to the items' energy per direction: it means the same for ten items and a
  hundred thousand;
- where there are fewer items than directions, the same map is found among the items (its dual):
  thousands of directions would take seconds to invert, for a library of a few hundred;
- what comes out is linear, so new items cost one product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.base import Readout

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusConfig:
    """How hard items are made to agree."""

    strength: float = 1.0
    """Ridge, in units of the items' mean energy per direction; more keeps to main directions."""
    sharpness: float = 3.0
    """Spread of the logits: at 3 most items are sure of their cluster."""
    rounds: int = 20
    """Most rounds; fewer where nothing moves any more."""

    def __post_init__(self) -> None:
        if self.strength <= 0 or self.sharpness <= 0 or self.rounds < 1:
            raise ValueError(
                "expected positive strength and sharpness and a round: "
                f"{self.strength = }, {self.sharpness = }, {self.rounds = }"
            )


class Consensus:
    """The ridge regression of one set of items, factored once.

    Args:
        items: unit rows of the aspect's space, (N, D).
        config: how hard they are made to agree.
    """

    def __init__(self, items: Array, config: ConsensusConfig) -> None:
        self.items = items
        self.config = config
        self._mean = items.mean(axis=0)
        self._is_dual = len(items) < items.shape[1]
        gram = self._gram()
        energy = max(float(np.trace(gram)), 1e-6) / items.shape[1]
        gram[np.diag_indices_from(gram)] += config.strength * energy
        self._inverse = np.linalg.inv(gram.astype(np.float64)).astype(np.float32)

    def learn(self, shares: Array) -> Readout:
        """Learn what the members of each cluster share.

        Args:
            shares: soft assignments, (N, K), rows that add to one; rows of zeros are unknown.

        Returns:
            The map to clusters, with logits of the configured spread.
        """
        mean = shares.sum(axis=0) / max(float(shares.sum()), 1e-6)
        known = shares.sum(axis=1, keepdims=True)
        centred = shares - known * mean
        weights = self._solved(centred)
        bias = -self._mean @ weights
        spread = float((self.items @ weights + bias).std())
        scale = self.config.sharpness / max(spread, 1e-9)
        return Readout(
            weights=(scale * weights).astype(np.float32), bias=(scale * bias).astype(np.float32)
        )

    def _gram(self) -> Array:
        """Products of centred items: between directions (D, D), or in the dual (N, N)."""
        if self._is_dual:
            centred = self.items - self._mean
            return np.asarray(centred @ centred.T)
        whole = self.items.T @ self.items
        return np.asarray(whole - len(self.items) * np.outer(self._mean, self._mean))

    def _solved(self, centred: Array) -> Array:
        """The map (D, K) that fits centred shares (N, K) best."""
        if self._is_dual:
            return self._onto_items(self._inverse @ centred)
        return np.asarray(self._inverse @ self._onto_items(centred))

    def _onto_items(self, rows: Array) -> Array:
        """Centred items, transposed, times rows (N, K); they are not written out."""
        return np.asarray(self.items.T @ rows - np.outer(self._mean, rows.sum(0)))

    def settle(self, labels: NDArray[np.int64], num_clusters: int) -> Readout:
        """Reassign until nothing moves.

        Args:
            labels: where to start, (N,), in [0, num_clusters).
            num_clusters: K.

        Returns:
            The map that the last round learnt.
        """
        shares = np.eye(num_clusters, dtype=np.float32)[labels]
        for _ in range(self.config.rounds):
            readout = self.learn(shares)
            shares = softmax(readout.scores(self.items))
            moved = shares.argmax(axis=1)
            if (moved == labels).mean() > 0.9995:
                break
            labels = moved
        return readout


def softmax(scores: Array) -> Array:
    """Rows of scores (B, K) to shares that add to one."""
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)
