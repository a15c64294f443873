"""Gated cross-modal fusion: the default fuser.

A fuser that has learnt nothing is the masked mean, to the last bit and by its fingerprint: closed
gates and equal shares leave nothing else to compute. What ``fusion.train`` learns is run by torch,
which is imported when the first item is fused, never to ask for a fingerprint.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fusion.base import Fuser, check_tokens
from fusion.mean import MaskedMean
from fusion.weights import FusionWeights, head_of

if TYPE_CHECKING:
    from fusion.network import FusionNetwork


class GatedFusion:
    """A ``Fuser`` that runs learnt weights.

    Args:
        path: the weights, as ``FusionWeights.save`` wrote them.

    Raises:
        FusionError: the file is missing or no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._head = head_of(path)

    @property
    def fingerprint(self) -> str:
        """What makes these vectors."""
        attentive = json.loads(self._head["config"]).get("shares") == "attention"
        return f"{'attentive' if attentive else 'gated'}/1 {self._head['fingerprint']}"

    @property
    def num_tokens(self) -> int:
        """Most tokens per modality that it looks at."""
        return int(json.loads(self._head["config"])["num_tokens"])

    @cached_property
    def _network(self) -> FusionNetwork:
        from fusion.network import network_of

        return network_of(FusionWeights.load(self._path)).eval()

    def fuse(
        self, tokens: NDArray[np.float32], present: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Fuse the views of each item; see ``Fuser.fuse``."""
        import torch

        check_tokens(tokens, present)
        with torch.inference_mode():
            joint, weights = self._network(torch.from_numpy(tokens), torch.from_numpy(present))
        return joint.numpy(), weights.numpy()


def gated_fusion(weights: Path | None, space: str) -> Fuser:
    """The default fuser.

    Args:
        weights: what was learnt; None for nothing.
        space: digest of the encoders and alignments in use.

    Returns:
        The learnt fuser; the masked mean where nothing was learnt, or in another space.

    Raises:
        FusionError: the file cannot be read.
    """
    if weights is None or head_of(weights).get("space") != space:
        return MaskedMean()
    return GatedFusion(weights)
