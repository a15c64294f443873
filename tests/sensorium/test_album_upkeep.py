"""Views that keep up with the library: arrivals, leavers, drift, and vectors of other models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.base import unit
from ingest.database import open_database
from ranking.view_assignment import admitted, learn_anew, shared_space
from ranking.view_edits import pin
from ranking.view_store import ViewStore
from ranking.views import DriftConfig, Members, ViewError, Watch
from retrieval.base import JOINT
from retrieval.mirror import Mirror
from sensorium.album_upkeep import Upkeep
from support.albums import WIDTH, mirror_of, planted, view
from support.records import item

DRIFT = DriftConfig(least_items=20)
GROUPS = [row % 3 for row in range(90)]
Vectors = dict[str, NDArray[np.float32]]


class Words:
    """Says each of the three colours along an axis, turned as the vectors are."""

    def __init__(self, turn: NDArray[np.float64]) -> None:
        self.turn = turn

    def word_fields(self, phrases: Sequence[Sequence[str]]) -> dict[str, NDArray[np.float32]]:
        assert [word[1] for word in phrases] == ["a red thing", "a green thing", "a blue thing"]
        return {JOINT: (np.eye(WIDTH)[:3] @ self.turn).astype(np.float32)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ViewStore]:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    yield ViewStore(engine)
    engine.dispose()


def digests_of(vectors: Mapping[str, NDArray[np.float32]]) -> dict[str, str]:
    return {key: vector.tobytes().hex()[:16] for key, vector in vectors.items()}


def upkeep(
    store: ViewStore,
    vectors: Vectors,
    generation: str = "g1",
    turn: NDArray[np.float64] | None = None,
    mirror: Mirror | None = None,
) -> Upkeep:
    words = Words(np.eye(WIDTH) if turn is None else turn)
    held = mirror or mirror_of(vectors)
    return Upkeep(store, held.items, generation, digests_of(vectors), words, DRIFT)  # type: ignore[arg-type]


@pytest.fixture
def vectors(store: ViewStore) -> Vectors:
    """Ninety items in three clusters, with a view that has them right and one pinned wrong."""
    vectors = planted(GROUPS)
    table = mirror_of(vectors).items
    rows = admitted(table, None)
    space = shared_space(table, rows, {JOINT: np.eye(WIDTH, dtype=np.float32)[:3]})
    who = Members(
        item_ids=tuple(vectors),
        clusters=np.array(GROUPS) + 1,
        confidence=np.ones(90, np.float32),
        pinned=np.zeros(90, np.bool_),
        digests=tuple(digests_of(vectors).values()),
    )
    who = pin(view(), who, "item000", "blue")
    known, who = learn_anew(view(), space, table, who, rows, np.ones(90, np.bool_))
    watch = Watch.start(who.confidence, DRIFT)
    store.write(view(watch=watch), known, who)
    return vectors


def places(store: ViewStore) -> dict[str, int]:
    who = store.members(store.view("colours"))
    return dict(zip(who.item_ids, who.clusters.tolist(), strict=True))


def test_nothing_new_changes_nothing(store: ViewStore, vectors: Vectors) -> None:
    before = store.view("colours")

    assert upkeep(store, vectors).refresh(before) == ""
    assert store.view("colours") == before


def test_who_comes_gets_a_place_who_goes_leaves_and_who_changes_moves(
    store: ViewStore, vectors: Vectors
) -> None:
    before = places(store)
    now = {key: vector for key, vector in vectors.items() if key != "item005"}
    now |= planted([2, 1], first=90)
    now["item003"] = vectors["item001"]
    now["item000"] = vectors["item002"]

    note = upkeep(store, now).refresh(store.view("colours"))

    after = places(store)
    assert note == "view colours: 3 came, 1 went"
    assert (after["item090"], after["item091"]) == (3, 2)
    assert after["item003"] == 2
    moved = {"item003", "item005", "item090", "item091"}
    assert {k: v for k, v in after.items() if k not in moved} == {
        k: v for k, v in before.items() if k not in moved
    }
    assert store.view("colours").watch.arrived == 3
    assert upkeep(store, now).refresh(store.view("colours")) == ""


def test_a_filter_keeps_others_out(store: ViewStore, vectors: Vectors) -> None:
    mirror = mirror_of(vectors)
    foreign = planted([1], first=95)
    mirror.upsert([item(key, vector, lang="fr") for key, vector in foreign.items()])
    filtered = replace(store.view("colours"), where='lang == "en"')
    store.update(filtered)

    assert upkeep(store, vectors | foreign, mirror=mirror).refresh(filtered) == ""
    assert "item095" not in places(store)


def test_arrivals_of_the_same_kind_are_no_drift(store: ViewStore, vectors: Vectors) -> None:
    before = store.learnt(store.view("colours")).readout.weights

    note = upkeep(store, vectors | planted(GROUPS, first=90)).refresh(store.view("colours"))

    assert note == "view colours: 90 came, 0 went"
    assert np.array_equal(store.learnt(store.view("colours")).readout.weights, before)


def test_a_planted_change_is_noticed_and_learnt_with_names_pins_and_members_kept(
    store: ViewStore, vectors: Vectors
) -> None:
    before, places_before = store.view("colours"), places(store)
    strange = {
        key: unit(vector + 1.5 * np.eye(WIDTH)[8 + GROUPS[row]])
        for row, (key, vector) in enumerate(planted(GROUPS, first=90, noise=0.5).items())
    }
    now = vectors | strange
    old_map = store.learnt(before)

    note = upkeep(store, now).refresh(before)

    after, places_after = store.view("colours"), places(store)
    assert "learnt anew" in note
    assert after.clusters == before.clusters
    assert {key: places_after[key] for key in places_before} == places_before
    assert [places_after[key] - 1 for key in strange] == GROUPS
    assert store.members(after).pinned.sum() == 1
    assert (after.watch.arrived, after.watch.doubtful) == (0, 0)
    new_map = store.learnt(after)
    later = unit(np.stack([unit(np.eye(WIDTH)[8 + g] * 2 + np.eye(WIDTH)[g]) for g in range(3)]))
    _, sure_before = old_map.readout.assign(unit(later - old_map.space.means[JOINT]))
    labels, sure_after = new_map.readout.assign(unit(later - new_map.space.means[JOINT]))
    assert labels.tolist() == [0, 1, 2]
    assert (sure_after > sure_before).all()
    assert upkeep(store, now).refresh(after) == ""


def test_few_strangers_are_counted_over_several_runs(store: ViewStore, vectors: Vectors) -> None:
    now, notes = dict(vectors), []
    for run in range(4):
        strange = planted([8] * 6, first=100 + 10 * run)
        now |= strange
        notes.append(upkeep(store, now).refresh(store.view("colours")))

    assert ["learnt anew" in note for note in notes] == [False, False, False, True]


def test_a_view_survives_other_models(store: ViewStore, vectors: Vectors) -> None:
    before, places_before = store.view("colours"), places(store)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(WIDTH, WIDTH)))
    now = vectors | planted([1, 2], first=90)
    del now["item006"]
    turned = {key: unit(vector @ turn) for key, vector in now.items()}

    note = upkeep(store, turned, "g2", turn).refresh(before)

    after, places_after = store.view("colours"), places(store)
    assert "other vectors" in note
    assert after.generation == "g2"
    assert after.clusters == before.clusters
    assert places_after == {
        **{k: v for k, v in places_before.items() if k != "item006"},
        "item090": 2,
        "item091": 3,
    }
    assert store.members(after).pinned.sum() == 1
    assert upkeep(store, turned, "g2", turn).refresh(after) == ""


def test_a_view_of_which_nothing_is_left_is_left_alone(store: ViewStore, vectors: Vectors) -> None:
    before = store.view("colours")

    with pytest.raises(ViewError, match="none of its 90 items"):
        upkeep(store, planted([1, 2], first=200), "g2").refresh(before)

    assert store.view("colours") == before
    assert len(places(store)) == 90
