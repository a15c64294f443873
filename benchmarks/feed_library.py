"""A made library with the events of its users, for measuring a feed: speed goes by sizes alone.

Items lie in groups that a view knows by name, and came over sixty days. A user likes a few groups,
some items of each far more often than others, and sometimes anything; events come in order of time.
What an index run writes is written: catalogue, snapshot with its graph, view; files are missing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.catalogue import arrivals_table, upsert
from ingest.event import EPOCH, MICROSECOND, Event
from ingest.item import Item
from ranking.base import Readout
from ranking.candidates import Candidates
from ranking.space import AspectSpace
from ranking.view_store import ViewStore
from ranking.views import Cluster, Learnt, Members, View, Watch
from retrieval.base import JOINT, Record
from retrieval.mirror import Mirror
from sensorium.assemble import calibrate, made_by, with_family
from sensorium.config import Config
from sensorium.index_store import snapshot_folder, stored_version
from sensorium.library import Library

NOW = datetime.now(UTC)
SPAN = timedelta(days=60)
LIKED_GROUPS = 4
ANYTHING = 0.1
"""Share of events with any item at all."""
KINDS = 20
"""Kinds of items in each group."""
COPIES = 0.02
"""Share of items that repeat another one."""
TYPES = ("click", "watch_time", "complete", "like", "view", "skip")
SHARES = (0.4, 0.2, 0.1, 0.1, 0.1, 0.1)
BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large a library is."""

    items: int
    """Items, N."""
    groups: int
    """Clusters of the view, K."""
    users: int
    """Users."""
    events: int
    """Events of each, on average."""
    width: int = 384
    """Of vectors, D: that of the joint space of the bundled encoders."""


def open_made(folder: Path) -> Library:
    """Open what ``make_library`` wrote."""
    return Library(folder, with_family(Config(), "bundled"), create=True)


def make_library(folder: Path, sizes: Sizes) -> None:
    """Write a library with a view and everybody's events."""
    library = open_made(folder)
    rng = np.random.default_rng(11)
    owner = rng.integers(0, sizes.groups, sizes.items)
    ids = [f"item{number:07}" for number in range(sizes.items)]
    _write_items(library, ids, rng)
    _write_vectors(library, ids, owner, sizes, rng)
    _write_view(library, ids, owner, sizes, rng)
    batch: list[Event] = []
    for event in made_events(ids, owner, sizes):
        batch.append(event)
        if len(batch) == BATCH:
            library.workspace.event_log.append(batch)
            batch = []
    library.workspace.event_log.append(batch)


def made_events(ids: list[str], owner: NDArray[np.int64], sizes: Sizes) -> Iterator[Event]:
    """Everybody's events, in order of time, as a log gets them."""
    draw = random.Random(12)
    members = [np.flatnonzero(owner == number) for number in range(sizes.groups)]
    liked = [draw.sample(members, LIKED_GROUPS) for _ in range(sizes.users)]
    number = sizes.users * sizes.events
    for count in range(number):
        user = draw.randrange(sizes.users)
        group = members[draw.randrange(len(members))]
        if draw.random() > ANYTHING:
            group = liked[user][int(LIKED_GROUPS * draw.random() ** 2)]
        [event_type] = draw.choices(TYPES, SHARES)
        yield Event(
            user_id=user_name(user),
            item_id=ids[group[int(len(group) * draw.random() ** 2)]],
            event_type=event_type,
            value=draw.random() if event_type == "watch_time" else None,
            occurred_at=NOW - SPAN * (1 - count / number),
        )


def user_name(number: int) -> str:
    """Id of a user."""
    return f"user{number:06}"


def _write_items(library: Library, ids: list[str], rng: np.random.Generator) -> None:
    """Put items into the catalogue, each with the moment it came."""
    workspace = library.workspace
    first = (NOW - SPAN - EPOCH) // MICROSECOND
    came = first + (rng.random(len(ids)) * (SPAN / MICROSECOND)).astype(np.int64)
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        rows = zip(part, came[start : start + BATCH].tolist(), strict=True)
        with workspace.engine.begin() as connection:
            named = {
                key: (Item(item_id=key, media=(), title=f"Title of {key}"), []) for key in part
            }
            workspace.catalogue.put(connection, named, "made", 1)
            upsert(connection, arrivals_table, [{"item_id": k, "added_us": us} for k, us in rows])


def _write_vectors(
    library: Library,
    ids: list[str],
    owner: NDArray[np.int64],
    sizes: Sizes,
    rng: np.random.Generator,
) -> None:
    """Save vectors around the centres of kinds, and these around those of groups.

    Noise is as long as the centre, so that the cosine is about 0.5 within a kind, as between
    photographs of one thing.
    """
    recipe = library.recipe.digest, made_by(library.config, library.family, library.fusion)
    generation = library.workspace.open_generation(*recipe, reembed=False)
    mirror = Mirror(version=stored_version(library.workspace, generation))
    near = owner + sizes.groups * rng.integers(0, KINDS, len(owner))
    centres = np.tile(
        _unit(rng.standard_normal((sizes.groups, sizes.width), np.float32)), (KINDS, 1)
    )
    centres = _around(centres, rng)
    for start in range(0, len(ids), BATCH):
        vectors = _around(centres[near[start : start + BATCH]], rng)
        mirror.upsert(
            [
                Record(key=key, vectors={JOINT: vector}, scalars=_scalars(ids, start + row, rng))
                for row, (key, vector) in enumerate(zip(ids[start:], vectors, strict=False))
            ]
        )
    mirror.save(snapshot_folder(library.workspace, generation))
    calibrate(library.workspace, generation, mirror, library.family)


def _scalars(ids: list[str], number: int, rng: np.random.Generator) -> dict[str, str]:
    if number and rng.random() < COPIES:
        return {"lang": "en", "duplicate_of": ids[int(rng.integers(number))]}
    return {"lang": "en"}


def _write_view(
    library: Library,
    ids: list[str],
    owner: NDArray[np.int64],
    sizes: Sizes,
    rng: np.random.Generator,
) -> None:
    """Keep the groups as a view."""
    names = tuple(f"group {number}" for number in range(sizes.groups))
    view = View(
        name="groups",
        candidates=Candidates(aspect="group", words=names, templates=("{}",), source="user"),
        where=None,
        seed=0,
        ablate=(),
        clusters=tuple(
            Cluster(cluster_id=number, name=name, words=())
            for number, name in enumerate(names, start=1)
        ),
        next_id=sizes.groups + 1,
        generation="g1",
        watch=Watch(doubt=0.0),
        created_at=NOW,
        updated_at=NOW,
    )
    nothing = np.zeros((1, 1), np.float32)
    space = AspectSpace(means={JOINT: nothing[0]}, words=nothing, anchors=nothing)
    members = Members(
        item_ids=tuple(ids),
        clusters=owner + 1,
        confidence=rng.uniform(0.3, 1.0, len(ids)).astype(np.float32),
        pinned=np.zeros(len(ids), np.bool_),
        digests=tuple(ids),
    )
    learnt = Learnt(space=space, readout=Readout(weights=nothing, bias=nothing[0]))
    ViewStore(library.workspace.engine).write(view, learnt, members)


def _around(centres: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Unit vectors, one near each centre."""
    noise = rng.standard_normal(centres.shape, np.float32) / np.sqrt(centres.shape[1])
    return _unit(centres + noise)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
