"""Planted worlds of categories: habits with a period, and things wanted some days after others."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from ingest.histories import ordered_histories
from ranking.intent_config import DAY_US, Clock
from ranking.intent_cubes import Behaviour, moments_between
from ranking.intent_training import IntentData

Act = tuple[int, int, int]
"""User, category and day."""


def behaviour_of(acts: Iterable[Act], categories: int) -> Behaviour:
    """Events at noon on items that are a category each; every event says: more like this."""
    rows = [(f"u{user:04}", f"{item:02}", day * DAY_US + DAY_US // 2) for user, item, day in acts]
    events, _ = ordered_histories(rows)
    membership = np.zeros((events.num_items, categories), np.float32)
    membership[np.arange(events.num_items), [int(one) for one in events.item_ids]] = 1
    return Behaviour(
        events=events,
        channels=np.zeros(len(events.items), np.int64),
        wanted=np.ones(len(events.items), np.bool_),
        membership=membership,
    )


def data_between(
    behaviour: Behaviour, clock: Clock, days: tuple[int, int, int, int]
) -> tuple[IntentData, IntentData]:
    """Moments to learn from, to choose by and to test on, between four days.

    Returns:
        Data to learn from, and the same with the test in the place of validation.
    """
    parts = [
        moments_between(behaviour, clock, start * DAY_US, end * DAY_US)
        for start, end in pairwise(days)
    ]
    learnt, validation, test = parts
    return (
        IntentData(behaviour=behaviour, clock=clock, learnt=learnt, validation=validation),
        IntentData(behaviour=behaviour, clock=clock, learnt=learnt, validation=test),
    )


def weekly(users: int, days: int, categories: int, seed: int = 0) -> Behaviour:
    """Each wants two categories, each on a weekday of its own, nearly every week."""
    draw = np.random.default_rng(seed)
    acts = []
    for user in range(users):
        for item in draw.permutation(categories)[:2].tolist():
            weekday = int(draw.integers(7))
            acts += [(user, item, day) for day in range(weekday, days, 7) if draw.random() < 0.95]
    return behaviour_of(acts, categories)


def lagged(users: int, days: int, pairs: int, lag: int, seed: int = 0) -> Behaviour:
    """Of each pair, the second is wanted some days after the first, which comes out of the blue."""
    draw = np.random.default_rng(seed)
    acts = []
    for user in range(users):
        for pair in range(pairs):
            for day in np.flatnonzero(draw.random(days) < 0.04).tolist():
                acts.append((user, 2 * pair, day))
                if day + lag < days and draw.random() < 0.9:
                    acts.append((user, 2 * pair + 1, day + lag))
    return behaviour_of(acts, 2 * pairs)
