"""``sensorium users`` on a planted library: what is known, what is said, and erasing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.item import Item
from ranking.preferences import Preferences
from ranking.view_store import ViewStore
from sensorium.albums import Albums
from sensorium.index_store import snapshot_folder, stored_version
from sensorium.library import Library
from support.albums import NOON, learnt, members, mirror_of, planted, view
from support.cli import Done, rows, sensorium
from support.events import event
from support.library import CONFIG

VECTORS = planted([0, 1, 2, 0])
IDS = tuple(VECTORS)
NOW = datetime.now(UTC)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Four items: two red, one green, one blue; ``anna`` likes red, hates the green one."""
    library = Library(tmp_path / "w", CONFIG, create=True)
    workspace = library.workspace
    generation = workspace.open_generation("recipe", {}, reembed=False)
    mirror = mirror_of(VECTORS)
    mirror.version = stored_version(workspace, generation)
    mirror.save(snapshot_folder(workspace, generation))
    titled = {key: (Item(item_id=key, media=(), title=f"the {key}"), [key]) for key in IDS}
    with workspace.engine.begin() as connection:
        workspace.catalogue.put(connection, titled, "made", 1)
    store = ViewStore(workspace.engine)
    clusters = replace(members([1, 2, 3, 1]), item_ids=IDS)
    store.write(view(), learnt(), clusters)
    older = view("shapes", ["round", "flat"], created_at=NOON - timedelta(days=1))
    store.write(older, learnt(2), replace(members([1, 1, 2, 2]), item_ids=IDS))
    said = [("item000", "save"), ("item003", "save"), ("item002", "like"), ("gone", "click")]
    said += [("item001", "not_interested"), ("item000", "impression")]
    events = [
        replace(event(item_id, "anna", event_type=what), occurred_at=NOW - timedelta(minutes=9 - n))
        for n, (item_id, what) in enumerate(said)
    ]
    workspace.event_log.append([*events, event("item001", "bert")])
    yield library
    workspace.engine.dispose()


def users(library: Library, *words: str, code: int = 0) -> Done:
    return sensorium("users", *words, "-w", library.workspace.path, code=code)


def test_users_are_listed_with_those_who_only_said_something(library: Library) -> None:
    users(library, "mute", "aaron", "red")
    [aaron, anna, bert] = rows(users(library, "list", "--json"))
    assert aaron == {"user_id": "aaron", "events": 0, "last": None}
    assert (anna["user_id"], anna["events"], bert["events"]) == ("anna", 6, 1)
    assert anna["last"].startswith(f"{NOW - timedelta(minutes=4):%Y-%m-%dT%H:%M}")
    assert [row["user_id"] for row in rows(users(library, "list", "-n", "2", "--json"))] == [
        "aaron",
        "anna",
    ]
    assert [
        row["user_id"] for row in rows(users(library, "list", "--after", "anna", "--json"))
    ] == ["bert"]
    assert re.search(r"anna +6 ", users(library, "list").stdout)


def test_a_user_is_shown_with_bars_and_what_was_done_last(library: Library) -> None:
    users(library, "mute", "anna", "blue")
    shown = users(library, "show", "anna").stdout
    assert "anna: 6 events" in shown
    assert "3 liked lately, 4 items met" in shown
    assert "refused: item001" in shown
    lines = {line.split()[0]: line for line in shown.splitlines() if "%" in line}
    assert list(lines) == ["red", "blue", "green"]
    assert "80%" in lines["red"]
    assert [line.count("━") for line in lines.values()] == [16, 4, 0]
    assert lines["blue"].endswith("muted")
    assert "1.0" in lines["red"]
    assert re.search(r"not_interested +the item001 +green", shown)
    assert re.search(r"click +gone", shown)


def test_programs_get_the_same_as_one_object(library: Library) -> None:
    [shown] = rows(users(library, "show", "anna", "-n", "2", "--json"))
    assert (shown["view"], shown["liked"], shown["refused"]) == ("colours", 3, ["item001"])
    assert [row["name"] for row in shown["interests"]] == ["red", "blue", "green"]
    assert shown["interests"][0]["share"] == pytest.approx(0.8, abs=0.001)
    assert [deed["event_type"] for deed in shown["recent"]] == ["impression", "not_interested"]
    assert shown["recent"][1]["interest"] == "green"
    [flat, _] = rows(users(library, "interests", "anna", "--view", "shapes", "--json"))
    assert (flat["name"], flat["view"], flat["share"]) == ("flat", "shapes", 1.0)


def test_a_stranger_is_shown_as_one(library: Library) -> None:
    assert "nobody: no events" in users(library, "show", "nobody").stdout
    assert {row["share"] for row in rows(users(library, "interests", "nobody", "--json"))} == {0}


def test_settings_decide_what_is_remembered(library: Library) -> None:
    said = ("--set", "user_state.least_weight=0", "--set", "events.weights=save:0,like:0")
    [green, *_] = rows(users(library, "interests", "anna", *said, "--json"))
    assert green["interest"] == 0
    code = users(library, "show", "anna", "--set", "user_state.interest_days=0", code=1)
    assert "interest_days" in code.stderr


def test_what_is_said_is_kept_and_taken_back(library: Library) -> None:
    preferences = Preferences(library.workspace.engine)
    [muted] = rows(users(library, "mute", "anna", "RED", "--json"))
    assert muted == {
        "user_id": "anna", "view": "colours", "name": "red", "cluster": 1, "factor": 0.0
    }  # fmt: skip
    assert "anna: green of colours is 2 times" in users(library, "boost", "anna", "green").stdout
    users(library, "boost", "anna", "blue", "3.5")
    users(library, "mute", "anna", "flat", "--view", "shapes")
    assert preferences.of("anna", "colours") == {1: 0, 2: 2, 3: 3.5}
    assert preferences.of("anna", "shapes") == {2: 0}
    assert "anna: red of colours is as it is" in users(library, "reset", "anna", "red").stdout
    assert preferences.of("anna", "colours") == {2: 2, 3: 3.5}


def test_what_cannot_be_said_is_refused_with_what_can(library: Library) -> None:
    assert "did you mean green" in users(library, "mute", "anna", "gren", code=1).stderr
    assert (
        "no view 'none'" in users(library, "mute", "anna", "red", "--view", "none", code=1).stderr
    )
    assert "up to 10" in users(library, "boost", "anna", "red", "11", code=1).stderr
    for name in ("colours", "shapes"):
        ViewStore(library.workspace.engine).delete(name)
    assert "sensorium cluster" in users(library, "mute", "anna", "red", code=1).stderr
    assert "no interests" in users(library, "show", "anna").stdout


def test_a_library_without_items_still_tells_of_its_users(tmp_path: Path) -> None:
    library = Library(tmp_path / "w", CONFIG, create=True)
    assert "no users yet" in users(library, "list").stdout
    library.workspace.event_log.append([event("i", "anna")])
    [shown] = rows(users(library, "show", "anna", "--json"))
    assert (shown["events"], shown["view"], shown["interests"]) == (1, "", [])
    library.workspace.engine.dispose()


def test_erasing_asks_a_person_and_prints_a_receipt(library: Library) -> None:
    refused = users(library, "erase", "anna", code=2)
    assert "--yes" in refused.stderr
    assert library.workspace.event_log.activity("anna") is not None
    users(library, "mute", "anna", "red")
    done = users(library, "erase", "anna", "--yes")
    assert re.search(r"anna was erased at \d{4}-", done.stdout)
    assert re.search(r"events: 6\b", done.stdout)
    assert re.search(r"preferences: 1\b", done.stdout)
    assert "nothing is left" in done.stdout
    assert library.workspace.event_log.activity("anna") is None


def test_a_receipt_for_programs_says_where_an_id_still_stands(library: Library) -> None:
    log = library.workspace.event_log
    log.append([event("i", "charlotte"), event("i", "bert", context={"with": "charlotte"})])
    learnt_file = library.workspace.path / "ranker" / "ranker.safetensors"
    learnt_file.parent.mkdir()
    learnt_file.touch()
    [receipt] = rows(users(library, "erase", "charlotte", "--yes", "--json", code=3))
    assert receipt["erased"] == {
        "preferences": 0,
        "API keys": 0,
        "kept answers": 0,
        "profiles": 0,
        "counts and neighbours": 0,
        "events": 1,
    }
    assert receipt["found"] == [{"place": "events.details", "count": 1}]
    assert receipt["clean"] is False
    assert receipt["retrain"] == ["ranker/ranker.safetensors"]
    log.append([event("i", "charlotte")])
    told = users(library, "erase", "charlotte", "--yes", code=3).stdout
    assert "the id still stands in" in told
    assert "ranker/ranker.safetensors: sensorium train ranker" in told


def test_what_was_said_holds_for_clusters_of_the_same_name_in_a_view_made_anew(
    library: Library,
) -> None:
    preferences = Preferences(library.workspace.engine)
    for cluster_id in (1, 2, 3):
        preferences.set("anna", "colours", cluster_id, cluster_id + 1)
    albums = Albums(library)
    for new in (view(names=["Green", "pink", "red"]), view("another", names=["red"])):
        said = albums._regrouped(new.name, albums._of_same_name(new))
        albums.store.write(new, learnt(len(new.clusters)), members([1]), said)
    assert preferences.of("anna", "colours") == {3: 2, 1: 3}
    albums.delete("colours")
    assert preferences.of("anna", "colours") == {}


def test_a_person_at_a_terminal_may_think_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for answer, left in (("n\n", True), ("y\n", False)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        done = users(library, "erase", "anna", "--json", code=1 if left else 0)
        assert "erase anna" in done.stderr + done.stdout
        assert (library.workspace.event_log.activity("anna") is not None) == left
    assert json.loads(done.stdout.splitlines()[-1])["clean"] is True
