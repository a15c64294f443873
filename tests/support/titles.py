"""A planted library whose items each speak of dogs, boats and bread, and readers of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from encoders.base import unit
from ingest.event import Event
from ingest.item import Item
from ranking.view_store import ViewStore
from ranking.views import Members
from ray_jobs.manifest import Indexed
from sensorium.index_store import snapshot_folder, stored_version
from sensorium.library import Library
from support.albums import learnt, mirror_of, view
from support.library import CONFIG

NAMES = ("dogs", "boats", "bread")
"""What items are mostly about, and clusters of the view ``things`` are called."""
NUM = 30
GROUPS = [number % len(NAMES) for number in range(NUM)]
IDS = tuple(f"item{number:03}" for number in range(NUM))
TEXT = "Two dogs run on a beach. A boat sails in. Somebody bakes fresh bread."
READERS = ("dora", "bob", "bert")
"""Who like two items each, of the three clusters in turn."""
WIDTH = 384
"""Of the space that words and items share."""


def library_of_days(folder: Path) -> Library:
    """Make it: thirty items ``item000`` on, titled ``Day 000`` on."""
    library = Library(folder, CONFIG, create=True)
    workspace = library.workspace
    generation = workspace.open_generation("recipe", {}, reembed=False)
    random = np.random.default_rng(0)
    rows = np.eye(WIDTH)[GROUPS] + 0.3 * random.normal(size=(NUM, WIDTH)) / WIDTH**0.5
    mirror = mirror_of(dict(zip(IDS, unit(rows), strict=True)))
    mirror.version = stored_version(workspace, generation)
    mirror.save(snapshot_folder(workspace, generation))
    say(library, dict.fromkeys(IDS, TEXT))
    marks = [
        Indexed(item_id=key, digest="d", state="ready", modality_weights={"text": 1.0})
        for key in IDS
    ]
    with workspace.engine.begin() as connection:
        workspace.manifest.mark_indexed(connection, generation.name, marks)
    members = Members(
        item_ids=IDS,
        clusters=np.array(GROUPS) + 1,
        confidence=np.ones(NUM, np.float32),
        pinned=np.zeros(NUM, np.bool_),
        digests=IDS,
    )
    ViewStore(workspace.engine).write(view("things", NAMES), learnt(), members)
    for number, user in enumerate(READERS):
        _like(library, user, number, number + 3)
    return library


def say(library: Library, texts: dict[str, str]) -> None:
    """Let items say something, by id."""
    named = {
        key: (Item(item_id=key, media=(), title=f"Day {key[-3:]}", text=text), [key])
        for key, text in texts.items()
    }
    with library.workspace.engine.begin() as connection:
        library.workspace.catalogue.put(connection, named, "made", 1)


def _like(library: Library, user: str, *items: int) -> None:
    moment = datetime.now(UTC) - timedelta(minutes=5)
    library.workspace.event_log.append(
        Event(
            user_id=user,
            item_id=IDS[number],
            event_type="like",
            occurred_at=moment + timedelta(seconds=place),
        )
        for place, number in enumerate(items)
    )
