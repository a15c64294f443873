"""Small networks of interests, and a planted world of topics in which a few follow each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ingest.histories import Histories, gather_histories
from ranking.interest_config import InterestConfig, InterestTraining
from ranking.interest_network import InterestNetwork
from ranking.quantiser import QuantiserTraining
from ranking.ranker import Items
from ranking.splits import Case
from support.sequences import NUM_ITEMS, some_items

TOPIC_SIZE = 6
"""Items of a topic."""
GIVEN, HIDDEN = 8, 2
"""Events of a user of a world of topics: those given, and those of the topic after."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TopicWorld:
    """Users who move from topic to topic."""

    fit: Histories
    """What is learnt from."""
    validation: tuple[Case, ...]
    """Questions of other users, each for the items of their next topic."""
    test: tuple[Case, ...]
    """The same of others again, whose next topic is new to them."""
    topic_of: NDArray[np.int64]
    """Topic of each item, (N,)."""


def topic_world(users: int = 500, ways: int = 3, topics: int = 24, seed: int = 0) -> TopicWorld:
    """Let each user like two items of a topic, and move to one of the few that follow it."""
    draw = np.random.default_rng(seed)
    following = np.stack([draw.permutation(topics)[:ways] for _ in range(topics)])
    liked = []
    for user in range(users + 400):
        topic = int(draw.integers(topics))
        for place in range(GIVEN + HIDDEN):
            item = topic * TOPIC_SIZE + int(draw.integers(TOPIC_SIZE))
            liked.append((f"u{user:04}", f"i{item:04}", place))
            topic = int(draw.choice(following[topic])) if place % 2 else topic
    histories = gather_histories(liked)
    topic_of = np.array([int(item_id[1:]) for item_id in histories.item_ids]) // TOPIC_SIZE
    given = histories.only(histories.places_from_end >= HIDDEN)
    cases = []
    for user in range(users, users + 400):
        end = histories.offsets[user + 1]
        hidden = np.unique(histories.items[end - HIDDEN : end])
        cases.append(Case(user=user, history=given.history(user), targets=hidden))
    new = [
        case
        for case in cases[100:]
        if not np.isin(topic_of[case.targets], topic_of[case.history.items]).any()
    ]
    return TopicWorld(
        fit=histories.only(histories.user_of_event < users),
        validation=tuple(cases[:100]),
        test=tuple(new),
        topic_of=topic_of,
    )


BRIEF = InterestTraining(dictionary=QuantiserTraining(num_steps=60))
"""Entries start at the centres of what they stand for: a dozen items need few steps more."""


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
        network.learn_dictionary(Items(ids=ids, content=everything.content), BRIEF)
    return network
