"""The contract of this room: a fuser, and the item vector it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Fuser(Protocol):
    """The views of a batch of items in, one joint vector each out."""

    @property
    def fingerprint(self) -> str:
        """What makes this fuser's vectors; changes when its weights or settings do."""

    def fuse(
        self, views: NDArray[np.float32], present: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Fuse the views of each item.

        Args:
            views: unit vectors per modality in the joint space, (B, M, D); absent rows are ignored.
            present: which views exist, (B, M); each row has at least one.

        Returns:
            Unit vectors (B, D) and modality weights (B, M) that add to one per item.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemVector:
    """Everything the index keeps of one item's geometry."""

    item_id: str
    """The item."""
    vectors: Mapping[str, NDArray[np.float32]]
    """Unit vector (D_field,) per field: ``joint``, each present modality in the joint space, and
    each ``*_native`` in its tower's own space."""
    modality_weights: Mapping[str, float]
    """Share of each present modality in the joint vector; they add to one."""
