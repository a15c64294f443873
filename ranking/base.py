"""The contract of clustering: a partition of items under an aspect, and what assigns new ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.space import AspectSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """A linear map from the space of an aspect to clusters; it takes any item, seen or not."""

    weights: NDArray[np.float32]
    """One column per cluster, (D, K)."""
    bias: NDArray[np.float32]
    """One number per cluster, (K,)."""

    def scores(self, items: NDArray[np.float32]) -> NDArray[np.float32]:
        """How well each item (B, D) fits each cluster, (B, K): logits of the confidence."""
        return np.asarray(items @ self.weights + self.bias, np.float32)

    def assign(self, items: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Choose a cluster for each item.

        Args:
            items: unit rows of the aspect's space, (B, D).

        Returns:
            Cluster of each item (B,), and the confidence in it (B,), in [1/K, 1].
        """
        scores = self.scores(items)
        labels = scores.argmax(axis=1)
        best = scores[np.arange(len(labels)), labels]
        confidence = 1 / np.exp(scores - best[:, None]).sum(axis=1)
        return labels, confidence.astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """The items of a library in named clusters."""

    labels: NDArray[np.int64]
    """Cluster of each item, (N,), in [0, K)."""
    confidence: NDArray[np.float32]
    """Confidence in it, (N,), in [1/K, 1]."""
    names: tuple[str, ...]
    """Name of each cluster: the candidate word that fits its items best; no two alike."""
    fits: NDArray[np.float32]
    """How much better each candidate fits a cluster's items than the others', (K, P)."""
    readout: Readout
    """What assigned the items, and assigns new ones."""
    space: AspectSpace
    """Where the readout applies."""
    note: str = ""
    """What a person should know of how it was made; empty for nothing."""

    @property
    def num_clusters(self) -> int:
        """K."""
        return len(self.names)
