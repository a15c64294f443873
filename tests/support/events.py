"""Made events: many users and items, times that come in no order and often coincide."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from ingest.event import Event, EventType

START = datetime(2025, 3, 1, tzinfo=UTC)


def event(item_id: str = "i", user_id: str = "u", minute: float = 0, **fields: object) -> Event:
    """One event; a click unless said otherwise."""
    given: dict[str, object] = {"event_type": EventType.CLICK, **fields}
    return Event(
        user_id=user_id,
        item_id=item_id,
        occurred_at=START + timedelta(minutes=minute),
        **given,  # type: ignore[arg-type]
    )


def many_events(number: int, users: int = 7, items: int = 20, seed: int = 1) -> list[Event]:
    """Different events in no order of time; most share their minute with others."""
    draw = random.Random(seed)
    kinds = (("click", None), ("watch_time", 0.3), ("watch_time", 0.9), ("dislike", None))
    made = []
    for count in range(number):
        event_type, value = draw.choice(kinds)
        made.append(
            event(
                f"i{draw.randrange(items)}",
                f"u{draw.randrange(users)}",
                draw.randrange(max(number // 4, 1)),
                event_id=f"e{count}",
                event_type=event_type,
                value=value,
            )
        )
    return made
