"""States at hand: as the log is now, bounded, the same however events came, gone when erased."""

from __future__ import annotations

import gc
import random
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.database import open_database
from ingest.event import Event
from ingest.event_log import EventLog
from ingest.event_rules import EventRules
from ranking.preferences import Preferences
from ranking.shelf import Shelf
from ranking.user_state import UserState, UserStateConfig, derive
from ranking.user_states import UserStates, read_events
from support.events import event
from support.people import DAY_US, NAMES, START_US, life, shelf

OF_ITEM = [row % 4 - 1 for row in range(40)]
NOW = START_US + DAY_US
INTEGERS = ("seen", "refused", "last_met_us")
SUMS = ("interest", "exposure", "weights", "boost")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalogue.db'}"


@pytest.fixture
def log(url: str) -> Iterator[EventLog]:
    engine = open_database(url)
    yield EventLog(engine)
    engine.dispose()


def states_of(log: EventLog, of: Shelf | None = None, **changes: float) -> UserStates:
    config = UserStateConfig(**changes)  # type: ignore[arg-type]
    return UserStates(log, Preferences(log.engine), of or shelf(OF_ITEM), EventRules(), config)


def same(one: UserState, other: UserState) -> bool:
    """Whether two states agree: numbers of items and times exactly, sums but for rounding."""
    assert one.types == other.types
    for name in INTEGERS:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name in ("recent", "liked"):
        mine, its = getattr(one, name), getattr(other, name)
        assert np.array_equal(mine.items, its.items)
        assert np.array_equal(mine.times_us, its.times_us)
        assert mine.asked_us == its.asked_us
    for name in SUMS:
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-5), name
    return True


def test_the_same_events_give_the_same_state_in_whatever_order_they_came(log: EventLog) -> None:
    events = life(300, len(OF_ITEM))
    for seed in range(3):
        draw = random.Random(seed)
        mixed = draw.sample(events, len(events))
        states = states_of(log)
        while mixed:
            log.append([mixed.pop() for _ in range(min(len(mixed), draw.randrange(1, 60)))])
            states.state("u", NOW)  # at hand while late events come
        fresh = derive("u", NOW, events, shelf(OF_ITEM), EventRules(), UserStateConfig())
        assert same(states.state("u", NOW), fresh)
        assert same(states_of(log).state("u", NOW), fresh)
        log.erase("u")


def test_a_state_at_hand_is_aged_as_one_derived_anew(log: EventLog) -> None:
    log.append(life(200, len(OF_ITEM)))
    states = states_of(log)
    first = states.state("u", NOW)
    later = states.state("u", NOW + 3 * DAY_US)
    assert later.seen is first.seen
    assert same(later, states_of(log).state("u", NOW + 3 * DAY_US))
    assert same(states.state("u", NOW), first)


def test_the_past_is_what_had_happened_until_then(log: EventLog) -> None:
    events = life(200, len(OF_ITEM))
    log.append(events)
    states = states_of(log)
    states.state("u", NOW)
    for number in (0, 1, 77, 200):
        asked_us = events[number].occurred_us - 1 if number < 200 else NOW
        then = states.past("u", asked_us)
        config, of = UserStateConfig(), shelf(OF_ITEM)
        assert same(then, derive("u", asked_us, events[:number], of, EventRules(), config))
    assert len(states.past("nobody", NOW).seen) == 0


def test_events_of_another_process_are_seen_at_the_next_request(log: EventLog, url: str) -> None:
    other = EventLog(open_database(url))
    states = states_of(log)
    assert states.state("u", NOW).seen.tolist() == []
    other.append([event("i3"), event("i5", "someone else")])
    before = states.state("u", NOW)
    assert before.seen.tolist() == [3]
    other.append([event("i7", "someone else")])
    assert states.state("u", NOW).seen is before.seen
    other.append([event("i8", minute=-99)])
    assert states.state("u", NOW).seen.tolist() == [3, 8]
    other.engine.dispose()


def test_who_was_erased_is_nobody_whoever_erased_them(log: EventLog, url: str) -> None:
    states = states_of(log)
    log.append([event("i3"), event("i3", "stays")])
    assert len(states.state("u", NOW).seen) == len(states.state("stays", NOW).seen) == 1
    other = EventLog(open_database(url))
    other.erase("u")
    other.engine.dispose()
    assert len(states.state("u", NOW).seen) == 0
    assert len(states) == 1
    log.append([event("i4")])
    assert states.state("u", NOW).seen.tolist() == [4]
    log.erase("u")
    assert (states.forget("u"), states.forget("u")) == (1, 0)
    assert (len(states), len(states.state("stays", NOW).seen)) == (1, 1)


def test_what_was_being_read_while_somebody_left_is_not_kept(log: EventLog) -> None:
    class Leaving(EventLog):
        """A log whose user is erased between its answer and its use."""

        def tail(self, *words: object, **named: object) -> list[Event]:
            found = super().tail(*words, **named)  # type: ignore[arg-type]
            self.erase("u")
            states.forget("u")
            return found

    log.append([event("i3")])
    states = states_of(Leaving(log.engine))
    states.state("u", NOW)
    assert (len(states), states.size_bytes) == (0, 0)


def test_strangers_take_no_room(log: EventLog) -> None:
    states = states_of(log)
    for name in ("", "nobody", "Zoë 🐶"):
        assert states.state(name, NOW).interest.tolist() == [0] * len(NAMES)
    assert (len(states), states.size_bytes) == (0, 0)


def test_memory_is_bounded_and_who_was_asked_for_last_stays(log: EventLog) -> None:
    many = shelf([0] * 3000)
    page = tuple(many.item_ids)
    people = [f"u{number}" for number in range(48)]
    log.append([event("i1", name, impressions=page) for name in people])
    states = states_of(log, many, cache_mib=1)
    many.number_of["i1"]
    for name in people:
        states.state(name, NOW)
        states.state("u0", NOW)
        assert 0 < states.size_bytes <= 1 << 20
    assert 35 < len(states) < len(people)
    kept = states.state("u0", NOW).seen
    assert states.state("u0", NOW).seen is kept
    assert sum(states.forget(name) for name in people) > 35
    assert states.size_bytes == 0
    assert len(states_of(log, many, cache_mib=0).state("u0", NOW).seen) == 3000


def test_states_take_the_memory_they_say(log: EventLog) -> None:
    names = [f"u{number}" for number in range(10)]
    for number, name in enumerate(names):
        log.append(replace(e, event_id=name + e.event_id) for e in life(30, 40, number, name))
    states = states_of(log)
    tracemalloc.start()
    for name in names:
        states.state(name, NOW)
    said = states.size_bytes
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    for name in names:
        states.forget(name)
    gc.collect()
    freed = held - tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.5 < freed / said < 1.1


def test_boosts_follow_the_number_of_a_cluster_not_its_name_or_place(log: EventLog) -> None:
    preferences = Preferences(log.engine)
    preferences.set("u", "topics", 7, 0)
    preferences.set("u", "topics", 2, 2.5)
    preferences.set("u", "another view", 4, 0)
    preferences.set("u", "topics", 99, 3)  # merged away since
    turned = shelf(OF_ITEM, ("cats", "Meer", "towns"), (2, 7, 4))
    assert states_of(log, turned).state("u", NOW).boost.tolist() == [2.5, 0, 1]
    assert states_of(log, turned).state("v", NOW).boost.tolist() == [1, 1, 1]
    states = states_of(log, turned)
    states.state("u", NOW)
    preferences.set("u", "topics", 7, 1)
    assert states.state("u", NOW).boost.tolist() == [2.5, 1, 1]
    assert states_of(log, shelf(OF_ITEM, None)).state("u", NOW).boost.tolist() == []


def test_so_many_rows_are_read_and_old_refusals_among_them(log: EventLog) -> None:
    config = UserStateConfig(acts=20, shown=10)
    acts = [event(f"i{n}", minute=n, event_type="click") for n in range(50)]
    acts[3] = replace(acts[3], event_type="report")
    acts[45] = replace(acts[45], event_type="dislike")
    shown = [event("i1", minute=n / 2, event_type="impression") for n in range(100)]
    log.append([*acts, *shown])
    read = read_events(log, "u", config)
    assert [entry for entry in read if entry.event_type != "impression"] == [acts[3], *acts[30:]]
    assert [entry for entry in read if entry.event_type == "impression"] == shown[90:]
    assert read == sorted(read, key=lambda entry: entry.occurred_at)
    assert read_events(log, "u", replace(config, acts=200)) == sorted(
        shown[90:] + acts, key=lambda entry: entry.occurred_at
    )


def test_threads_may_ask_erase_and_append_at_once(log: EventLog) -> None:
    states = states_of(log, cache_mib=1)
    failures: list[Exception] = []

    def work(seed: int) -> None:
        draw = random.Random(seed)
        try:
            for _ in range(30):
                name = f"u{draw.randrange(4)}"
                what = draw.random()
                if what < 0.3:
                    log.append([event(f"i{draw.randrange(40)}", name, draw.randrange(99))])
                elif what < 0.4:
                    log.erase(name)
                    states.forget(name)
                states.state(name, NOW)
        except Exception as error:  # noqa: BLE001 - told by the test itself
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for number in range(4):
        name = f"u{number}"
        assert same(states.state(name, NOW), states_of(log).state(name, NOW))
        states.forget(name)
    assert states.size_bytes == 0
