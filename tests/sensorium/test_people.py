"""Somebody is erased: from every table and every byte, and the receipt says what was there."""

from __future__ import annotations

import io
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from ingest.event import Event
from ranking.preferences import Preferences
from sensorium import traces
from sensorium.people import Receipt, erase, learnt_since
from sensorium.traces import Trace
from sensorium.workspace import SOURCES, Workspace
from support.events import START, event
from support.postgres import postgres_server

NAME = "somebody-who-leaves"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path / "w", "d", create=True)
    yield made
    made.engine.dispose()


def written(path: Path, content: bytes | str = b"") -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def bytes_left(folder: Path, name: str) -> int:
    """How often the bytes of a name stand in any file of a folder."""
    return sum(
        file.read_bytes().count(name.encode()) for file in folder.rglob("*") if file.is_file()
    )


def full_life(workspace: Workspace, user_id: str) -> None:
    """Events and preferences of somebody."""
    shown = ("i1", "i2")
    context = {"by": user_id}
    workspace.event_log.append(
        [
            event("i1", user_id),
            event("i2", user_id, 1, session_id=f"{user_id}-7", context=context, impressions=shown),
        ]
    )
    Preferences(workspace.engine).set(user_id, "mood", 1, 0)


def test_a_receipt_says_what_was_taken_from_each_store(workspace: Workspace) -> None:
    for user_id in (NAME, "stays-as-well"):
        full_life(workspace, user_id)
    assert bytes_left(workspace.path, NAME) > 0

    receipt = erase(workspace, NAME, {"states": len})

    assert receipt.erased == {
        "preferences": 1,
        "API keys": 0,
        "kept answers": 0,
        "profiles": 0,
        "counts and neighbours": 0,
        "events": 2,
        "states": len(NAME),
    }
    assert (receipt.user_id, receipt.clean, receipt.notes) == (NAME, True, ())
    assert receipt.tables >= 10
    assert receipt.files >= 1
    assert bytes_left(workspace.path, NAME) == 0
    assert Preferences(workspace.engine).users() == ["stays-as-well"]
    assert len(workspace.event_log.tail("stays-as-well", 9)) == 2


def test_erasing_again_and_erasing_a_stranger_finds_nothing(workspace: Workspace) -> None:
    full_life(workspace, NAME)
    erase(workspace, NAME)
    for name in (NAME, "never-was-here"):
        again = erase(workspace, name)
        assert (set(again.erased.values()), again.clean, again.retrain) == ({0}, True, ())


def test_who_comes_back_is_a_new_person(workspace: Workspace) -> None:
    full_life(workspace, NAME)
    erase(workspace, NAME)
    workspace.event_log.append([event("i9", NAME)])
    assert [entry.item_id for entry in workspace.event_log.tail(NAME, 9)] == ["i9"]
    assert Preferences(workspace.engine).of(NAME, "mood") == {}


def test_no_byte_is_left_where_pages_were_divided(workspace: Workspace) -> None:
    draw = random.Random(3)
    names = [f"person-{number:03}-{'x' * draw.randrange(20)}!" for number in range(60)]

    def happen(number: int) -> list[Event]:
        return [
            event(f"i{draw.randrange(999)}", draw.choice(names), draw.randrange(10**6))
            for _ in range(number)
        ]

    for _ in range(20):
        workspace.event_log.append(happen(draw.choice([1, 50, 300])))
    remnants = 0
    for _ in range(40):
        name = names.pop(draw.randrange(len(names)))
        workspace.event_log.erase(name)
        if bytes_left(workspace.path, name):
            remnants += 1
            receipt = erase(workspace, name)
            assert (receipt.clean, receipt.notes) == (True, ())
            assert bytes_left(workspace.path, name) == 0
        workspace.event_log.append(happen(draw.choice([1, 20, 200])))
    assert remnants, "deleting alone leaves nothing: then the file need not be written anew"
    assert sum(1 for _ in workspace.event_log.users()) == len(names)


def test_what_is_written_after_an_erasure_is_there_for_other_processes(
    workspace: Workspace,
) -> None:
    """Whoever closes a file of SQLite loses the locks that keep others from removing the log."""
    full_life(workspace, NAME)
    assert erase(workspace, NAME).clean
    path = str(workspace.engine.url.database)
    code = (
        "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())"
    )

    def seen_by_another() -> int:
        asked = [sys.executable, "-c", code, path, "SELECT count(*) FROM events"]
        return int(subprocess.run(asked, capture_output=True, check=True).stdout)

    assert seen_by_another() == 0
    workspace.event_log.append([event("i1", "another")])
    assert seen_by_another() == 1


def test_a_name_within_another_name_takes_nothing_of_the_other(workspace: Workspace) -> None:
    for name in ("person-100", "person-1000", "person-10"):
        full_life(workspace, name)
    receipt = erase(workspace, "person-100")
    assert (receipt.clean, receipt.notes) == (True, ())
    assert list(workspace.event_log.users()) == ["person-10", "person-1000"]
    # Every place that the bytes stand in is one of the longer name.
    kept = b"".join(file.read_bytes() for file in workspace.path.rglob("catalogue.db*"))
    assert kept.count(b"person-100") == kept.count(b"person-1000")


@pytest.mark.parametrize("name", ["u1", "1234567", "7"])
def test_a_plain_id_is_looked_for_where_people_stand(workspace: Workspace, name: str) -> None:
    full_life(workspace, name)
    workspace.event_log.append([event(name, "other", context={"page": name})])
    receipt = erase(workspace, name)
    assert receipt.clean
    [note] = receipt.notes
    assert "too plain" in note
    assert list(workspace.event_log.users()) == ["other"]


def test_what_others_say_of_somebody_is_found_and_named(workspace: Workspace) -> None:
    full_life(workspace, NAME)
    workspace.event_log.append([event("i1", "other", properties={"with": NAME})])
    workspace.event_log.append([event(NAME, "other", event_type="follow")])
    workspace.event_log.append([event("i2", "other", session_id=f"x{NAME}y")])
    written(workspace.path / "notes" / "a.json", f'{{"who": "{NAME}"}}')
    written(workspace.path / "notes" / "b.txt", f"a{NAME} {NAME}1")
    receipt = erase(workspace, NAME)
    assert {(trace.place, trace.count) for trace in receipt.found} == {
        ("events.details", 1),
        ("events.item_id", 1),
        ("notes/a.json", 1),
    }
    assert not receipt.clean


def test_a_store_that_is_added_is_looked_through_without_being_told(workspace: Workspace) -> None:
    with workspace.engine.begin() as connection:
        connection.execute(text("CREATE TABLE shown (user_id TEXT, page TEXT)"))
        connection.execute(
            text("INSERT INTO shown VALUES (:name, ''), ('x', :page), (:plain, '')"),
            {"name": NAME, "page": f'["{NAME}"]', "plain": "u1"},
        )
    assert erase(workspace, NAME).found == (
        Trace(place="shown.user_id", count=1),
        Trace(place="shown.page", count=1),
    )
    assert erase(workspace, "u1").found == (Trace(place="shown.user_id", count=1),)


@pytest.mark.parametrize("name", ["Zoë 🐶 dog", "a\\b\"c'd%e_f/g", "\u00e9\u0301tude-x"])
def test_names_that_json_and_sql_write_otherwise(workspace: Workspace, name: str) -> None:
    full_life(workspace, name)
    workspace.event_log.append([event("i1", "other", context={"with": name})])
    receipt = erase(workspace, name)
    assert [trace.place for trace in receipt.found] == ["events.details"]
    assert receipt.erased["events"] == 2


def test_what_sources_counted_goes_with_whose_events_it_counted(workspace: Workspace) -> None:
    counted = written(workspace.path / SOURCES / "tally.safetensors")
    erase(workspace, "never-was-here")
    assert counted.exists()
    full_life(workspace, NAME)
    receipt = erase(workspace, NAME)
    assert (receipt.erased["counts and neighbours"], receipt.retrain) == (1, ())
    assert not counted.exists()


def test_files_learnt_since_the_first_event_are_named(workspace: Workspace) -> None:
    moments = {"fusion/old.safetensors": -60, "fusion/new.safetensors": 60}
    moments |= {"ranker/ranker.safetensors": 90, "alignment/a/text.safetensors": 60}
    moments |= {"related/related.safetensors": 60}
    for place, seconds in moments.items():
        at = (START + timedelta(seconds=seconds)).timestamp()
        os.utime(written(workspace.path / place), (at, at))
    full_life(workspace, NAME)
    Preferences(workspace.engine).set("said-but-did-nothing", "mood", 1, 0)
    expected = ("fusion/new.safetensors", "ranker/ranker.safetensors")
    assert learnt_since(workspace, START) == expected
    assert erase(workspace, "said-but-did-nothing").retrain == ()
    assert erase(workspace, NAME).retrain == expected


def test_who_reads_meanwhile_holds_up_the_last_bytes_and_the_receipt_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.database.BUSY_TIMEOUT_MS", 20)
    workspace = Workspace(tmp_path / "w", "d", create=True)
    full_life(workspace, NAME)
    with workspace.engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM events").scalar()
        receipt = erase(workspace, NAME)
        assert receipt.clean
        assert "another process is reading" in receipt.notes[0]
        assert bytes_left(workspace.path, NAME) > 0
    assert erase(workspace, NAME).notes == ()
    assert bytes_left(workspace.path, NAME) == 0
    workspace.engine.dispose()


def test_words_are_found_across_pieces_as_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(4)
    whole = re.compile(rb"(?<![0-9A-Za-z])abcabc(?![0-9A-Za-z])")
    found = 0
    for _ in range(200):
        content = "".join(draw.choice(["abcabc", "abc", "-", "a", " "]) for _ in range(6)).encode()
        file = written(tmp_path / "made.bin", content)
        monkeypatch.setattr(traces, "PIECE_BYTES", draw.randrange(1, 12))
        assert traces._is_word_in(file, (b"abcabc",)) == bool(whole.search(content)), content
        assert traces._is_any_in(io.BytesIO(content), (b"abcabc",)) == (b"abcabc" in content)
        found += bool(whole.search(content))
    assert 20 < found < 180
    assert not traces._is_word_in(tmp_path / "gone", (b"abcabc",))


def test_a_server_forgets_as_well(tmp_path: Path) -> None:
    with postgres_server() as url:
        workspace = Workspace(tmp_path / "w", "d", url, create=True)
        for user_id in (NAME, "stays-as-well"):
            full_life(workspace, user_id)
        workspace.event_log.append([event("i1", "other", context={"with": NAME})])
        receipt: Receipt = erase(workspace, NAME)
        stores = {
            "preferences": 1,
            "API keys": 0,
            "kept answers": 0,
            "profiles": 0,
            "counts and neighbours": 0,
            "events": 2,
        }
        assert receipt.erased == stores
        assert [trace.place for trace in receipt.found] == ["events.details"]
        assert "VACUUM" in receipt.notes[0]
        assert list(workspace.event_log.users()) == ["other", "stays-as-well"]
        workspace.engine.dispose()
