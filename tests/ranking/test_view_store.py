"""Views in the database: there after reopening, whole after a kill, on either database."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from ingest.database import open_database
from ranking.view_store import Tally, ViewStore
from ranking.views import Members, View, ViewError
from support.albums import learnt, members, view
from support.postgres import postgres_server

Open = Callable[[str], ViewStore]

WRITE_TWO_STATES = """
import sys
from ingest.database import open_database
from ranking.view_store import ViewStore
from support.albums import learnt, members, view
store = ViewStore(open_database(sys.argv[1]))
while True:
    for number in (2, 3):
        names = [f"{number} {place}" for place in range(number)]
        store.write(view(names=names), learnt(number), members([1, number] * 1000))
        print(number, flush=True)
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with ExitStack() as stack:
        yield stack.enter_context(postgres_server())


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalogue.db'}"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens a store; its connections are closed when the test ends."""
    with ExitStack() as stack:

        def open_one(url: str) -> ViewStore:
            engine = open_database(url)
            stack.callback(engine.dispose)
            return ViewStore(engine)

        yield open_one


def same(one: Members, other: Members) -> bool:
    return (one.item_ids, one.digests) == (other.item_ids, other.digests) and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("clusters", "confidence", "pinned")
    )


def test_a_view_comes_back_as_it_was(url: str, opened: Open) -> None:
    kept, who = view(where="lang == 'en'"), members([3, 1, 2], pinned=[1])
    opened(url).write(kept, learnt(), who)

    store = opened(url)

    assert store.view("colours") == kept
    assert same(store.members(kept), who)
    assert store.sizes("colours") == {1: 1, 2: 1, 3: 1}
    back = store.learnt(kept)
    assert list(back.space.means) == ["joint", "audio_native"]
    for name in ("words", "anchors"):
        assert np.array_equal(getattr(back.space, name), getattr(learnt().space, name))
    assert np.array_equal(back.readout.weights, learnt().readout.weights)
    assert np.array_equal(back.readout.bias, learnt().readout.bias)


def test_members_are_counted_and_given_a_page_at_a_time(url: str, opened: Open) -> None:
    store, who = opened(url), members([1, 1, 2, 1, 1], pinned=[4])
    who = replace(who, confidence=np.array([0.2, 0.9, 0.8, 0.9, 0.1], np.float32))
    store.write(view(), learnt(), who)

    tallies = store.tallies(view())
    assert tallies[1] == Tally(size=4, pinned=1, borderline=1)
    assert tallies[2] == Tally(size=1, pinned=0, borderline=0)
    assert 3 not in tallies

    first = store.surest("colours", 1, 1)
    assert [one.item_id for one in first] == ["1"]
    rest = store.surest("colours", 1, 9, (first[0].confidence, first[0].item_id))
    assert [(one.item_id, one.pinned) for one in rest] == [("3", False), ("0", False), ("4", True)]


def test_a_page_of_members_reads_no_others(tmp_path: Path, opened: Open) -> None:
    store = opened(f"sqlite:///{tmp_path / 'catalogue.db'}")
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX view_members_by_confidence")
    store = ViewStore(store.engine)  # As it opens a workspace that was made before.
    told = []
    with store.engine.connect() as connection:

        @event.listens_for(store.engine, "before_cursor_execute")
        def _explain(_c: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
            if statement.startswith("SELECT"):
                told.extend(
                    connection.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
                )

        store.surest("colours", 1, 10, (0.5, "7"))
    plan = " ".join(str(row) for row in told)
    assert "view_members_by_confidence" in plan
    assert "TEMP B-TREE" not in plan


def test_views_stand_beside_each_other_and_one_is_forgotten(tmp_path: Path, opened: Open) -> None:
    store = opened(f"sqlite:///{tmp_path / 'catalogue.db'}")
    for name in ("moods", "colours"):
        store.write(view(name), learnt(), members([1, 2]))

    store.delete("moods")

    assert store.names() == ["colours"]
    assert len(store.members(view("colours"))) == 2
    assert len(store.members(view("moods"))) == 0
    with pytest.raises(ViewError, match=r"did you mean colours\?"):
        store.view("colour")
    with pytest.raises(ViewError, match="no view 'moods'"):
        store.delete("moods")


def test_an_update_touches_those_it_speaks_of(tmp_path: Path, opened: Open) -> None:
    store = opened(f"sqlite:///{tmp_path / 'catalogue.db'}")
    store.write(view(), learnt(), members([1, 2, 3, 1]))
    arrived = replace(members([2, 3]), item_ids=("3", "new"))

    store.update(view(names=("crimson", "green", "blue")), arrived, ["0"])

    after = store.members(view())
    assert store.view("colours").clusters[0].name == "crimson"
    assert dict(zip(after.item_ids, after.clusters.tolist(), strict=True)) == {
        "1": 2, "2": 3, "3": 2, "new": 3
    }  # fmt: skip
    assert np.array_equal(store.learnt(view()).readout.bias, learnt().readout.bias)


def test_writing_again_leaves_nothing_of_what_was_there(tmp_path: Path, opened: Open) -> None:
    store = opened(f"sqlite:///{tmp_path / 'catalogue.db'}")
    store.write(view(), learnt(), members([1, 2, 3]))

    store.write(view(names=("a", "b")), learnt(2), members([1]))

    assert [c.name for c in store.view("colours").clusters] == ["a", "b"]
    assert len(store.members(store.view("colours"))) == 1


@pytest.mark.parametrize("after_lines", [1, 2, 5])
def test_a_killed_writer_leaves_one_state_or_the_other(
    tmp_path: Path, opened: Open, after_lines: int
) -> None:
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITE_TWO_STATES, url],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert writer.stdout is not None
    for _ in range(after_lines):
        writer.stdout.readline()
    time.sleep(0.003 * after_lines)
    writer.kill()
    writer.communicate()

    store = opened(url)
    left: View = store.view("colours")
    number = len(left.clusters)

    assert [c.name for c in left.clusters] == [f"{number} {place}" for place in range(number)]
    assert store.sizes("colours") == {1: 1000, number: 1000}
    assert store.learnt(left).readout.bias.shape == (number,)
