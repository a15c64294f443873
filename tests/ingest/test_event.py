"""Events: checked once, named by what they say, read from whatever a cell holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.event import Event, EventError
from ingest.event_records import as_row, parse_event, parse_time
from support.events import event

ROW = {"user_id": "u", "item_id": "i", "event_type": "click", "timestamp": "2025-03-01T12:00:00Z"}

names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Z"]), min_size=1)
events = st.builds(
    Event,
    user_id=names,
    item_id=names,
    event_type=names.map(str.lower).filter(lambda name: name == name.lower()),
    occurred_at=st.datetimes(
        min_value=datetime(1800, 1, 1),
        max_value=datetime(4000, 1, 1),
        timezones=st.just(UTC),
    ),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    session_id=st.just("") | names,
    recommendation_id=st.just("") | names,
    position=st.none() | st.integers(0, 99),
    impressions=st.lists(names, max_size=3).map(tuple),
    context=st.dictionaries(names, st.integers() | st.text() | st.booleans(), max_size=2),
)


@given(events)
def test_an_event_survives_being_written_as_a_row(made: Event) -> None:
    assert parse_event(as_row(made)) == made


def test_an_id_follows_from_what_is_said() -> None:
    made = event("i", "u", 1, value=0.5)
    assert event("i", "u", 1, value=0.5).event_id == made.event_id
    assert replace(made, event_id="", session_id="s").event_id == made.event_id
    others = [
        event("j", "u", 1, value=0.5),
        event("i", "v", 1, value=0.5),
        event("i", "u", 2, value=0.5),
        event("i", "u", 1, value=0.6),
        event("i", "u", 1),
        event("i", "u", 1, value=0.5, event_type="like"),
        event("i", "iu", 1, value=0.5),
    ]
    assert len({made.event_id, *(other.event_id for other in others)}) == len(others) + 1


def test_derived_ids_sort_by_time() -> None:
    made = [event(f"i{n}", minute=minute) for n, minute in enumerate((-1e9, -3, 0, 0.001, 5, 1e8))]
    assert sorted(made, key=lambda e: e.event_id) == made


def test_times_are_kept_as_utc() -> None:
    there = timezone(timedelta(hours=2))
    made = replace(event(), occurred_at=datetime(2025, 3, 1, 14, tzinfo=there), event_id="")
    assert made.occurred_at == datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert made.occurred_at.tzinfo is UTC
    assert made.event_id == replace(made, occurred_at=made.occurred_at, event_id="").event_id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_id", ""),
        ("user_id", "  "),
        ("item_id", "a\0b"),
        ("item_id", "\ud800"),
        ("event_type", "x" * 501),
        ("event_id", "\0"),
        ("value", float("nan")),
        ("value", float("inf")),
        ("position", -1),
        ("timestamp", datetime(2025, 3, 1)),
    ],
)
def test_what_no_database_could_keep_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(EventError, match=field) as refused:
        replace(event(), **{"occurred_at" if field == "timestamp" else field: value})
    assert refused.value.field == field


@pytest.mark.parametrize(
    "value",
    [
        1_740_830_400,
        "1740830400",
        1_740_830_400.0,
        "1740830400.0",
        1_740_830_400_000,
        "1740830400000",
        1_740_830_400_000_000,
        "2025-03-01T12:00:00Z",
        "2025-03-01T14:00:00+02:00",
        "2025-03-01 12:00:00",
        datetime(2025, 3, 1, 12, tzinfo=UTC),
    ],
)
def test_a_time_is_known_by_its_magnitude_or_its_words(value: Any) -> None:
    assert parse_time(value) == datetime(2025, 3, 1, 12, tzinfo=UTC)


def test_milliseconds_are_kept_to_the_microsecond() -> None:
    assert parse_time(1_740_830_400_123).microsecond == 123_000
    assert parse_time("1740830400.123456").microsecond == 123_456
    assert parse_time(-5) == datetime(1969, 12, 31, 23, 59, 55, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", None, "yesterday", "nan", "inf", 1e30, True, [1]])
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(EventError, match="timestamp"):
        parse_event({**ROW, "timestamp": value})


@pytest.mark.parametrize(
    ("field", "cell", "expected"),
    [
        ("user_id", 7, "7"),
        ("item_id", 7.0, "7"),
        ("item_id", " 007 ", "007"),
        ("value", "0.5", 0.5),
        ("value", "", None),
        ("value", float("nan"), None),
        ("event_type", "Like", "like"),
        ("position", "3", 3),
        ("impressions", "a|b", ("a", "b")),
        ("impressions", '["a", "b"]', ("a", "b")),
        ("context", '{"device": "tv"}', {"device": "tv"}),
        ("properties", [("seconds", 12)], {"seconds": 12}),
    ],
)
def test_cells_are_read(field: str, cell: Any, expected: Any) -> None:
    assert getattr(parse_event({**ROW, field: cell}), field) == expected


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ("user_id", None),
        ("item_id", ["a"]),
        ("item_id", True),
        ("value", "much"),
        ("value", True),
        ("position", 1.5),
        ("impressions", "[a"),
        ("impressions", 3),
        ("context", "tv"),
        ("properties", [1]),
        ("event_type", ""),
    ],
)
def test_a_wrong_cell_is_named(field: str, cell: Any) -> None:
    with pytest.raises(EventError, match=field):
        parse_event({**ROW, field: cell})


def test_single_entries_join_the_whole() -> None:
    row = {**ROW, "context": '{"device": "tv", "app": 1}', "context.app": 2, "context.none": ""}
    assert parse_event(row).context == {"device": "tv", "app": 2}
    assert parse_event({**ROW, "properties.seconds": 7}).properties == {"seconds": 7}


def test_a_row_without_a_type_takes_the_one_given() -> None:
    bare = {name: value for name, value in ROW.items() if name != "event_type"}
    assert parse_event(bare, "rating").event_type == "rating"
    assert parse_event({**bare, "event_type": float("nan")}, "rating").event_type == "rating"
    assert parse_event(ROW, "rating").event_type == "click"
