"""Learning lifecycles from the command line: kept, opened for the view's items, refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ingest.event import Event
from ranking.signals import Deeds
from ranking.user_state import US_PER_DAY
from ranking.view_store import ViewStore
from sensorium.learnt_parts import learnt_parts
from sensorium.library import Library
from sensorium.lifecycle_store import open_lifecycle
from sensorium.shelf import open_shelf
from support.albums import learnt, members, view
from support.cli import rows, sensorium
from support.library import CONFIG, library_of_vectors
from support.walks import START

GROUPS, ITEMS = 3, 12
QUICK = (
    "--set", "lifecycle.width=16", "--set", "lifecycle.num_layers=1", "--epochs", "4",
    "--set", "lifecycle.num_heads=2",
)  # fmt: skip


def loyal(users: int = 70, days: int = 30) -> list[Event]:
    """Likes and clicks of people who stay with the group that each of them began with."""
    draw = np.random.default_rng(0)
    return [
        Event(
            user_id=f"u{user}",
            item_id=f"{user % GROUPS + GROUPS * int(draw.integers(ITEMS // GROUPS)):03}",
            event_type=str(draw.choice(["like", "click"])),
            occurred_at=START + timedelta(days=int(day), hours=user % 24),
        )
        for user in range(users)
        for day in np.sort(draw.choice(days, size=8, replace=False))
    ]


def test_lifecycles_are_learnt_kept_and_opened(tmp_path: Path) -> None:
    library_of_vectors(tmp_path, ITEMS, GROUPS).fuse_anew(Console(quiet=True), quiet=True)
    library = Library(tmp_path, CONFIG, create=False)
    refused = sensorium("train", "lifecycle", "-w", tmp_path, code=1)
    assert "no view" in refused.stderr
    store = ViewStore(library.workspace.engine)
    known = members([number % GROUPS + 1 for number in range(ITEMS)])
    ids = tuple(f"{number:03}" for number in range(ITEMS))
    store.write(view(), learnt(), replace(known, item_ids=ids))
    refused = sensorium("train", "lifecycle", "-w", tmp_path, code=1)
    assert "0 people did something" in refused.stderr
    signal, note = open_lifecycle(library.workspace, open_shelf(library))
    assert signal is None
    assert "no lifecycle learnt yet" in note

    library.workspace.event_log.append(loyal())
    [told] = rows(sensorium("train", "lifecycle", "-w", tmp_path, *QUICK, "--json"))
    assert (told["view"], told["topics"], told["users"]) == ("colours", GROUPS, 70)
    assert set(told["actions"]) == {"like", "click"}
    assert told["area"] > told["usual_area"] + 0.2
    assert told["kept"]
    # The last liking of each, all of whom have three, is left for those who weigh signals.
    assert told["events"] == 70 * 8 - told["users"]

    shelf = open_shelf(library)
    signal, note = open_lifecycle(library.workspace, shelf)
    assert note == ""
    assert signal is not None
    day = (START.toordinal() - 719_163 + 3) * US_PER_DAY
    deeds = Deeds(
        user_id="new",
        items=np.array([shelf.number_of["001"], shelf.number_of["004"]] * 3),
        types=("like", "click", "click", "like", "click", "like"),
        times_us=day + np.arange(6) * 3 * US_PER_DAY,
        asked_us=day + 18 * US_PER_DAY,
    )
    rated = signal.rate(deeds, np.arange(ITEMS))
    own = np.array([int(item_id) % GROUPS == 1 for item_id in shelf.item_ids])
    assert rated[own].min() > rated[~own].max()

    weighed = sensorium(
        "train", "signals", "-w", tmp_path, "--set", "feed.signals=lifecycle", "--json"
    )
    [weight] = rows(weighed)[0]["weights"].values()
    assert weight > 0
    part = next(
        one for one in learnt_parts(library.workspace, library.config) if one.part == "lifecycle"
    )
    assert (part.state, part.users, part.events) == ("off", 70, told["events"])
    assert part.measured[0].value == pytest.approx(told["area"])
    store.delete("colours")
    signal, note = open_lifecycle(library.workspace, shelf)
    assert signal is None
    assert "left aside" in note
