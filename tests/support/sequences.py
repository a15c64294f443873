"""Small sequence models and made items for them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ranking.ranker import History, Items, SequenceNetwork
from ranking.ranker_config import RankerConfig

NUM_ITEMS, CONTENT_WIDTH = 30, 5


def small_config(**changes: object) -> RankerConfig:
    """A small network that drops nothing, with the changes asked for."""
    settings: dict[str, object] = {
        "num_ids": NUM_ITEMS, "width": 16, "num_heads": 2, "length": 12, "dropped_ratio": 0.0,
    }  # fmt: skip
    return RankerConfig(**(settings | changes))  # type: ignore[arg-type]


def small_network(seed: int = 0, **changes: object) -> SequenceNetwork:
    """Such a network with weights large enough that every part of it matters."""
    torch.manual_seed(seed)
    network = SequenceNetwork(small_config(**changes)).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return network


def some_items(*shape: int, seed: int = 0) -> Items:
    """Items with ids and content."""
    draw = np.random.default_rng(seed)
    content = draw.normal(size=(*shape, CONTENT_WIDTH)).astype(np.float32)
    return Items(
        ids=torch.from_numpy(draw.integers(NUM_ITEMS, size=shape)),
        content=torch.from_numpy(content),
    )


def some_history(batch: int, places: int, num_actions: int = 1, seed: int = 0) -> History:
    """Histories of that many events, some minutes to some days apart."""
    draw = np.random.default_rng(seed)
    times = np.cumsum(draw.integers(60, 500_000, size=(batch, places + 1)), axis=1)
    return History(
        items=some_items(batch, places, seed=seed),
        actions=torch.from_numpy(draw.integers(num_actions, size=(batch, places))),
        times=torch.from_numpy(times[:, :-1].copy()),
        next_times=torch.from_numpy(times[:, 1:].copy()),
    )


def taken(items: Items, place: NDArray[np.int64]) -> Items:
    """Some candidates (B, C) in another order."""
    content = None if items.content is None else items.content[:, place]
    return Items(ids=items.ids[:, place], content=content)
