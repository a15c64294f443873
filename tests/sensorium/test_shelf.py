"""A library read as arrays: gaps, copies, hidden items, when items came, and what people like."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from ingest.database import open_database
from ingest.histories import History
from ingest.item import Item
from ranking.shelf import NO_INTEREST
from ranking.view_store import ViewStore
from ranking.views import Members, ViewError
from retrieval.base import JOINT
from retrieval.mirror import Mirror
from retrieval.source_fresh import Arrivals, ExploreSource, FreshSource
from retrieval.source_similar import similar_items
from retrieval.tally import Standings, Tally
from sensorium.index_store import snapshot_folder, stored_version
from sensorium.library import EmptyLibraryError, Library
from sensorium.shelf import interests_of, latest_view, nearest_of, open_shelf, open_stock, shelf_of
from support.albums import NAMES, NOON, learnt, members, mirror_of, planted, view
from support.library import CONFIG
from support.records import item

VECTORS = planted([0, 1, 2, 0])
IDS = tuple(VECTORS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ViewStore]:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    yield ViewStore(engine)
    engine.dispose()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Four items in the snapshot that answers, one of them not in the catalogue."""
    library = Library(tmp_path / "w", CONFIG, create=True)
    workspace = library.workspace
    generation = workspace.open_generation("recipe", {}, reembed=False)
    mirror = mirror_of(VECTORS)
    mirror.version = stored_version(workspace, generation)
    mirror.save(snapshot_folder(workspace, generation))
    named = {key: (Item(item_id=key, media=()), [key]) for key in IDS[:3]}
    with workspace.engine.begin() as connection:
        workspace.catalogue.put(connection, named, "made", 1)
    return library


def mirror_with(**scalars: list[object]) -> Mirror:
    """The four items with these values of scalars."""
    mirror = Mirror()
    rows = zip(VECTORS.items(), *scalars.values(), strict=True)
    mirror.upsert(
        [
            item(key, vector, (JOINT,), **dict(zip(scalars, values, strict=True)))
            for (key, vector), *values in rows
        ]
    )
    return mirror


def test_items_stand_with_their_vectors_whatever_gaps_the_mirror_has() -> None:
    mirror = mirror_of(VECTORS)
    whole = shelf_of(mirror.items, {})
    mirror.delete(["item001"])
    mirror.upsert([item("bare", VECTORS["item000"], ("image",))])
    mirror.upsert([item("item000", VECTORS["item002"], (JOINT,))])

    shelf = shelf_of(mirror.items, {})

    assert whole.item_ids == IDS
    assert np.array_equal(whole.vectors, np.stack(list(VECTORS.values())))
    assert shelf.item_ids == ("item002", "item003", "bare", "item000")
    assert shelf.number_of["bare"] == 2
    bare = np.zeros(16, np.float32)
    expected = [VECTORS["item002"], VECTORS["item003"], bare, VECTORS["item002"]]
    assert np.array_equal(shelf.vectors, np.stack(expected))
    assert shelf.vectors.dtype == np.float32


def test_items_are_found_by_vector_under_their_numbers() -> None:
    mirror = mirror_of(VECTORS)
    mirror.delete(["item001"])
    mirror.upsert([item("upload", VECTORS["item001"], (JOINT,))])
    shelf, index = shelf_of(mirror.items, {}), nearest_of(mirror.items)
    for number, vector in enumerate(shelf.vectors):
        items, scores = index.nearest(vector[None], 2)
        assert items[0, 0] == number
        assert scores[0, 0] == pytest.approx(1)
    assert shelf.item_ids[3] == "upload"


def test_an_empty_mirror_is_an_empty_shelf() -> None:
    assert len(nearest_of(Mirror().items)) == 0
    shelf = shelf_of(Mirror().items, {})
    assert (len(shelf), len(shelf.vectors), len(shelf.added_us)) == (0, 0, 0)


def test_an_item_came_when_it_was_taken_in_else_when_it_was_made_else_long_ago() -> None:
    mirror = mirror_with(created_at=[5.5, 5.5, None, 0.0])
    shelf = shelf_of(mirror.items, {"item000": 9, "item002": 0, "gone": 4})
    assert shelf.added_us.tolist() == [9, 5_500_000, 0, 0]


def test_copies_are_of_one_group_even_where_one_repeats_a_copy() -> None:
    mirror = mirror_with(duplicate_of=[None, "item000", "item001", "gone"])
    assert shelf_of(mirror.items, {}).group.tolist() == [0, 0, 0, 3]
    assert shelf_of(mirror_of(VECTORS).items, {}).group.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "said", [[True, False, None, True], [1, 0, None, 2.5], ["Yes", "no", None, " true"]]
)
def test_an_attribute_hides_an_item_however_it_says_so(said: list[object]) -> None:
    mirror = mirror_with(attrs__hidden=said)
    assert shelf_of(mirror.items, {}).hidden.tolist() == [True, False, False, True]


def test_interests_are_the_clusters_of_a_view_by_item_number(store: ViewStore) -> None:
    clusters = tuple(view().clusters[number] for number in (2, 0, 1))
    store.write(view(clusters=clusters), learnt(), members([1, 2, 3, 1]))
    read = interests_of(store, "colours", {"3": 0, "x": 1, "1": 2, "0": 3})

    assert (read.view, read.names, read.cluster_ids) == (
        "colours",
        ("blue", "red", "green"),
        (3, 1, 2),
    )
    assert read.of_item.tolist() == [1, NO_INTEREST, 2, 1]
    assert read.confidence[[0, 3]] == pytest.approx([0.4, 0.9])
    assert read.confidence[1] == 0


def test_a_member_that_awaits_a_place_is_of_no_interest(store: ViewStore) -> None:
    store.write(view(), learnt(), members([0, 2]))
    assert interests_of(store, "colours", {"0": 0, "1": 1}).of_item.tolist() == [NO_INTEREST, 1]


def test_the_view_made_last_is_read(store: ViewStore) -> None:
    assert latest_view(store) is None
    store.write(view("zoo", created_at=NOON), learnt(), members([1]))
    store.write(view("ants", created_at=NOON + timedelta(hours=1)), learnt(), members([1]))
    assert latest_view(store) == "ants"


def test_a_library_opens_as_its_shelf(library: Library) -> None:
    plain = open_shelf(library)
    assert plain.item_ids == IDS
    assert plain.interests is None
    came = library.workspace.catalogue.added_us()
    assert plain.added_us.tolist() == [came[key] for key in IDS[:3]] + [0]
    assert np.allclose(np.linalg.norm(plain.vectors, axis=1), 1)
    assert isinstance(plain.vectors, np.memmap)

    who = Members(
        item_ids=IDS,
        clusters=np.array([1, 2, 3, 1]),
        confidence=np.ones(4, np.float32),
        pinned=np.zeros(4, np.bool_),
        digests=IDS,
    )
    ViewStore(library.workspace.engine).write(view(), learnt(), who)

    shelf = open_shelf(library)
    assert shelf.interests is not None
    assert shelf.interests.names == NAMES
    assert shelf.interests.of_item.tolist() == [0, 1, 2, 0]
    stock = open_stock(library)
    assert (stock.generation, stock.notes, len(stock.nearest)) == ("g1", (), 4)
    assert stock.admitted('item_id != "item001"').tolist() == [True, False, True, True]
    with pytest.raises(ViewError, match="no view 'mood'"):
        open_shelf(library, "mood")


def test_an_upload_is_a_candidate_as_soon_as_it_is_indexed(library: Library) -> None:
    workspace = library.workspace
    generation, mirror, _ = library.serving()
    mirror.upsert([item("upload", VECTORS["item002"], (JOINT,))])
    mirror.save(snapshot_folder(workspace, generation))
    with workspace.engine.begin() as connection:
        new = {"upload": (Item(item_id="upload", media=()), ["upload"])}
        workspace.catalogue.put(connection, new, "made", 2)

    stock = open_stock(library)
    shelf, number = stock.shelf, stock.shelf.number_of["upload"]
    arrivals = Arrivals(shelf.added_us, shelf.hidden)
    unknown = Standings(Tally(timedelta(days=30)), shelf.number_of)
    history = History(
        items=np.array([shelf.number_of["item002"]]),
        times_us=np.array([0]),
        asked_us=int(shelf.added_us[number]),
    )

    similar = similar_items(shelf.vectors, stock.nearest).candidates(history, 3)
    assert similar.items[0] == number
    assert FreshSource(arrivals).candidates(history, 1).items.tolist() == [number]
    explored = ExploreSource(arrivals, unknown).candidates(history, 5).items.tolist()
    assert number in explored
    assert shelf.number_of["item003"] not in explored  # it came long ago


def test_an_empty_library_has_no_shelf(tmp_path: Path) -> None:
    with pytest.raises(EmptyLibraryError):
        open_shelf(Library(tmp_path / "w", CONFIG, create=True))
