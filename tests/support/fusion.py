"""Tokens of made items, and networks in a state of interest."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from encoders.base import unit
from fusion.network import FusionNetwork, GatedLayer
from fusion.weights import NetworkConfig

Tokens = NDArray[np.float32]
Present = NDArray[np.bool_]


def every_subset(num_tokens: int, width: int, seed: int = 0) -> tuple[Tokens, Present]:
    """One item for each of the fifteen subsets of four modalities, with parts in some."""
    random = np.random.default_rng(seed)
    subsets = np.array([[bool(number >> m & 1) for m in range(4)] for number in range(1, 16)])
    present = np.repeat(subsets[:, :, None], num_tokens, axis=2)
    present[:, :, 1:] &= random.random((15, 4, num_tokens - 1)) < 0.7
    return unit(random.normal(size=(15, 4, num_tokens, width))), present


def shaken(config: NetworkConfig, seed: int = 0, scale: float = 0.3) -> FusionNetwork:
    """A network whose every number is away from its start."""
    torch.manual_seed(seed)
    network = FusionNetwork(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * scale)
    return network.eval()


def first_layer(network: FusionNetwork) -> GatedLayer:
    """The network's first exchange between modalities."""
    layer = network.layers[0]
    assert isinstance(layer, GatedLayer)
    return layer


def run(network: FusionNetwork, tokens: Tokens, present: Present) -> tuple[Tokens, Tokens]:
    """Joint vectors and shares."""
    with torch.inference_mode():
        joint, shares = network(torch.from_numpy(tokens), torch.from_numpy(present))
    return joint.numpy(), shares.numpy()
