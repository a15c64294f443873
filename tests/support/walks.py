"""A made library whose users walk through groups of like items, and the same world as a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ingest.event import Event
from ingest.event_log import EventLog

START = datetime(2025, 3, 1, tzinfo=UTC)


def walked(
    users: int = 80, groups: int = 5, size: int = 8, seed: int = 0
) -> list[tuple[str, str, datetime]]:
    """User, item and time: each user walks around one group; an item is named by its number.

    Items are those of ``library_of_vectors``: the group of an item is its number modulo ``groups``.
    """
    draw = np.random.default_rng(seed)
    made = []
    for user in range(users):
        group, place = int(draw.integers(groups)), int(draw.integers(size))
        for step in range(5):
            place += 1 + int(draw.random() < 0.2)
            item = group + groups * (place % size)
            made.append((f"u{user:03}", f"{item:03}", START + timedelta(days=user, hours=step)))
    return made


def log_walks(log: EventLog, made: list[tuple[str, str, datetime]]) -> None:
    """Append them as likes."""
    log.append(
        Event(event_id=f"e{n}", user_id=user, item_id=item, event_type="like", occurred_at=when)
        for n, (user, item, when) in enumerate(made)
    )


def write_walks(path: Path, made: list[tuple[str, str, datetime]]) -> Path:
    """Write them as a file of events."""
    lines = [f"{user},{item},like,{when.isoformat()}" for user, item, when in made]
    path.write_text("\n".join(["user_id,item_id,event_type,timestamp", *lines]) + "\n")
    return path
