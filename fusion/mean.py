"""Masked mean: the views that an item has, equally weighted; the baseline others must beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoders.base import unit
from fusion.base import check_tokens


class MaskedMean:
    """A ``Fuser`` without weights to learn: every present view counts the same."""

    fingerprint = "masked-mean/1"
    num_tokens = 1

    def fuse(
        self, tokens: NDArray[np.float32], present: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Average the whole views of each item; see ``Fuser.fuse``."""
        check_tokens(tokens, present)
        whole = present[:, :, 0]
        weights = (whole / whole.sum(axis=1, keepdims=True)).astype(np.float32)
        views = np.where(whole[..., None], tokens[:, :, 0], 0.0)
        return unit(np.einsum("bm,bmd->bd", weights, views)), weights
