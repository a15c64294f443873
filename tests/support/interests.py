"""Small networks of interests, and a planted world of topics in which a few follow each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ingest.histories import Histories, gather_histories
from ranking.interest_config import InterestConfig, InterestTraining
from ranking.interest_network import InterestNetwork
from ranking.ranker import Items
from ranking.splits import SplitConfig, Splits, split
from support.sequences import NUM_ITEMS, some_items


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TopicWorld:
    """Users who move from topic to topic."""

    splits: Splits
    """By users."""
    topic_of: NDArray[np.int64]
    """Topic of each item, (N,)."""


def topic_world(
    users: int = 500, topics: int = 24, size: int = 6, ways: int = 3, seed: int = 0
) -> TopicWorld:
    """Let each user stay in a topic for two items, and move to one of the few that follow it."""
    draw = np.random.default_rng(seed)
    following = np.stack([draw.permutation(topics)[:ways] for _ in range(topics)])
    liked = []
    for user in range(users):
        topic = int(draw.integers(topics))
        for step in range(5):
            for place in range(2):
                item = topic * size + int(draw.integers(size))
                liked.append((f"u{user:04}", f"i{item:04}", 2 * step + place))
            topic = int(draw.choice(following[topic]))
    histories: Histories = gather_histories(liked)
    number = np.array([int(item_id[1:]) for item_id in histories.item_ids])
    return TopicWorld(
        splits=split(histories, SplitConfig(protocol="users", seed=seed)), topic_of=number // size
    )


def small_interests(seed: int = 0, **changes: object) -> InterestNetwork:
    """A small network that drops nothing, its weights large enough that every part matters."""
    settings: dict[str, object] = {
        "num_ids": NUM_ITEMS, "width": 8, "num_layers": 1, "length": 12, "dropped_ratio": 0.0,
        "sizes": (4, 3), "num_interests": 3,
    }  # fmt: skip
    torch.manual_seed(seed)
    network = InterestNetwork(InterestConfig(**(settings | changes))).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    if network.quantiser is not None:
        everything = some_items(NUM_ITEMS)
        ids = torch.arange(NUM_ITEMS)
        network.learn_dictionary(Items(ids=ids, content=everything.content), InterestTraining())
    return network
