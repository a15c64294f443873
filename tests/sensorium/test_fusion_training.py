"""Learning to fuse from the command line: kept, applied from cached vectors alone, and refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from encoders.family import Family, FamilyConfig
from fusion.mean import MaskedMean
from fusion.weights import FusionWeights
from ingest.database import WorkspaceError
from ingest.event import Event
from sensorium import assemble
from sensorium.config import Config
from sensorium.fusion_training import _histories_of_file
from sensorium.index_store import open_mirror
from sensorium.library import Library
from sensorium.workspace import FUSION
from support.cli import rows, sensorium
from support.library import CONFIG, library_of_vectors

SILENT = Console(quiet=True)


def refused(*_: Any, **__: Any) -> Any:
    raise AssertionError("a decoder or an encoder was asked")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of 160 titled pictures, fused with equal shares."""
    folder = tmp_path_factory.mktemp("made") / "w"
    library_of_vectors(folder, 160, 20).fuse_anew(SILENT, quiet=True)
    return folder


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("runner", "decode"):
        monkeypatch.setattr(assemble, name, refused)
    monkeypatch.setattr(Family, "embed", lambda _, contents: [refused(one) for one in contents])
    monkeypatch.setattr(Family, "query_text", refused)
    monkeypatch.setattr(assemble, "calibrate", lambda *_: None)  # it encodes phrases, not contents


def joint_vectors(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    library = Library(folder, CONFIG, create=False)
    active = library.workspace.active
    assert active is not None
    mirror = open_mirror(library.workspace, active)
    assert mirror is not None
    return {f"{n:03}": mirror.vectors(f"{n:03}")["joint"] for n in range(160)}


def told_of_fusion(folder: Path) -> dict[str, Any]:
    """The row of ``sensorium models`` about fusion."""
    found = rows(sensorium("models", "-w", folder, "--json"))
    return next(row for row in found if row.get("part") == FUSION)


@pytest.mark.usefixtures("nothing_runs")
def test_a_fuser_is_learnt_kept_and_applied_without_decoder_or_encoder(
    made: Path, tmp_path: Path
) -> None:
    events = tmp_path / "events.csv"
    lines = [
        f"{user},{(user % 20) + 20 * step:03},like,{step}"
        for user in range(40)
        for step in range(8)
    ]
    events.write_text("\n".join(["user_id,item_id,event_type,timestamp", *lines]))
    before = joint_vectors(made)
    words = ("train", "fusion", "-w", made, "--events", events, "--epochs", "2", "--json")
    [learnt] = map(json.loads, sensorium(*words).stdout.splitlines())
    assert (learnt["items"], learnt["several"], learnt["kept"]) == (160, 160, "learnt")
    assert learnt["judged_by"] == "engagement"
    assert learnt["after"] > learnt["before"]
    assert learnt["applied"] == 0
    told = told_of_fusion(made)
    assert (told["state"], told["generation"], told["items"]) == ("waiting", "", 160)
    reached, by_words = told["measured"]
    assert reached["figure"] == "mean reciprocal rank by engagement"
    assert (reached["value"], reached["beside"]["equal shares"]) == (
        learnt["after"],
        learnt["before"],
    )
    assert by_words["value"] == learnt["words_after"]

    library = Library(made, CONFIG, create=False)
    assert library.fusion.fuser.fingerprint == MaskedMean.fingerprint
    for item_id, vector in joint_vectors(made).items():
        np.testing.assert_array_equal(vector, before[item_id])

    like = ("search", "--like", "000", "-w", made, "--min-relevance", "0", "--json")
    assert rows(sensorium(*like))

    [applied] = map(json.loads, sensorium(*words, "--apply").stdout.splitlines())
    assert applied["applied"] == 160
    assert applied["after"] == learnt["after"]
    library = Library(made, CONFIG, create=False)
    assert library.fusion.fuser.fingerprint.startswith("gated/1 ")
    assert library.status().generation == "g2"
    assert (told_of_fusion(made)["state"], told_of_fusion(made)["generation"]) == ("on", "g2")
    assert rows(sensorium(*like))
    after = joint_vectors(made)
    assert max(np.abs(after[item_id] - before[item_id]).max() for item_id in before) > 1e-3
    marks = library.workspace.manifest.indexed("g2", list(before))
    assert all(sum(m.modality_weights.values()) == pytest.approx(1) for m in marks.values())


def test_a_fuser_of_another_space_is_left_aside(made: Path) -> None:
    library = Library(made, CONFIG, create=False, newest=True)
    path = library.workspace.learnt(FUSION, newest=True)
    assert path is not None
    assert FusionWeights.load(path).space == assemble.space_digest(library.family)
    other = assemble.family(
        assemble.with_family(Config(encoders=FamilyConfig(text_model="bge-small-en")), "bundled"),
        None,
    )
    assert assemble.fusion(other, path).fuser.fingerprint == MaskedMean.fingerprint


def test_one_setting_chooses_the_attentive_fuser(made: Path) -> None:
    words = ("train", "fusion", "-w", made, "--kind", "attentive", "--epochs", "1", "--json")
    [learnt] = map(json.loads, sensorium(*words).stdout.splitlines())
    library = Library(made, CONFIG, create=False, newest=True)
    path = library.workspace.learnt(FUSION, newest=True)
    assert path is not None
    kind = FusionWeights.load(path).config.shares
    assert kind == ("attention" if learnt["kept"] == "learnt" else "trust")
    refused = sensorium("train", "fusion", "-w", made, "--kind", "fancy", code=1)
    assert "gated, attentive" in refused.stderr


def test_contents_without_cached_vectors_are_not_passed_over(tmp_path: Path) -> None:
    library = library_of_vectors(tmp_path / "w", 4, 2)
    with library.workspace.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM encoded WHERE content_hash LIKE 'h001%'")
    with pytest.raises(WorkspaceError, match="1 files have not been encoded"):
        library.fuse_anew(SILENT, quiet=True)
    assert library.workspace.active is None


def test_too_few_items_are_refused(tmp_path: Path) -> None:
    library_of_vectors(tmp_path / "w", 10, 2)
    done = sensorium("train", "fusion", "-w", tmp_path / "w", code=1)
    assert "only 10 items have two kinds of view" in done.stderr


def test_events_about_other_items_are_refused(made: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text("user_id,item_id,event_type,timestamp\na,x,like,1\na,y,like,2\n")
    done = sensorium("train", "fusion", "-w", made, "--events", events, code=1)
    assert "gives 0 pairs" in done.stderr


def test_files_that_say_only_who_and_what_are_read_in_their_order(tmp_path: Path) -> None:
    said = [{"user_id": "a", "item_id": "y"}, {"user_id": "b", "item_id": "z"}]
    said += [
        {"user_id": "a", "item_id": "x"},
        {"user_id": "a", "item_id": "w", "event_type": "skip"},
    ]
    bare, whole = tmp_path / "bare.jsonl", tmp_path / "whole.csv"
    bare.write_text("\n".join(map(json.dumps, said)))
    whole.write_text("user_id,item_id,event_type,timestamp\na,y,like,9\na,x,like,3\na,w,skip,1\n")
    rules = CONFIG.events
    found = [[item for item, _ in liked] for liked in _histories_of_file(str(bare), rules)]
    assert found == [["y", "x"], ["z"]]
    assert [[i for i, _ in liked] for liked in _histories_of_file(str(whole), rules)] == [
        ["x", "y"]
    ]


def test_imported_events_are_taken_where_no_file_is_named(made: Path, tmp_path: Path) -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    events = [
        Event(
            user_id=f"u{user}",
            item_id=f"{user + 20 * step:03}",
            event_type="like",
            occurred_at=when + timedelta(hours=step),
        )
        for user in range(20)
        for step in range(8)
    ]
    library = Library(made, CONFIG, create=False)
    library.workspace.event_log.append(events)
    done = sensorium("train", "fusion", "-w", made, "--epochs", "1", "--json")
    learnt = json.loads(done.stdout)
    assert learnt["pairs"] == 20 * 28 * 2
    assert learnt["judged_by"] == "engagement"
