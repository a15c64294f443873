"""From the embeddings of an item's contents to its vectors: one per field of the index.

A modality's view in the joint space is the unit mean of that modality's aligned embeddings, so a
clip with a caption, heard words and read words has one text view. Native vectors stay beside them
for like-to-like search: frames of stills and videos share one tower and one field.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from encoders.base import Embedding, unit
from fusion.base import Fuser, ItemVector
from ingest.item import MODALITIES

Align = Callable[[Embedding, NDArray[np.float32]], NDArray[np.float32]]
"""An embedding (for its tower) and rows of its space (B, D_m) to rows of the joint space (B, D)."""

NATIVE_FIELD = {"frames": "image_native", "sound": "audio_native"}
"""Field of the index per source; words have one only where their space is not the joint one."""


def fuse_items(
    embeddings: Mapping[str, Sequence[Embedding]],
    align: Align,
    fuser: Fuser,
    native_field: Mapping[str, str] = NATIVE_FIELD,
) -> list[ItemVector]:
    """Make the vectors of a batch of items.

    Args:
        embeddings: every embedding of every content, by item id; each item has at least one.
        align: brings rows into the joint space.
        fuser: makes one vector of the views.
        native_field: field of the index for the native vectors of each source.

    Returns:
        One ``ItemVector`` per item, in the order given.
    """
    if not embeddings:
        return []
    aligned = [_aligned_views(parts, align) for parts in embeddings.values()]
    width = len(next(iter(aligned[0].values())))
    views = np.zeros((len(aligned), len(MODALITIES), width), dtype=np.float32)
    present = np.zeros(views.shape[:2], dtype=bool)
    for row, by_modality in enumerate(aligned):
        for column, modality in enumerate(MODALITIES):
            if modality in by_modality:
                views[row, column] = by_modality[modality]
                present[row, column] = True
    joint, weights = fuser.fuse(views, present)
    return [
        ItemVector(
            item_id=item_id,
            vectors={
                "joint": joint[row],
                **{str(modality): vector for modality, vector in aligned[row].items()},
                **_native_views(parts, native_field),
            },
            modality_weights={
                str(modality): float(weights[row, column])
                for column, modality in enumerate(MODALITIES)
                if present[row, column]
            },
        )
        for row, (item_id, parts) in enumerate(embeddings.items())
    ]


def align_segments(
    embeddings: Sequence[Embedding], align: Align
) -> list[tuple[str, NDArray[np.float64], NDArray[np.float32]]]:
    """Bring the stretches of an item's contents into the joint space.

    Returns:
        Per embedding that has stretches: modality, bounds in seconds (S, 2), vectors (S, D).
    """
    return [
        (str(part.modality), part.segment_bounds, align(part, part.segment_vectors))
        for part in embeddings
        if len(part.segment_vectors)
    ]


def _aligned_views(parts: Sequence[Embedding], align: Align) -> dict[str, NDArray[np.float32]]:
    rows: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for part in parts:
        rows[part.modality].append(align(part, part.vector[None])[0])
    return {modality: unit(np.mean(vectors, axis=0)) for modality, vectors in rows.items()}


def _native_views(
    parts: Sequence[Embedding], native_field: Mapping[str, str]
) -> dict[str, NDArray[np.float32]]:
    rows: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for part in parts:
        if part.source in native_field:
            rows[native_field[part.source]].append(part.vector)
    return {name: unit(np.mean(vectors, axis=0)) for name, vectors in rows.items()}
