"""A made library with the events of its users, for measuring a feed: speed goes by sizes alone.

Items lie in groups that a view knows by name. A user likes a few groups, some items of each far
more often than others, and sometimes anything; events come in order of time, over sixty days.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ingest.event import EPOCH, MICROSECOND, Event
from ingest.event_log import EventLog
from ranking.shelf import Interests, Shelf

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SPAN = timedelta(days=60)
LIKED_GROUPS = 4
ANYTHING = 0.1
"""Share of events with any item at all."""
TYPES = ("click", "watch_time", "complete", "like", "view", "skip")
SHARES = (0.4, 0.2, 0.1, 0.1, 0.1, 0.1)
BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large a library is."""

    items: int
    """Items, N."""
    groups: int
    """Clusters of the view, K."""
    users: int
    """Users."""
    events: int
    """Events of each, on average."""
    width: int = 512
    """Of vectors, D."""


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def made_shelf(sizes: Sizes) -> Shelf:
    """Items around unit centres, with noise as long as the centre; two in a hundred are copies."""
    rng = np.random.default_rng(11)
    centres = _unit(rng.standard_normal((sizes.groups, sizes.width), np.float32))
    owner = rng.integers(0, sizes.groups, sizes.items).astype(np.int32)
    vectors = np.empty((sizes.items, sizes.width), np.float32)
    for start in range(0, sizes.items, BATCH):
        part = owner[start : start + BATCH]
        noise = rng.standard_normal((len(part), sizes.width), np.float32)
        vectors[start : start + BATCH] = _unit(centres[part] + noise / np.sqrt(sizes.width))
    numbers = np.arange(sizes.items)
    group = np.where(rng.random(sizes.items) < 0.02, rng.integers(0, numbers + 1), numbers)
    came = rng.random(sizes.items) * (SPAN / MICROSECOND)
    return Shelf(
        item_ids=tuple(f"item{number:07}" for number in range(sizes.items)),
        vectors=vectors,
        added_us=micros(NOW - SPAN) + came.astype(np.int64),
        group=group[group],
        hidden=np.zeros(sizes.items, np.bool_),
        interests=Interests(
            view="groups",
            names=tuple(f"group {number}" for number in range(sizes.groups)),
            of_item=owner,
            confidence=rng.uniform(0.3, 1.0, sizes.items).astype(np.float32),
        ),
    )


def fill_log(log: EventLog, shelf: Shelf, sizes: Sizes) -> None:
    """Append everybody's events."""
    batch: list[Event] = []
    for event in made_events(shelf, sizes):
        batch.append(event)
        if len(batch) == BATCH:
            log.append(batch)
            batch = []
    log.append(batch)


def made_events(shelf: Shelf, sizes: Sizes) -> Iterator[Event]:
    """Everybody's events, in order of time, as a log gets them."""
    draw = random.Random(12)
    assert shelf.interests is not None
    owner = shelf.interests.of_item
    members = [np.flatnonzero(owner == number) for number in range(sizes.groups)]
    liked = [draw.sample(members, LIKED_GROUPS) for _ in range(sizes.users)]
    number = sizes.users * sizes.events
    for count in range(number):
        user = draw.randrange(sizes.users)
        group = members[draw.randrange(len(members))]
        if draw.random() > ANYTHING:
            group = liked[user][int(LIKED_GROUPS * draw.random() ** 2)]
        [event_type] = draw.choices(TYPES, SHARES)
        yield Event(
            user_id=user_name(user),
            item_id=shelf.item_ids[group[int(len(group) * draw.random() ** 2)]],
            event_type=event_type,
            value=draw.random() if event_type == "watch_time" else None,
            occurred_at=NOW - SPAN * (1 - count / number),
        )


def user_name(number: int) -> str:
    """Id of a user."""
    return f"user{number:06}"


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
