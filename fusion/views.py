"""From the embeddings of an item's contents to its vectors: one per field of the index.

A modality's view in the joint space is the unit mean of that modality's aligned embeddings, so a
clip with a caption, heard words and read words has one text view. A fuser that asks for more than
the whole view gets its parts, too: the embeddings themselves where there are several, and their
stretches. Native vectors stay beside them for like-to-like search: frames of stills and videos
share one tower and one field.
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

Tokens = dict[str, NDArray[np.float32]]
"""Per present modality its unit vectors in the joint space, (T, D): the whole view, then parts."""

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
    found = item_tokens(embeddings, align, fuser.num_tokens)
    joint, weights = fuser.fuse(*padded(found))
    return [
        ItemVector(
            item_id=item_id,
            vectors={
                "joint": joint[row],
                **{modality: rows[0] for modality, rows in found[row].items()},
                **_native_views(parts, native_field),
            },
            modality_weights={
                str(modality): float(weights[row, column])
                for column, modality in enumerate(MODALITIES)
                if modality in found[row]
            },
        )
        for row, (item_id, parts) in enumerate(embeddings.items())
    ]


def item_tokens(
    embeddings: Mapping[str, Sequence[Embedding]], align: Align, num_tokens: int
) -> list[Tokens]:
    """Bring every view of a batch of items into the joint space.

    Args:
        embeddings: every embedding of every content, by item id; each item has at least one.
        align: brings rows into the joint space.
        num_tokens: most rows per modality, 1 for the whole view alone; of more parts, as many as
            fit are taken at equal distances.

    Returns:
        The tokens of each item, in the order given.
    """
    parts = [part for one in embeddings.values() for part in one]
    whole = iter(_aligned(parts, [part.vector[None] for part in parts], align))
    cut = [part for part in parts if len(part.segment_vectors)] if num_tokens > 1 else []
    stretches = iter(_aligned(cut, [part.segment_vectors for part in cut], align))
    found = []
    for one in embeddings.values():
        rows: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
        details: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
        for part in one:
            rows[str(part.modality)].append(next(whole))
            if num_tokens > 1 and len(part.segment_vectors):
                details[str(part.modality)].append(next(stretches))
        found.append(
            {
                modality: _tokens(same, details[modality], num_tokens)
                for modality, same in rows.items()
            }
        )
    return found


def padded(items: Sequence[Tokens]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Lay the tokens of some items side by side.

    Args:
        items: at least one item with at least one modality each.

    Returns:
        Tokens (B, M, T, D), zero where absent, and which are present (B, M, T).
    """
    longest = max(len(rows) for item in items for rows in item.values())
    width = next(iter(items[0].values())).shape[1]
    tokens = np.zeros((len(items), len(MODALITIES), longest, width), np.float32)
    present = np.zeros(tokens.shape[:3], bool)
    for row, item in enumerate(items):
        for column, modality in enumerate(MODALITIES):
            if modality in item:
                count = len(item[modality])
                tokens[row, column, :count] = item[modality]
                present[row, column, :count] = True
    return tokens, present


def _tokens(
    rows: Sequence[NDArray[np.float32]], details: Sequence[NDArray[np.float32]], num_tokens: int
) -> NDArray[np.float32]:
    whole = unit(np.mean(rows, axis=0))
    parts = [*(rows if len(rows) > 1 else []), *details]
    if num_tokens == 1 or not parts:
        return whole
    every = np.concatenate(parts)
    chosen = np.linspace(0, len(every) - 1, min(len(every), num_tokens - 1)).round().astype(int)
    return np.concatenate([whole, every[chosen]])


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


def _native_views(
    parts: Sequence[Embedding], native_field: Mapping[str, str]
) -> dict[str, NDArray[np.float32]]:
    rows: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for part in parts:
        if part.source in native_field:
            rows[native_field[part.source]].append(part.vector)
    return {name: unit(np.mean(vectors, axis=0)) for name, vectors in rows.items()}
