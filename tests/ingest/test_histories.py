"""Histories as arrays: numbering, order of equal moments, parts."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from ingest.catalogue import Catalogue
from ingest.database import open_database
from ingest.event_log import EventLog
from ingest.event_rules import EventRules
from ingest.histories import Histories, gather_histories, liked_in, logged_histories
from support.events import many_events
from support.histories import histories_of

RULES = EventRules()


def told(histories: Histories) -> dict[str, list[tuple[str, int]]]:
    return {
        user_id: [
            (histories.item_ids[item], int(moment))
            for item, moment in zip(
                histories.history(user).items, histories.history(user).times_us, strict=True
            )
        ]
        for user, user_id in enumerate(histories.users)
    }


def test_events_of_a_user_stand_by_time_and_equal_moments_as_given() -> None:
    histories = gather_histories(
        [("b", "z", 5), ("a", "y", 2), ("b", "x", 5), ("b", "w", 1), ("b", "z", 5)]
    )
    assert told(histories) == {"a": [("y", 2)], "b": [("w", 1), ("z", 5), ("x", 5), ("z", 5)]}
    assert histories.item_ids == ("w", "x", "y", "z")
    assert histories.users == ("a", "b")


def test_numbers_do_not_depend_on_the_order_of_events() -> None:
    liked = [(f"u{n % 5}", f"i{n % 11}", n) for n in range(60)]
    shuffled = random.Random(2).sample(liked, len(liked))
    one, other = gather_histories(liked), gather_histories(shuffled)
    assert told(one) == told(other)
    assert (one.items == other.items).all()


def test_a_log_and_its_events_give_the_same(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    Catalogue(engine)
    log = EventLog(engine)
    events = many_events(300)
    log.append(events)
    logged = logged_histories(log, RULES)
    assert told(logged) == told(gather_histories(liked_in(events, RULES)))
    assert len(logged.items) == sum(RULES.is_positive(e.event_type, e.value) for e in events)
    engine.dispose()


def test_a_part_keeps_users_and_catalogue() -> None:
    histories = histories_of("abc", "b", "cab")
    part = histories.only(histories.places_from_end >= 1)
    assert told(part) == {"u0000": [("a", 0), ("b", 1)], "u0001": [], "u0002": [("c", 0), ("a", 1)]}
    assert part.item_ids == histories.item_ids


def test_the_moment_of_asking_is_that_of_the_last_event_unless_given() -> None:
    histories = histories_of("abc")
    assert histories.history(0).asked_us == 2
    assert histories.history(0, asked_us=9).asked_us == 9
    assert histories.only(np.zeros(3, bool)).history(0).asked_us == 0


def test_nothing_gives_nothing() -> None:
    histories = gather_histories([])
    assert (len(histories), histories.num_items, len(histories.items)) == (0, 0, 0)


def test_events_without_their_users_are_refused() -> None:
    with pytest.raises(ValueError, match="do not match"):
        Histories(
            users=("a",),
            item_ids=("i",),
            offsets=np.array([0, 2]),
            items=np.array([0]),
            times_us=np.array([0]),
        )
