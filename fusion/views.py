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

Stretches = tuple[str, NDArray[np.float64], NDArray[np.float32]]
"""Modality, bounds in seconds (S, 2) and vectors (S, D) of the stretches of one embedding."""

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
    aligned = _aligned_views(embeddings, align)
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
    embeddings: Mapping[str, Sequence[Embedding]], align: Align
) -> dict[str, list[Stretches]]:
    """Bring the stretches of a batch of items into the joint space.

    Args:
        embeddings: every embedding of every content, by item id.
        align: brings rows into the joint space.

    Returns:
        By item id, one entry per embedding that has stretches.
    """
    cut = [
        (item_id, part)
        for item_id, parts in embeddings.items()
        for part in parts
        if len(part.segment_vectors)
    ]
    parts = [part for _, part in cut]
    vectors = _aligned(parts, [part.segment_vectors for part in parts], align)
    found: dict[str, list[Stretches]] = {item_id: [] for item_id in embeddings}
    for (item_id, part), rows in zip(cut, vectors, strict=True):
        found[item_id].append((str(part.modality), part.segment_bounds, rows))
    return found


def _aligned(
    parts: Sequence[Embedding], rows: Sequence[NDArray[np.float32]], align: Align
) -> list[NDArray[np.float32]]:
    """Align the rows of each part, with one call for all parts of one tower."""
    towers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, part in enumerate(parts):
        towers[part.source, part.fingerprint].append(number)
    found: dict[int, NDArray[np.float32]] = {}
    for numbers in towers.values():
        together = align(parts[numbers[0]], np.concatenate([rows[n] for n in numbers]))
        ends = np.cumsum([len(rows[n]) for n in numbers])[:-1]
        found |= zip(numbers, np.split(together, ends), strict=True)
    return [found[number] for number in range(len(parts))]


def _aligned_views(
    embeddings: Mapping[str, Sequence[Embedding]], align: Align
) -> list[dict[str, NDArray[np.float32]]]:
    parts = [part for one in embeddings.values() for part in one]
    vectors = iter(_aligned(parts, [part.vector[None] for part in parts], align))
    views = []
    for one in embeddings.values():
        rows: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
        for part in one:
            rows[part.modality].append(next(vectors)[0])
        views.append({modality: unit(np.mean(same, axis=0)) for modality, same in rows.items()})
    return views


def _native_views(
    parts: Sequence[Embedding], native_field: Mapping[str, str]
) -> dict[str, NDArray[np.float32]]:
    rows: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for part in parts:
        if part.source in native_field:
            rows[native_field[part.source]].append(part.vector)
    return {name: unit(np.mean(vectors, axis=0)) for name, vectors in rows.items()}
