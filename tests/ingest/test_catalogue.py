"""The catalogue: idempotent, owned by sources, found by content."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ingest.catalogue import Catalogue, arrivals_table
from ingest.database import WorkspaceError, open_database
from ingest.item import Item, Medium, Modality


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")


def medium(name: str, content: str) -> Medium:
    return Medium(
        uri=f"/media/{name}",
        modality=Modality.IMAGE,
        content_hash=content,
        size_bytes=10,
        modified_ns=7,
    )


def put(catalogue: Catalogue, item: Item, source: str = "/media", run: int = 1) -> str | None:
    with catalogue.engine.begin() as connection:
        hashes = [m.content_hash for m in item.media]
        refused = catalogue.put(connection, {item.item_id: (item, hashes)}, source, run)
    return refused.get(item.item_id)


def test_an_item_comes_back_as_it_was_put(engine: Engine) -> None:
    catalogue = Catalogue(engine)
    item = Item(
        item_id="a/b",
        media=(medium("a/b.jpg", "h1"), medium("a/b.png", "h2")),
        title="Ein Hündchen 🐶",
        text="'; DROP TABLE items; --",
        tags=("x", "y z"),
        created_at=datetime(2025, 3, 1, 12, tzinfo=UTC),
        creator_id="u1",
        lang="de",
        attrs={"rating": 4, "score": 0.5, "open": True, "kind": "q"},
    )
    put(catalogue, item)
    put(catalogue, item)
    assert catalogue.get(["a/b", "missing"]) == {"a/b": item}
    assert catalogue.count() == 1


def test_a_second_source_cannot_take_an_id(engine: Engine) -> None:
    catalogue = Catalogue(engine)
    first = Item(item_id="a", media=(medium("a.jpg", "h1"),), title="first")
    assert put(catalogue, first, source="/one") is None
    assert put(catalogue, Item(item_id="a", media=(), title="second"), source="/two") == "/one"
    assert catalogue.get(["a"])["a"].title == "first"


def test_owners_follow_the_content_not_the_name(engine: Engine) -> None:
    catalogue = Catalogue(engine)
    put(catalogue, Item(item_id="a", media=(medium("a.jpg", "h1"),)))
    put(catalogue, Item(item_id="b", media=(medium("b.jpg", "h1"),)))
    put(catalogue, Item(item_id="c", media=(medium("c.jpg", "h2"),)))
    assert catalogue.owners(["h1"]) == ["a", "b"]
    put(catalogue, Item(item_id="a", media=(medium("a.jpg", "h2"),)))
    assert catalogue.owners(["h1"]) == ["b"]
    assert catalogue.owners(["h2"]) == ["a", "c"]


def test_an_unchanged_file_is_not_read_again(engine: Engine) -> None:
    catalogue = Catalogue(engine)
    put(catalogue, Item(item_id="a", media=(medium("a.jpg", "h1"),)))
    assert catalogue.known_hash("/media/a.jpg", 10, 7) == "h1"
    assert catalogue.known_hash("/media/a.jpg", 11, 7) is None
    assert catalogue.known_hash("/media/a.jpg", 10, 8) is None


def test_unseen_items_are_those_of_this_source_only(engine: Engine) -> None:
    catalogue = Catalogue(engine)
    put(catalogue, Item(item_id="old", media=()), source="/one", run=1)
    put(catalogue, Item(item_id="other", media=()), source="/two", run=1)
    put(catalogue, Item(item_id="new", media=()), source="/one", run=2)
    assert catalogue.unseen("/one", 2) == ["old"]
    assert catalogue.last_run() == 2


def test_pages_walk_every_item_once_in_order(engine: Engine) -> None:
    catalogue = Catalogue(engine)
    for number in range(25):
        put(catalogue, Item(item_id=f"{number:03d}", media=()))
    walked = [item.item_id for page in catalogue.pages(size=7) for item in page]
    assert walked == [f"{number:03d}" for number in range(25)]


def test_a_broken_transaction_leaves_nothing(engine: Engine) -> None:
    catalogue = Catalogue(engine)
    with engine.connect() as connection:
        catalogue.put(connection, {"a": (Item(item_id="a", media=()), ["h"])}, "/one", 1)
        connection.rollback()
    assert catalogue.count() == 0


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.write_bytes(b"this is certainly not a database" * 100)
    with pytest.raises(WorkspaceError, match="not a Sensorium database"):
        Catalogue(open_database(f"sqlite:///{path}"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="cannot be written"):
        open_database(f"sqlite:///{tmp_path / 'none' / 'catalogue.db'}")


def test_an_item_came_when_it_was_first_put(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = Catalogue(engine)
    moments = iter([5_000, 7_000, 9_000, 11_000])
    monkeypatch.setattr("ingest.catalogue.time.time_ns", lambda: next(moments))
    put(catalogue, Item(item_id="a", media=()))
    put(catalogue, Item(item_id="a", media=(), title="changed"), run=2)
    put(catalogue, Item(item_id="b", media=()))
    assert put(catalogue, Item(item_id="b", media=()), source="/other") == "/media"
    assert catalogue.added_us() == {"a": 5, "b": 9}
    with engine.begin() as connection:
        catalogue.remove(connection, ["a"])
    assert catalogue.added_us() == {"b": 9}


def test_items_of_an_older_workspace_are_not_said_to_be_new(engine: Engine) -> None:
    catalogue = Catalogue(engine)
    put(catalogue, Item(item_id="old", media=()))
    with engine.begin() as connection:
        arrivals_table.drop(connection)
    catalogue = Catalogue(engine)
    put(catalogue, Item(item_id="old", media=()), run=2)
    put(catalogue, Item(item_id="new", media=()), run=2)
    assert set(catalogue.added_us()) == {"new"}
