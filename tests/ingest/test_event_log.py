"""The log: nothing lost, nothing twice, on SQLite and on a PostgreSQL server alike."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ingest.catalogue import Catalogue
from ingest.database import open_database
from ingest.event import Event
from ingest.event_counts import Appended
from ingest.event_log import EventLog, events_table
from ingest.event_rules import EventRules
from ingest.item import Item
from support.events import START, event, many_events
from support.postgres import postgres_server

WRITE = """
import sys
from datetime import UTC, datetime
from ingest.database import open_database
from ingest.event import Event
from ingest.event_log import EventLog
log = EventLog(open_database(sys.argv[1]))
number = int(sys.argv[2])
while True:
    names = [str(number + place) for place in range(7)]
    said = {"user_id": "u", "item_id": "i", "event_type": "click", "occurred_at": datetime.now(UTC)}
    log.append(Event(event_id=name, **said) for name in names)
    number += 7
    print(number, flush=True)
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def postgres(servers: ExitStack) -> str:
    return servers.enter_context(postgres_server())


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalogue.db'}"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    yield engine
    events_table.drop(engine, checkfirst=True)
    engine.dispose()


@pytest.fixture
def log(engine: Engine) -> EventLog:
    Catalogue(engine)
    return EventLog(engine)


def in_time_order(events: list[Event]) -> list[Event]:
    """Sorted by time; the sort is stable, so events of one moment stay as they were appended."""
    return sorted(events, key=lambda entry: entry.occurred_at)


def test_an_event_comes_back_as_it_was(log: EventLog) -> None:
    full = event(
        "'; DROP TABLE events; --",
        "Zoë 🐶",
        event_type="a_word_of_its_own",
        value=-0.25,
        session_id="s",
        recommendation_id="r",
        position=0,
        impressions=("a", "b"),
        context={"device": "tv", "lone": "\ud800"},
        properties={"seconds": 12.5, "deep": {"a": [1, None]}},
    )
    old = replace(event("other"), occurred_at=datetime(1066, 10, 14, tzinfo=START.tzinfo))
    assert log.append([full, old]) == Appended(accepted=2, duplicates=0)
    assert [entry for _, entry in log.since(0)] == [full, old]
    assert log.tail("Zoë 🐶", 5) == [full]


def test_an_id_counts_once_whatever_else_is_said(log: EventLog) -> None:
    first = event(event_id="e")
    twice = [first, replace(first, value=3.0), event(event_id="f")]
    assert log.append(twice) == Appended(accepted=2, duplicates=1)
    assert log.append(twice) == Appended(accepted=0, duplicates=3)
    assert log.append([]) == Appended(accepted=0, duplicates=0)
    assert [entry for _, entry in log.since(0)] == [first, event(event_id="f")]


def test_an_append_tells_which_ids_are_new(log: EventLog) -> None:
    log.append([event(event_id="a")])
    told = [event(event_id=name) for name in ("a", "b", "c", "b")]
    assert log.append_new(told) == {"b", "c"}
    assert log.append_new(told) == frozenset()
    assert log.append_new([]) == frozenset()


def test_pages_back_in_time_meet_every_event_once(log: EventLog) -> None:
    events = many_events(200, users=2)
    log.append(events[:150])
    own = [entry for entry in events[:150] if entry.user_id == "u0"]
    met, place = [], None
    while page := log.before("u0", place, 7):
        met += [entry for _, entry in page]
        place = page[-1][0]
        if len(met) == 14:  # later events of somebody do not move the pages before them
            log.append([event("late", "u0", 10_000, event_id="late")])
    assert met == in_time_order(own)[::-1]


def test_a_tail_is_in_order_of_time_however_late_events_come(log: EventLog) -> None:
    events = many_events(300)
    for start in range(0, len(events), 37):
        log.append(events[start : start + 37])
    for user_id in {entry.user_id for entry in events}:
        own = in_time_order([entry for entry in events if entry.user_id == user_id])
        assert len({entry.occurred_at for entry in own}) < len(own)
        for limit in (1, 10, 1000):
            assert log.tail(user_id, limit) == own[-limit:]
    assert log.tail("nobody", 10) == []


def test_a_tail_of_some_types_is_what_a_loop_finds(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = many_events(300)
    log.append(events)
    for through in (1000, 11):
        monkeypatch.setattr("ingest.event_log.LOOKED_THROUGH", through)
        own = in_time_order([entry for entry in events if entry.user_id == "u2"])[-through:]
        clicks = [entry for entry in own if entry.event_type == "click"]
        others = [entry for entry in own if entry.event_type != "click"]
        for limit in (3, 1000):
            assert log.tail("u2", limit, only=["click", "none such"]) == clicks[-limit:]
            assert log.tail("u2", limit, without=["click"]) == others[-limit:]


def test_a_mark_changes_with_a_users_own_events_only(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert log.mark("u") == (0, 0)
    marks = [log.mark("u")]
    for entry in (event("a"), event("late", minute=-5), event("b", minute=9)):
        log.append([entry])
        marks.append(log.mark("u"))
        log.append([event("a", "another", minute=len(marks))])
        assert log.mark("u") == marks[-1]
    log.erase("u")
    assert log.mark("u") == (0, 0)
    log.append([event("a")])
    assert len({*marks, log.mark("u")}) == 5
    monkeypatch.setattr("ingest.event_log.LOOKED_THROUGH", 1)
    before = log.mark("u")
    log.append([event("older than all that is looked through", minute=-9)])
    assert log.mark("u") == before


def test_users_are_told_with_what_they_have(log: EventLog) -> None:
    events = many_events(100)
    log.append(events)
    told = log.active("", 4) + log.active("u3", 100)
    assert [entry.user_id for entry in told] == [f"u{number}" for number in range(7)]
    for entry in told:
        times = [e.occurred_at for e in events if e.user_id == entry.user_id]
        assert (entry.events, entry.first, entry.last) == (len(times), min(times), max(times))
        assert log.activity(entry.user_id) == entry
    assert log.activity("nobody") is None


def test_pages_replay_the_order_of_appending(log: EventLog) -> None:
    events = many_events(100)
    log.append(events)
    replayed: list[Event] = []
    sequence = 0
    while page := log.since(sequence, 17):
        assert len(page) <= 17
        sequence = page[-1][0]
        replayed += [entry for _, entry in page]
    assert replayed == events


def test_users_are_walked_in_byte_order(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["b", "B", "a", "é", "Z", "10", "9", "a b", "🐶"]
    log.append([event(user_id=name, minute=minute) for name in names for minute in (0, 1)])
    monkeypatch.setattr("ingest.event_log.PAGE", 2)
    assert list(log.users()) == sorted(names, key=str.encode)


def test_erasing_leaves_nothing_of_a_user_and_all_of_the_others(log: EventLog) -> None:
    events = many_events(200)
    log.append(events)
    gone = [entry for entry in events if entry.user_id == "u3"]
    last = log.since(0)[-1][0]
    assert log.erase("u3") == len(gone) > 0
    assert log.erase("u3") == 0
    assert log.tail("u3", 10) == []
    kept = [entry for entry in events if entry.user_id != "u3"]
    assert [entry for _, entry in log.since(0)] == kept
    assert log.since(last) == []


def test_no_byte_of_an_erased_user_stays_in_sqlite(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    log = EventLog(engine)
    name = "somebody-who-leaves"
    for start in range(0, 2000, 100):
        log.append(
            event(f"i{n}", name if n % 9 == 0 else f"u{n % 50}", n % 311)
            for n in range(start, start + 100)
        )
    assert name.encode() in read_all(tmp_path)
    assert log.erase(name) == len(range(0, 2000, 9))
    assert name.encode() not in read_all(tmp_path)
    assert sum(1 for _ in log.users()) == 50
    engine.dispose()


def read_all(folder: Path) -> bytes:
    """All bytes of the files in a folder."""
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


def test_a_reader_who_goes_on_misses_nothing_after_an_erasure(log: EventLog) -> None:
    log.append([event("a", "stays"), event("b", "goes")])
    last = log.since(0)[-1][0]
    log.erase("goes")
    log.append([event("c", "new")])
    assert [entry.item_id for _, entry in log.since(last)] == ["c"]


def test_histories_hold_what_was_liked_in_order(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = EventRules(positives=("click", "watch_time>=0.6"))
    events = many_events(400)
    log.append(events)
    since = START + timedelta(minutes=40)
    monkeypatch.setattr("ingest.event_log.PAGE", 13)  # pages end within users and moments
    for earliest, longest in ((None, 1000), (since, 1000), (None, 5)):
        expected: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        for entry in in_time_order(events):
            good = entry.event_type == "click" or (
                entry.event_type == "watch_time" and (entry.value or 0) >= 0.6
            )
            if good and (earliest is None or entry.occurred_at >= earliest):
                expected[entry.user_id].append((entry.item_id, entry.occurred_at))
        found = dict(log.histories(rules, earliest, longest))
        assert found == {user: history[-longest:] for user, history in expected.items()}
        assert list(found) == sorted(found)


def test_counts(log: EventLog, engine: Engine) -> None:
    empty = log.counts()
    assert (empty.by_type, empty.users, empty.first, empty.last) == ({}, 0, None, None)
    events = many_events(150)
    log.append(events)
    catalogue = Catalogue(engine)
    known = {f"i{number}" for number in range(0, 20, 2)}
    with engine.begin() as connection:
        items = {item_id: (Item(item_id=item_id, media=(), title="t"), ["h"]) for item_id in known}
        catalogue.put(connection, items, "/media", 1)
    counts = log.counts()
    seen = {entry.item_id for entry in events}
    assert counts.by_type == Counter(entry.event_type for entry in events)
    assert counts.users == len({entry.user_id for entry in events})
    assert (counts.items, counts.unknown_items) == (len(seen), len(seen - known))
    times = sorted(entry.occurred_at for entry in events)
    assert (counts.first, counts.last) == (times[0], times[-1])


def test_a_follower_sees_everything_that_several_writers_append(log: EventLog) -> None:
    events = many_events(400)
    shares = [events[start::3] + events[:40] for start in range(3)]
    accepted: list[int] = []

    def write(share: list[Event]) -> None:
        batches = [share[start : start + 5] for start in range(0, len(share), 5)]
        accepted.append(sum(log.append(batch).accepted for batch in batches))

    writers = [threading.Thread(target=write, args=(share,)) for share in shares]
    for writer in writers:
        writer.start()
    seen: list[str] = []
    sequence = 0
    done = False
    while not done:
        done = not any(writer.is_alive() for writer in writers)
        for number, entry in log.since(sequence):
            seen.append(entry.event_id)
            sequence = number
    assert Counter(seen) == Counter(entry.event_id for entry in events)
    assert sum(accepted) == len(events)


def test_what_was_acknowledged_survives_a_kill(url: str, log: EventLog) -> None:
    draw = random.Random(5)
    acknowledged = 0
    for _ in range(3):
        command = [sys.executable, "-c", WRITE, url, str(max(acknowledged - 20, 0))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(draw.randrange(2, 30)):
                acknowledged = int(writer.stdout.readline())
            time.sleep(draw.uniform(0, 0.01))
            writer.kill()
            acknowledged = int([str(acknowledged), *writer.stdout.read().split()][-1])
        found = sorted(int(entry.event_id) for _, entry in log.since(0))
        # A batch that was under way may be there as a whole.
        assert found in (list(range(acknowledged)), list(range(acknowledged + 7)))


def test_sqlite_syncs_what_it_acknowledges(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    log = EventLog(engine)

    def synchronous() -> int:
        with engine.connect() as connection:
            return int(connection.exec_driver_sql("PRAGMA synchronous").scalar() or 0)

    during: list[int] = []
    with log._writing() as connection:
        during.append(int(connection.exec_driver_sql("PRAGMA synchronous").scalar() or 0))
    assert (during, synchronous()) == ([2], 1)
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_questions_are_answered_from_an_index(log: EventLog) -> None:
    log.append(many_events(50))
    questions = {
        "SELECT * FROM events WHERE user_id = 'u1' "
        "ORDER BY occurred_us DESC, sequence DESC LIMIT 5",
        "SELECT * FROM events WHERE sequence > 5 ORDER BY sequence LIMIT 5",
        "SELECT DISTINCT user_id FROM events WHERE user_id > 'u' ORDER BY user_id LIMIT 5",
        "SELECT * FROM events WHERE (user_id, occurred_us, sequence) > ('u', 1, 1) "
        "ORDER BY user_id, occurred_us, sequence LIMIT 5",
    }
    for question in questions:
        with log.engine.connect() as connection:
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}").all()
        assert all("SEARCH" in str(step) and "TEMP" not in str(step) for step in steps), steps
