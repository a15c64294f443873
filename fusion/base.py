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

    @property
    def num_tokens(self) -> int:
        """Most tokens per modality that it looks at; 1 for the whole view alone."""

    def fuse(
        self, tokens: NDArray[np.float32], present: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Fuse the views of each item.

        Args:
            tokens: unit vectors in the joint space, (B, M, T, D): slot 0 of a modality is its whole
                view, the others are its parts; absent rows are ignored.
            present: which tokens exist, (B, M, T); each item has at least one whole view, and no
                part without its whole.

        Returns:
            Unit vectors (B, D) and modality weights (B, M) that add to one per item.

        Raises:
            ValueError: shapes disagree, or an item has no view.
        """


def check_tokens(tokens: NDArray[np.float32], present: NDArray[np.bool_]) -> None:
    """Refuse what no fuser can fuse.

    Raises:
        ValueError: shapes disagree, an item has no view, or a part stands without its whole.
    """
    if tokens.ndim != 4 or tokens.shape[:3] != present.shape:
        raise ValueError(
            f"expected (B, M, T, D) and (B, M, T): {tokens.shape = }, {present.shape = }"
        )
    if not present[:, :, 0].any(axis=1).all():
        raise ValueError("each item needs at least one view")
    if (present.any(axis=2) & ~present[:, :, 0]).any():
        raise ValueError("a part needs the whole view that it belongs to")


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
