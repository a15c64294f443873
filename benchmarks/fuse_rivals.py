"""What gated fusion is compared with; each learns by the same objective from the same start."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion.network import FusionNetwork
from fusion.weights import FusionSettings, NetworkConfig

RIVALS = ("gated", "attention without gates", "attentive", "concatenation and projection")


class Concatenation(FusionNetwork):
    """All whole views side by side, zeros where absent, through one linear layer.

    The layer starts as the masked mean.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(NetworkConfig(width=config.width, num_layers=0))
        self.joined = nn.Parameter(torch.eye(config.width).repeat(config.num_modalities, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.width))

    def forward(self, tokens: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Fuse; see ``FusionNetwork.forward``."""
        whole = present[:, :, 0]
        views = tokens[:, :, 0].masked_fill(~whole[..., None], 0.0)
        joint = torch.einsum("bmd,mde->be", views, self.joined) + self.bias
        return functional.normalize(joint, dim=-1), whole / whole.sum(dim=1, keepdim=True)


def rival(name: str, width: int, seed: int) -> FusionNetwork:
    """A network at its start."""
    torch.manual_seed(seed)
    match name:
        case "concatenation and projection":
            return Concatenation(NetworkConfig(width=width))
        case "attention without gates":
            return FusionNetwork(NetworkConfig(width=width, gated=False))
        case "attentive":
            return FusionNetwork(FusionSettings(kind="attentive").shape(width))
    return FusionNetwork(FusionSettings().shape(width))
