"""Planted people: a shelf whose items belong to known interests, and events of a whole life."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from ingest.event import EPOCH, MICROSECOND, Event, EventType
from ranking.shelf import Interests, Shelf
from support.events import START, event

NAMES = ("dogs", "sea", "cities")
START_US = (START - EPOCH) // MICROSECOND
DAY_US = 86_400_000_000


def shelf(
    of_item: Sequence[int], names: Sequence[str] | None = NAMES, cluster_ids: tuple[int, ...] = ()
) -> Shelf:
    """Items ``i0`` on in these interests; no interests at all where there are no names."""
    number = len(of_item)
    interests = Interests(
        view="topics",
        names=tuple(names or ()),
        of_item=np.array(of_item, np.int32),
        confidence=np.ones(number, np.float32),
        cluster_ids=cluster_ids,
    )
    return Shelf(
        item_ids=tuple(f"i{row}" for row in range(number)),
        vectors=np.zeros((number, 2), np.float32),
        added_us=np.zeros(number, np.int64),
        group=np.arange(number),
        hidden=np.zeros(number, np.bool_),
        interests=interests if names else None,
    )


def life(number: int, num_items: int, seed: int = 0, user_id: str = "u") -> list[Event]:
    """Events of one person of every kind, each at a minute of its own, earliest first.

    A fifth of the items is unknown to a shelf of ``num_items``; some lists are told of twice.
    """
    draw = random.Random(seed)
    kinds = [kind.value for kind in EventType] + ["a word"]

    def item_id() -> str:
        return f"i{draw.randrange(num_items * 5 // 4)}"

    made: list[Event] = []
    for minute in range(number):
        shown = tuple(item_id() for _ in range(draw.choice([0, 0, 0, 2, 5])))
        list_id = f"r{minute}" if shown and draw.random() < 0.8 else ""
        if shown and made and draw.random() < 0.5:
            shown, list_id = made[-1].impressions, made[-1].recommendation_id
        made.append(
            event(
                item_id(),
                user_id,
                minute,
                event_type=draw.choice(kinds),
                value=draw.choice([None, 0.2, 0.9, 1.0, 5.0]),
                impressions=shown,
                recommendation_id=list_id,
            )
        )
    return made
