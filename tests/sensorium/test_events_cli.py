"""``sensorium events``: look before, import, import again, count."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from ingest.item import Item
from sensorium.workspace import Workspace
from support.cli import rows, sensorium

GOOD = "user_id,item_id,event_type,value,timestamp\n" + "".join(
    f"u{number % 5},i{number % 7},{('like', 'watch_time', 'swipe')[number % 3]},"
    f"{0.5 if number % 3 == 1 else ''},{1_740_830_400 + number}\n"
    for number in range(60)
)
BAD = "u1,,like,,1740830400\nu1,i1,like,many,1740830400\nu1,i1,like,,soon\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with a good file of events and one with bad rows."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text(GOOD)
    (tmp_path / "bad.csv").write_text(GOOD + BAD)
    return tmp_path


def test_importing_again_adds_nothing(folder: Path) -> None:
    [first] = rows(sensorium("events", "import", "good.csv", "--json"))
    assert (first["layout"], first["rows"], first["rejected"]) == ("events", 60, 0)
    assert (first["accepted"], first["duplicates"]) == (60, 0)
    assert first["weightless_types"] == {"swipe": 20}
    [again] = rows(sensorium("events", "import", "good.csv", "--json"))
    assert (again["accepted"], again["duplicates"]) == (0, 60)
    assert not list(folder.glob("*.rejects.jsonl"))


def test_bad_rows_are_set_aside_with_their_reason(folder: Path) -> None:
    [done] = rows(sensorium("events", "import", "bad.csv", "--json", code=3))
    assert (done["accepted"], done["rejected"]) == (60, 3)
    assert done["rejects_file"] == "bad.csv.rejects.jsonl"
    lines = (folder / "bad.csv.rejects.jsonl").read_text().splitlines()
    rejects = [json.loads(line) for line in lines]
    assert [entry["line"] for entry in rejects] == [62, 63, 64]
    for entry, word in zip(rejects, ("item_id", "value", "timestamp"), strict=True):
        assert word in entry["reason"]
    assert rejects[1]["row"]["value"] == "many"
    assert [entry["reason"] for entry in done["examples"]] == [e["reason"] for e in rejects]


def test_a_dry_run_shows_all_and_writes_nothing(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    [seen] = rows(sensorium("events", "import", "bad.csv", "--dry-run", "--json", code=3))
    assert sorted(folder.rglob("*")) == before
    assert (seen["layout"], seen["rows"], seen["events"], seen["rejected"]) == ("events", 63, 60, 3)
    assert len(seen["first"]) == 10
    assert seen["first"][1]["item_id"] == "i1"
    assert seen["nulls"] == {
        "user_id": 0, "item_id": 1, "event_type": 0, "value": 42, "timestamp": 0
    }  # fmt: skip
    shown = sensorium("events", "import", "bad.csv", "--dry-run", code=3).stdout
    assert "rejected line 62" in shown
    assert re.search(r"value +value +42 rows", shown)
    assert len(re.findall("2025-03-01 12:00", shown)) == 10


def test_status_counts_what_is_there_and_what_the_catalogue_lacks(folder: Path) -> None:
    sensorium("events", "import", "good.csv", "-q")
    workspace = Workspace(folder / "sensorium-data", "d")
    with workspace.engine.begin() as connection:
        items = {
            f"i{number}": (Item(item_id=f"i{number}", media=(), title="t"), ["h"])
            for number in range(3)
        }
        workspace.catalogue.put(connection, items, "/media", 1)
    [status] = rows(sensorium("events", "status", "--json"))
    assert status == {
        "by_type": {"like": 20, "swipe": 20, "watch_time": 20},
        "users": 5,
        "items": 7,
        "unknown_items": 4,
        "first": "2025-03-01T12:00:00+00:00",
        "last": "2025-03-01T12:00:59+00:00",
        "weightless_types": {"swipe": 20},
    }
    assert "no rule: counts nothing" in sensorium("events", "status").stdout


def test_types_may_be_given_a_weight(folder: Path) -> None:
    words = ("--set", "events.weights=swipe:1,like:2", "--json")
    [done] = rows(sensorium("events", "import", "good.csv", *words))
    assert done["weightless_types"] == {}


def test_unknown_types_are_told_once(folder: Path) -> None:
    told = sensorium("events", "import", "good.csv", "-q").stdout
    assert told.count("swipe") == 1


def test_columns_and_type_are_named_on_the_command_line(folder: Path) -> None:
    (folder / "f.csv").write_text("who,what,when\nann,film,2025-03-01\n")
    maps = ("--map", "who=user_id", "--map", "what=item_id", "--map", "when=timestamp")
    refused = sensorium("events", "import", "f.csv", *maps, code=1)
    assert "--type click" in refused.stderr
    [done] = rows(sensorium("events", "import", "f.csv", *maps, "--type", "play", "--json"))
    assert done["accepted"] == 1
    [status] = rows(sensorium("events", "status", "--json"))
    assert status["by_type"] == {"play": 1}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none.csv",), 1, "none.csv"),
        (("good.csv", "--format", "netflix"), 1, "choose auto, personalize"),
        (("good.csv", "--map", "a"), 2, "--map COLUMN"),
        (("good.csv", "--map", "a=user_id"), 1, "no column a"),
        (("good.csv", "--set", "events.weights=like"), 1, "write like:1"),
        (("good.csv", "--set", "events.positives=>=3"), 1, "no condition"),
        (("bad.csv", "--rejects", "no/such/folder.jsonl"), 1, "--rejects"),
    ],
)
def test_mistakes_are_told_with_the_way_out(
    folder: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    assert said in sensorium("events", "import", *words, code=code).stderr


def test_status_needs_a_workspace(folder: Path) -> None:
    refused = sensorium("events", "status", code=1)
    assert "no workspace" in refused.stderr
    assert not (folder / "sensorium-data").exists()


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "layout", "events"),
    [
        ("ml-latest-small/ratings.csv", "movielens", 100_836),
        ("ml-100k.inter", "recbole", 100_000),
        ("MINDsmall_train/behaviors.tsv", "mind", None),
    ],
)
def test_public_sets_are_read_whole(
    folder: Path, name: str, layout: str, events: int | None
) -> None:
    root = os.environ.get("SENSORIUM_TEST_DATA")
    if root is None:
        pytest.skip("SENSORIUM_TEST_DATA is not set")
    found = sorted(Path(root).rglob(name))
    if not found:
        pytest.skip(f"{name} is not there")
    [done] = rows(sensorium("events", "import", found[0], "--json"))
    assert (done["layout"], done["rejected"]) == (layout, 0)
    assert done["accepted"] == events or events is None
    [again] = rows(sensorium("events", "import", found[0], "--json"))
    assert again["accepted"] == 0
