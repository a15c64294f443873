"""k-means, and how many clusters there are; both from scikit-learn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

BATCHED_FROM = 50_000
"""Rows from which mini-batches take over."""
JUDGED = 2_000
"""Rows that the number of clusters is judged on."""
PLENTY = 12
"""Most clusters that are tried."""


def kmeans(
    rows: Array, num_clusters: int, seed: int, restarts: int = 5
) -> tuple[NDArray[np.int64], Array]:
    """Partition rows.

    Args:
        rows: (N, D), N at least ``num_clusters``.
        num_clusters: K.
        seed: of the starts.
        restarts: starts, of which the tightest partition is kept.

    Returns:
        Cluster of each row (N,), and the centres (K, D).
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans

    kind = KMeans if len(rows) < BATCHED_FROM else MiniBatchKMeans
    model = kind(num_clusters, n_init=restarts, random_state=seed).fit(rows)
    return model.labels_.astype(np.int64), model.cluster_centers_.astype(np.float32)


def choose_num_clusters(rows: Array, most: int, seed: int) -> int:
    """Choose how many clusters rows fall into, by the silhouette (Rousseeuw 1987).

    Args:
        rows: (N, D).
        most: largest number that makes sense.
        seed: of the rows looked at and of the starts.

    Returns:
        At least 2, at most ``most`` and ``PLENTY``.
    """
    from sklearn.metrics import silhouette_score

    drawn = np.random.default_rng(seed).permutation(len(rows))[:JUDGED]
    seen = rows[drawn]
    scores = {}
    for number in range(2, max(2, min(most, PLENTY, len(seen) - 1)) + 1):
        labels, _ = kmeans(seen, number, seed, restarts=3)
        scores[number] = silhouette_score(seen, labels) if len(set(labels)) > 1 else -1.0
    return max(scores, key=lambda number: (scores[number], -number))
