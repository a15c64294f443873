"""Event files: recognised on sight, read a row at a time, bad rows told with their reason."""

from __future__ import annotations

import csv
import gzip
import json
import tempfile
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.catalogue import Catalogue
from ingest.database import open_database
from ingest.errors import DecodeError
from ingest.event import Event
from ingest.event_files import EventFile
from ingest.event_layouts import FORMATS
from ingest.event_log import EventLog
from ingest.event_recognition import EventFileError
from ingest.event_records import FIELDS, as_row
from support.events import many_events

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
S = int(NOON.timestamp())

# Layout, the file's text, and what its first row says: user, item, type, value.
KNOWN = {
    "own": (
        "events",
        f"user_id,item_id,event_type,value,timestamp\nu,i,like,,{NOON.isoformat()}\n",
        ("u", "i", "like", None),
    ),
    "own as JSON": (
        "events",
        f'{{"user_id": "u", "item_id": "i", "event_type": "like", "timestamp": {S}}}\n',
        ("u", "i", "like", None),
    ),
    "personalize": (
        "personalize",
        f"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\nu,i,{S},Watch,0.5\n",
        ("u", "i", "watch", 0.5),
    ),
    "personalize without types": (
        "personalize",
        f"USER_ID,ITEM_ID,TIMESTAMP\nu,i,{S}\n",
        ("u", "i", "click", None),
    ),
    "ratings.csv": (
        "movielens",
        f"userId,movieId,rating,timestamp\n1,31,2.5,{S}\n",
        ("1", "31", "rating", 2.5),
    ),
    "u.data": (
        "movielens",
        f"196\t242\t3\t{S}\n186\t302\t3\t{S}\n",
        ("196", "242", "rating", 3.0),
    ),
    "ratings.dat": (
        "movielens",
        f"1::1193::5::{S}\n1::661::3::{S}\n",
        ("1", "1193", "rating", 5.0),
    ),
    "recbole": (
        "recbole",
        f"user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t{S}.0\n"
        + f"1\t2\t3\t{S}\n" * 3,
        ("196", "242", "rating", 3.0),
    ),
    "recbole without ratings": (
        "recbole",
        f"user_id:token\titem_id:token\ttimestamp:float\n196\t242\t{S}\n",
        ("196", "242", "click", None),
    ),
    "amazon before 2019": (
        "amazon",
        '{"reviewerID": "A1", "asin": "B1", "overall": 4.0, "reviewText": "x", '
        f'"unixReviewTime": {S}, "reviewTime": "03 1, 2025"}}\n',
        ("A1", "B1", "rating", 4.0),
    ),
    "amazon 2023": (
        "amazon",
        '{"rating": 4.0, "title": "t", "images": [], "asin": "B1", "parent_asin": "B0", '
        f'"user_id": "AE", "timestamp": {S}000, "helpful_vote": 0}}\n',
        ("AE", "B0", "rating", 4.0),
    ),
    "amazon 2023 as CSV": (
        "amazon",
        f"user_id,parent_asin,rating,timestamp\nAE,B0,4.0,{S}000\n",
        ("AE", "B0", "rating", 4.0),
    ),
    "amazon 2014 ratings only": (
        "amazon",
        f"A39HTATAQ9V7YF,0205616461,5.0,{S}\nA3JM6GV9MNOF9X,B00LLPT4HI,3.0,{S}\n",
        ("A39HTATAQ9V7YF", "0205616461", "rating", 5.0),
    ),
    "amazon 2018 ratings only": (
        "amazon",
        f"0205616461,A39HTATAQ9V7YF,5.0,{S}\nB00LLPT4HI,A3JM6GV9MNOF9X,3.0,{S}\n",
        ("A39HTATAQ9V7YF", "0205616461", "rating", 5.0),
    ),
    "kuairec": (
        "kuairec",
        "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
        f"14,148,4381,6067,2025-03-01 20:00:00,20250301,{S}.0,1.25\n",
        ("14", "148", "watch_time", 1.25),
    ),
    "microlens": (
        "microlens",
        f"user,item,timestamp\n1,9606,{S}000\n",
        ("1", "9606", "comment", None),
    ),
}


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def all_events(file: EventFile) -> list[Event]:
    rows = list(file)
    assert [row.reason for row in rows if row.reason] == []
    return [event for row in rows for event in row.events]


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_known_layout_is_read_without_being_told(
    tmp_path: Path, name: str, compressed: bool
) -> None:
    layout, text, said = KNOWN[name]
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())
    file = EventFile(str(path))
    assert file.layout.name == layout
    first = all_events(file)[0]
    assert (first.user_id, first.item_id, first.event_type, first.value) == said
    assert first.occurred_at == NOON
    assert EventFile(str(path), layout).layout == file.layout


def test_every_named_layout_is_among_those_tested() -> None:
    assert set(FORMATS) == {layout for layout, _, _ in KNOWN.values()} | {"mind", "sequences"}


def test_own_events_come_back_from_every_kind_of_file(tmp_path: Path) -> None:
    events = many_events(50)
    rows = [as_row(event) for event in events]
    (tmp_path / "e.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (tmp_path / "e.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "e.parquet")
    for kind in ("jsonl", "csv", "parquet"):
        assert all_events(EventFile(str(tmp_path / f"e.{kind}"))) == events


def test_parquet_types_and_gaps(tmp_path: Path) -> None:
    table = pa.table(
        {
            "user_id": pa.array([1.0, 2.0]),
            "item_id": pa.array([10, 20], pa.int64()),
            "event_type": pa.array(["view", None]),
            "timestamp": pa.array([NOON, NOON], pa.timestamp("us", tz="UTC")),
            "context.device": pa.array(["tv", None]),
        }
    )
    pq.write_table(table, tmp_path / "e.parquet")
    first, second = all_events(EventFile(str(tmp_path / "e.parquet"), event_type="Play"))
    assert (first.user_id, first.item_id, first.event_type) == ("1", "10", "view")
    assert (first.context, second.context) == ({"device": "tv"}, {})
    assert (second.event_type, second.occurred_at) == ("play", NOON)


def test_columns_are_what_they_are_said_to_be(tmp_path: Path) -> None:
    text = "Who;What;Stars;Day;Device\nann;film 1;4,5;2025-03-01;tv\nbob;film 2;3;2025-03-01;\n"
    mapping = {
        "Who": "user_id",
        "What": "item_id",
        "Stars": "value",
        "Day": "timestamp",
        "Device": "context.device",
    }
    bad, good = EventFile(write(tmp_path / "f.csv", text), "auto", mapping, "rating")
    assert bad.reason == "value should be a number, but is '4,5'"
    [event] = good.events
    assert (event.user_id, event.item_id, event.value) == ("bob", "film 2", 3.0)
    assert (event.event_type, event.context) == ("rating", {})


def test_a_mapping_takes_the_place_of_the_known_column(tmp_path: Path) -> None:
    _, text, _ = KNOWN["amazon 2023"]
    file = EventFile(write(tmp_path / "f.jsonl", text), mapping={"asin": "item_id"})
    assert [event.item_id for event in all_events(file)] == ["B1"]


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("a,b\n1,2\n", {}, r"no column is known as the user_id.*a, b.*--map"),
        ("user_id,item_id,timestamp\nu,i,1\n", {}, "--type"),
        ("a,b\n1,2\n", {"mapping": {"c": "user_id"}}, r"no column c.*a, b"),
        ("a,b\n1,2\n", {"mapping": {"a": "who"}}, r"no such field.*user_id"),
        ("a,b\n1,2\n", {"layout": "netflix"}, r"no layout.*movielens"),
        ("a,b\n1,2\n", {"layout": "movielens"}, "no column is known"),
        ("", {}, "empty"),
        ("\n \n", {}, "empty"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(
    tmp_path: Path, text: str, words: dict[str, str], said: str
) -> None:
    with pytest.raises(EventFileError, match=said):
        EventFile(write(tmp_path / "f.csv", text), **words)  # type: ignore[arg-type]


def test_a_missing_or_damaged_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DecodeError):
        EventFile(str(tmp_path / "none.csv"))
    (tmp_path / "f.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DecodeError, match="parquet"):
        EventFile(str(tmp_path / "f.parquet"))


def test_a_cut_off_archive_gives_what_came_before(tmp_path: Path) -> None:
    header, row = "user_id,item_id,event_type,timestamp\n", "u{0},i,click,{0}\n"
    text = header + "".join(row.format(number) for number in range(40_000))
    whole = gzip.compress(text.encode())
    path = tmp_path / "f.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    read = 0
    with pytest.raises(DecodeError, match="damaged"):  # noqa: PT012
        for entry in EventFile(str(path)):
            read += len(entry.events)
    assert 10_000 < read < 40_000


def test_bad_rows_never_stop_a_file(tmp_path: Path) -> None:
    good = f'{{"user_id": "u", "item_id": "i", "event_type": "like", "timestamp": {S}}}\n'
    bad = [
        "not json\n",
        "[1]\n",
        '{"user_id": "u"}\n',
        '{"user_id": "u", "item_id": "i", "event_type": "like", "timestamp": "soon"}\n',
        '{"user_id": "\\ud800", "item_id": "i", "event_type": "like", "timestamp": 1}\n',
    ]
    text = good + "\n" + "".join(line + good for line in bad)
    rows = list(EventFile(write(tmp_path / "f.jsonl", text)))
    assert [row.line for row in rows if row.reason] == [3, 5, 7, 9, 11]
    assert sum(len(row.events) for row in rows) == 6
    assert all(bool(row.reason) != bool(row.events) for row in rows)


cells = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
keys = st.sampled_from((*FIELDS, "context.device", "properties.", "other"))


@settings(max_examples=40)
@given(st.lists(st.dictionaries(keys, cells, max_size=9), min_size=1, max_size=5))
def test_every_row_says_something_or_why_not(made: list[dict[str, object]]) -> None:
    known = {"user_id": "u", "item_id": "i", "event_type": "like", "timestamp": S}
    lines = [known, *({**known, **row} for row in made), *made, known]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as stream:
        stream.write("".join(json.dumps(line) + "\n" for line in lines))
        stream.flush()
        rows = list(EventFile(stream.name))
    assert len(rows) == len(lines)
    assert all(bool(row.reason) != bool(row.events) for row in rows)
    engine = open_database("sqlite://")
    Catalogue(engine)
    log = EventLog(engine)
    events = [event for row in rows for event in row.events]
    log.append(events)
    stored = [as_row(event) for _, event in log.since(0)]
    ids = dict.fromkeys(event.event_id for event in events)
    assert [row["event_id"] for row in stored] == list(ids)
    engine.dispose()


def test_lines_without_columns_may_be_bad_too(tmp_path: Path) -> None:
    text = f"1\t2\t3\t{S}\n1\t2\n1\t2\tx\t{S}\n4\t5\t6\t{S}\t7\n\n8\t9\t1\t{S}"
    rows = list(EventFile(write(tmp_path / "u.data", text), "movielens"))
    assert [(row.line, bool(row.reason)) for row in rows] == [
        (1, False),
        (2, True),
        (3, True),
        (4, True),
        (6, False),
    ]


MIND_TEXT = (
    "7\tU1\t3/2/2025 2:14:46 PM\tN1 N2\tN8-0 N9-1\n"
    "8\tU1\t3/1/2025 12:00:00 PM\tN1 N2\tN-7-1\n"
    "9\tU2\t3/1/2025 12:00:01 PM\t\tN3 N4\n"
)


def test_an_impression_log_holds_a_history_what_was_shown_and_what_was_clicked(
    tmp_path: Path,
) -> None:
    file = EventFile(write(tmp_path / "behaviors.tsv", MIND_TEXT))
    assert file.layout.name == "mind"
    events = {event.event_id: event for event in all_events(file)}
    history = [event for event in events.values() if event.occurred_at < NOON]
    assert [(event.item_id, event.event_type) for event in history] == [
        ("N1", "click"),
        ("N2", "click"),
    ]
    assert history[0].occurred_at < history[1].occurred_at
    later = [
        (event.item_id, event.event_type, event.recommendation_id, event.position)
        for event in events.values()
        if event.occurred_at >= NOON
    ]
    assert later == [
        ("N8", "impression", "7", 0),
        ("N9", "impression", "7", 1),
        ("N9", "click", "7", 1),
        ("N-7", "impression", "8", 0),
        ("N-7", "click", "8", 0),
        ("N3", "impression", "9", 0),
        ("N4", "impression", "9", 1),
    ]


def test_sequences_keep_their_order(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.tsv", "1\t5 3 5\n2\t9 8\n")
    file = EventFile(path)
    assert file.layout.name == "sequences"
    events = all_events(file)
    assert [(event.user_id, event.item_id) for event in events] == [
        ("1", "5"), ("1", "3"), ("1", "5"), ("2", "9"), ("2", "8")
    ]  # fmt: skip
    assert [event.occurred_at for event in events[:3]] == sorted(
        {event.occurred_at for event in events[:3]}
    )
    spaced = write(tmp_path / "Beauty.txt", "1 5 3 5\n2 9 8\n")
    assert all_events(EventFile(spaced, "sequences")) == events


def test_progress_runs_from_nothing_to_all(tmp_path: Path) -> None:
    text = "user_id,item_id,event_type,timestamp\n" + "u,i,click,1\n" * 10_000
    (tmp_path / "f.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    for path in (write(tmp_path / "f.csv", text), str(tmp_path / "f.csv.gz")):
        file = EventFile(path)
        assert file.done_ratio == 0.0
        shares = [file.done_ratio for _ in file]
        assert shares == sorted(shares)
        assert 0.0 < shares[0] <= 1.0
        assert file.done_ratio == 1.0
        assert len(set(shares)) > 1 or path.endswith("gz")


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    header = "user_id,item_id,event_type,timestamp\n"
    lines = "".join(f"user{number},item,click,{number}\n" for number in range(10_000))
    file = EventFile(write(tmp_path / "f.csv", header + lines))
    tracemalloc.start()
    read = sum(len(row.events) for row in file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == 10_000
    assert peak < 200_000 < len(lines)
