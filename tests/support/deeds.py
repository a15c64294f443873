"""A planted world of many kinds of events: a skip tells where a person turns next."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np

from ingest.event import Event
from support.events import START

TOPICS, SIZE = 6, 6
STEPS = 5


def turning(users: int = 240, seed: int = 0, noise: float = 0.1) -> list[Event]:
    """Likes along a ring of each topic; who skips what came next turns to the next topic there.

    Likes alone leave two topics for the next one. With skips there is one, so the best that can be
    found first is all but the noise, and half of that from likes alone.
    """
    draw = np.random.default_rng(seed)
    made: list[Event] = []
    for user in range(users):
        topic, place, minute = int(draw.integers(TOPICS)), int(draw.integers(SIZE)), 0
        for _ in range(STEPS):
            place = (place + 1) % SIZE
            if draw.random() < 0.5:
                made.append(_event(user, topic, place, minute, "skip"))
                topic, minute = (topic + 1) % TOPICS, minute + 1
            liked = (topic, place)
            if draw.random() < noise:
                liked = (int(draw.integers(TOPICS)), int(draw.integers(SIZE)))
            made.append(_event(user, *liked, minute, "like"))
            minute += 1
    return made


def write_deeds(path: Path, events: list[Event]) -> Path:
    """Write them as a file of events."""
    lines = [
        f"{one.user_id},{one.item_id},{one.event_type},{one.occurred_at.isoformat()}"
        for one in events
    ]
    path.write_text("\n".join(["user_id,item_id,event_type,timestamp", *lines]) + "\n")
    return path


def _event(user: int, topic: int, place: int, minute: int, kind: str) -> Event:
    return Event(
        user_id=f"u{user:04}",
        item_id=f"{topic}-{place}",
        event_type=kind,
        occurred_at=START + timedelta(days=user % 30, minutes=minute),
    )
