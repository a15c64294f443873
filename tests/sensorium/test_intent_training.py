"""Learning category intent from the command line: kept, opened, left aside, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ranking.intent_config import DAY_US
from ranking.signals import Deeds
from sensorium.intent_categories import open_intent
from sensorium.library import Library
from support.cli import rows, sensorium
from support.habits import GROUPS, KINDS, QUICK, USERS, write_habits
from support.library import CONFIG, copy_fused, library_of_vectors


def test_intent_is_learnt_of_a_view_kept_and_opened(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy_fused(tmp_path_factory, tmp_path, 40, GROUPS)
    assert "--by" in sensorium("train", "intent", "-w", tmp_path, code=1).stderr
    library = Library(tmp_path, CONFIG, create=False)
    assert "no intent learnt yet" in open_intent(library, ("000",))[1]
    sensorium(*KINDS, "-w", tmp_path)
    events = write_habits(tmp_path / "habits.csv")
    words = ("train", "intent", "-w", tmp_path, "--events", events, *QUICK)
    [learnt] = rows(sensorium(*words, "--json"))
    assert (learnt["of"], learnt["actions"]) == ("kinds", ["like"])
    assert learnt["kept"] == (learnt["gap"][1] >= 0)
    assert learnt["kept"]
    [told] = (
        row
        for row in rows(sensorium("models", "-w", tmp_path, "--json"))
        if row.get("part") == "intent"
    )
    assert (told["state"], told["users"], told["events"]) == ("off", USERS, learnt["events"])
    assert "feed.signals=intent" in told["note"]
    [measured] = told["measured"]
    assert measured["value"] == learnt["figures"]["user_ap"]

    item_ids = (*(f"{number:03}" for number in range(40)), "unheard")
    signal, note = open_intent(library, item_ids)
    assert signal is not None
    assert note == ""
    weekly = Deeds(
        user_id="x",
        items=np.array([2, 6]),
        types=("like", "like"),
        times_us=np.array([1, 8]) * DAY_US,
        asked_us=15 * DAY_US - 1,
    )
    rated = signal.rate(weekly, np.arange(41))
    assert rated[40] == 0
    groups = [rated[group:40:GROUPS].mean() for group in range(GROUPS)]
    assert int(np.argmax(groups)) == 2

    sensorium("view", "delete", "kinds", "-w", tmp_path)
    signal, note = open_intent(library, item_ids)
    assert signal is None
    assert "no longer has" in note


def test_too_few_events_are_refused_with_a_way_out(tmp_path: Path) -> None:
    library_of_vectors(tmp_path, 8, 2).fuse_anew(Console(quiet=True), quiet=True)
    events = tmp_path / "events.csv"
    events.write_text("user_id,item_id,event_type,timestamp\nu,000,like,2025-01-01\n")
    refused = sensorium(
        "train", "intent", "--by", "tags", "-w", tmp_path, "--events", events, code=1
    )
    assert "tags" in refused.stderr
    sensorium(*KINDS, "-k", "2", "-w", tmp_path)
    refused = sensorium("train", "intent", "-w", tmp_path, "--events", events, code=1)
    assert "too few" in refused.stderr
