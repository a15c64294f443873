"""Masked mean: the views that an item has, equally weighted; the baseline others must beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoders.base import unit


class MaskedMean:
    """A ``Fuser`` without weights to learn: every present view counts the same."""

    fingerprint = "masked-mean/1"

    def fuse(
        self, views: NDArray[np.float32], present: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Average the present views of each item.

        Args:
            views: unit vectors per modality in the joint space, (B, M, D); absent rows are ignored.
            present: which views exist, (B, M); each row has at least one.

        Returns:
            Unit vectors (B, D) and modality weights (B, M) that add to one per item.

        Raises:
            ValueError: shapes disagree, or an item has no view.
        """
        if views.shape[:2] != present.shape:
            raise ValueError(f"expected (B, M, D) and (B, M): {views.shape = }, {present.shape = }")
        if not present.any(axis=1).all():
            raise ValueError("each item needs at least one view")
        weights = (present / present.sum(axis=1, keepdims=True)).astype(np.float32)
        joint = np.einsum("bm,bmd->bd", weights, np.where(present[..., None], views, 0.0))
        return unit(joint), weights
