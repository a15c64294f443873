"""The views of many items on disk: mapped, so that training holds a batch and no catalogue.

Tokens lie one after another in half precision, with the place and the modality of each item's rows
beside them. An item without parts therefore takes a row per modality and no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.base import unit
from fusion.views import Tokens
from ingest.item import MODALITIES

ROWS, PLACES, OWNERS = "rows.f16", "places.npy", "modalities.npy"


class StoredViews:
    """Views that ``write_views`` wrote.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._places: NDArray[np.int64] = np.load(folder / PLACES)
        self._owners: NDArray[np.int8] = np.load(folder / OWNERS)
        self._rows = np.zeros((0, 0), np.float16)
        if len(self._owners):  # An empty file cannot be mapped.
            rows = np.memmap(folder / ROWS, np.float16, "r")
            self._rows = rows.reshape(len(self._owners), -1)

    def __len__(self) -> int:
        """Number of items N."""
        return len(self._places) - 1

    @property
    def width(self) -> int:
        """Width D of the joint space."""
        return self._rows.shape[1]

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Which modalities each item has, (N, M)."""
        items = np.repeat(np.arange(len(self)), np.diff(self._places))
        found = np.zeros((len(self), len(MODALITIES)), bool)
        found[items, self._owners] = True
        return found

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits that change with any number of the views."""
        found = hashlib.blake2b(self._places.tobytes() + self._owners.tobytes(), digest_size=8)
        for start in range(0, len(self._rows), 1 << 16):
            found.update(self._rows[start : start + (1 << 16)].tobytes())
        return found.hexdigest()

    def batch(self, items: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Lay the tokens of some items side by side.

        Args:
            items: numbers of B items.

        Returns:
            Unit vectors (B, M, T, D), zero where absent, and which are present (B, M, T).
        """
        first, counts = self._places[items], self._places[items + 1] - self._places[items]
        batch = np.repeat(np.arange(len(items)), counts)
        rows = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = rows + np.repeat(first, counts)
        owners = self._owners[rows].astype(np.int64)
        # Rows of one modality follow one another, so a slot is the distance from the first of them.
        group = batch * len(MODALITIES) + owners
        starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        lengths = np.diff(np.r_[starts, len(group)])
        slots = np.arange(len(group)) - np.repeat(starts, lengths)
        shape = (len(items), len(MODALITIES), int(lengths.max()))
        tokens = np.zeros((*shape, self.width), np.float32)
        present = np.zeros(shape, bool)
        tokens[batch, owners, slots] = unit(self._rows[rows].astype(np.float32))
        present[batch, owners, slots] = True
        return tokens, present


def write_views(folder: Path, batches: Iterable[Sequence[Tokens]]) -> StoredViews:
    """Write the views of items, a batch at a time.

    Args:
        folder: where; made where it is not there, and what it held is replaced.
        batches: tokens of items; each item has at least one modality.

    Returns:
        The views, mapped.
    """
    folder.mkdir(parents=True, exist_ok=True)
    places, owners = [0], []
    with (folder / ROWS).open("wb") as file:
        for batch in batches:
            for item in batch:
                for number, modality in enumerate(MODALITIES):
                    if modality in item:
                        file.write(item[modality].astype(np.float16).tobytes())
                        owners.append(np.full(len(item[modality]), number, np.int8))
                places.append(places[-1] + sum(map(len, item.values())))
    np.save(folder / PLACES, np.array(places, np.int64))
    np.save(folder / OWNERS, np.concatenate(owners) if owners else np.zeros(0, np.int8))
    return StoredViews(folder)
