"""Planted records: clusters of unit vectors with scalars of every kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.base import JOINT, SEGMENTS, Record


def unit_rows(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows of length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def clustered(
    num_vectors: int, width: int, num_clusters: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Unit vectors around unit centres, with noise as long as the centre: cosine 0.5 inside."""
    centres = unit_rows(rng.standard_normal((num_clusters, width)))
    noise = rng.standard_normal((num_vectors, width)) / np.sqrt(width)
    return unit_rows(centres[rng.integers(0, num_clusters, num_vectors)] + noise)


def item(
    key: str, vector: NDArray[np.float32], fields: tuple[str, ...] = (JOINT,), **scalars: object
) -> Record:
    """An item with one vector in some fields; ``attrs__x`` stands for ``attrs.x``."""
    named = {name.replace("__", "."): value for name, value in scalars.items()}
    return Record(key=key, vectors=dict.fromkeys(fields, vector), scalars=named)  # type: ignore[arg-type]


def segment(
    item_id: str, modality: str, number: int, vector: NDArray[np.float32], seconds: float = 2.0
) -> Record:
    """One stretch of an item; stretches follow each other."""
    return Record(
        key=f"{item_id}#{modality}#{number}",
        vectors={SEGMENTS: vector},
        scalars={
            "item_id": item_id,
            "modality": modality,
            "start_seconds": number * seconds,
            "end_seconds": (number + 1) * seconds,
        },
    )
