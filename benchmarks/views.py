"""How long a view takes to keep up with a library, and to be edited.

Run as ``python benchmarks/views.py``. Made items in groups, with a joint vector and one of a tower,
in a mirror, in the bookkeeping database and in a view. What is timed is all that an index run does
for a view once vectors are written: reading marks and members, placing arrivals, writing them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result
from encoders.base import unit
from ingest.database import open_database
from ranking import view_edits
from ranking.candidates import Candidates
from ranking.view_assignment import admitted, learn_anew, shared_space
from ranking.view_store import ViewStore
from ranking.views import Cluster, DriftConfig, Members, View, Watch
from ray_jobs.manifest import Indexed, Manifest
from retrieval.base import JOINT, Record
from retrieval.mirror import Mirror
from retrieval.space import GraphConfig
from sensorium.album_upkeep import Upkeep

GROUPS = 12
WIDTHS = {JOINT: 384, "image_native": 512}


class World:
    """Items in groups, and what a library holds of them."""

    def __init__(self, folder: Path) -> None:
        self.random = np.random.default_rng(5)
        self.centres = {
            field: self.random.normal(size=(GROUPS, width)) for field, width in WIDTHS.items()
        }
        engine = open_database(f"sqlite:///{folder / 'catalogue.db'}")
        self.store, self.manifest = ViewStore(engine), Manifest(engine, "decode")
        self.mirror = Mirror(GraphConfig(exact_rows=10**9))
        self.groups: list[int] = []

    def grow(self, number: int) -> None:
        """Add items to the mirror, and their marks to the database."""
        drawn = self.random.integers(0, GROUPS, number)
        names = [f"item{len(self.groups) + row:07}" for row in range(number)]
        vectors = {
            field: unit(centres[drawn] + self.random.normal(size=(number, WIDTHS[field])))
            for field, centres in self.centres.items()
        }
        self.mirror.upsert(
            [
                Record(key=name, vectors={field: vectors[field][row] for field in WIDTHS})
                for row, name in enumerate(names)
            ]
        )
        marks = [
            Indexed(item_id=name, digest=f"{name}-digest", state="ready", modality_weights={})
            for name in names
        ]
        with self.manifest.engine.begin() as connection:
            self.manifest.mark_indexed(connection, "g1", marks)
        self.groups += drawn.tolist()

    def word_fields(self, phrases: Sequence[Sequence[str]]) -> Mapping[str, NDArray[np.float32]]:
        """Words that lie where the groups do: the part of an encoder family."""
        return {JOINT: unit(self.centres[JOINT][: len(phrases)])}

    def upkeep(self, generation: str = "g1") -> Upkeep:
        """What an index run makes at its end."""
        return Upkeep(
            self.store,
            self.mirror.items,
            generation,
            self.manifest.digests("g1"),
            self,  # type: ignore[arg-type]
            DriftConfig(),
        )

    def write_view(self) -> None:
        """Keep the groups as a view."""
        rows = admitted(self.mirror.items, None)
        members = Members(
            item_ids=tuple(rows),
            clusters=np.array(self.groups) + 1,
            confidence=np.ones(len(rows), np.float32),
            pinned=np.zeros(len(rows), np.bool_),
            digests=tuple(f"{name}-digest" for name in rows),
        )
        space = shared_space(self.mirror.items, rows, self.word_fields([["word"]] * GROUPS))
        stays = np.ones(len(rows), np.bool_)
        learnt, members = learn_anew(VIEW, space, self.mirror.items, members, rows, stays)
        watch = Watch.start(members.confidence, DriftConfig())
        self.store.write(replace(VIEW, watch=watch), learnt, members)

    def pin(self) -> None:
        """Pin an item, learn from that, and write the view."""
        upkeep, view = self.upkeep(), self.store.view(VIEW.name)
        members = view_edits.pin(view, self.store.members(view), "item0000000", "group 3")
        rows = admitted(upkeep.table, None)
        space = self.store.learnt(view).space
        upkeep.learn(view, space, members, rows, np.ones(len(members), np.bool_))


VIEW = View(
    name="groups",
    candidates=Candidates(
        aspect="group",
        words=tuple(f"group {number}" for number in range(GROUPS)),
        templates=("{}",),
        source="user",
    ),
    where=None,
    seed=0,
    ablate=(),
    clusters=tuple(
        Cluster(cluster_id=number + 1, name=f"group {number}", words=()) for number in range(GROUPS)
    ),
    next_id=GROUPS + 1,
    generation="g1",
    watch=Watch(doubt=0.0),
    created_at=datetime.now(UTC),
    updated_at=datetime.now(UTC),
)


def seconds_of(work: Callable[[], Any]) -> float:
    """Wall time of a call."""
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 3)


def figures(folder: Path, items: int, arrivals: int, repeats: int) -> dict[str, Any]:
    """Time a view of so many items."""
    world = World(folder)
    world.grow(items)
    world.write_view()

    def refresh(generation: str = "g1") -> str:
        return world.upkeep(generation).refresh(world.store.view(VIEW.name))

    come = []
    for _ in range(repeats):
        world.grow(arrivals)
        come.append(seconds_of(refresh))
    right = world.store.members(world.store.view(VIEW.name))
    truth = {f"item{row:07}": group + 1 for row, group in enumerate(world.groups)}
    placed = zip(right.item_ids[items:], right.clusters[items:].tolist(), strict=True)
    return {
        "items": items,
        "arrivals": arrivals,
        "arrivals_seconds": sorted(come)[len(come) // 2],
        "arrivals_seconds_most": max(come),
        "arrivals_placed_right": np.mean([truth[key] == cluster for key, cluster in placed]),
        "nothing_new_seconds": seconds_of(refresh),
        "pin_seconds": seconds_of(world.pin),
        "other_vectors_seconds": seconds_of(lambda: refresh("g2")),
    }


def main() -> None:
    """Measure and write ``results/views.json``."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    options.add_argument("--arrivals", type=int, default=1_000)
    options.add_argument("--repeats", type=int, default=5)
    chosen = options.parse_args()
    views = []
    for size in chosen.sizes:
        with tempfile.TemporaryDirectory() as made:
            views.append(figures(Path(made), size, chosen.arrivals, chosen.repeats))
    result = {"environment": environment(("numpy", "sqlalchemy")), "views": views}
    print(json.dumps(result, indent=1))
    write_result("views", result)


if __name__ == "__main__":
    main()
