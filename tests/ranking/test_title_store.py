"""Titles in the database: kept by item and group, looked up, and taken away with what they told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from ingest.catalogue import Catalogue, items_table
from ingest.database import open_database
from ingest.item import Item
from ranking.title_facts import Facts
from ranking.title_store import METADATA, TitleStore, forget_titles
from ranking.titles import Audience, Brief, Draft, Title, judged
from support.postgres import postgres_server


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with ExitStack() as stack:
        yield stack.enter_context(postgres_server())


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TitleStore]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    else:
        url = str(request.getfixturevalue("postgres"))
    engine = open_database(url)
    Catalogue(engine)
    yield TitleStore(engine)
    METADATA.drop_all(engine)
    with engine.begin() as connection:
        connection.execute(items_table.delete())
    engine.dispose()


def brief(item_id: str, group: int, match: float = 0.0, text: str = "A dog barks.") -> Brief:
    audience = Audience(
        grouping="view mood",
        group_id=group,
        name=f"group {group}",
        words=(),
        towards=np.zeros(2, np.float32),
    )
    facts = Facts(item_id=item_id, title=f"Item {item_id}", texts=(text,))
    return Brief(facts=facts, audience=audience, match=match)


def written(one: Brief, draft: str = "A dog barks") -> tuple[Brief, Title]:
    return one, judged(one, Draft(text=draft))


def test_titles_are_found_for_their_group_alone(store: TitleStore) -> None:
    store.write("w", [written(brief("a", 1)), written(brief("b", 1)), written(brief("a", 2))])
    store.write("w", [written(brief("c", 1), "A cat meows")])
    assert store.texts("view mood", 1, ["a", "b", "c", "d"]) == {
        "a": "A dog barks",
        "b": "A dog barks",
    }
    assert store.texts("view mood", 2, ["a", "b"]) == {"a": "A dog barks"}
    assert store.texts("view mood", 3, ["a"]) == store.texts("view", 1, ["a"]) == {}
    assert store.texts("view mood", 1, []) == {}
    assert store.counts() == {"view mood": {"written": 3, "rejected": 1}}


def test_writing_again_replaces_and_is_known_by_brief_and_writer(store: TitleStore) -> None:
    one = brief("a", 1)
    store.write("w", [written(one)])
    assert store.known("view mood") == {("a", 1): ("w", one.digest)}
    store.write("x", [written(one, "A dog")])
    assert store.known("view mood") == {("a", 1): ("x", one.digest)}
    assert store.texts("view mood", 1, ["a"]) == {"a": "A dog"}
    assert store.known("other") == {}


def test_rows_come_by_item_and_match_with_what_was_invented(store: TitleStore) -> None:
    store.write(
        "w",
        [
            written(brief("b", 1, 0.5)),
            written(brief("a", 1, 0.1), "A wolf barks"),
            written(brief("a", 2, 0.9)),
        ],
    )
    found = store.rows("view mood")
    assert [(row.item_id, row.group_id) for row in found] == [("a", 2), ("a", 1), ("b", 1)]
    assert (found[1].text, found[1].outcome, found[1].invented) == ("", "rejected", ("wolf",))
    assert [row.item_id for row in store.rows("view mood", group_id=1)] == ["a", "b"]
    assert len(store.rows("view mood", item_id="a")) == 2
    assert len(store.rows("view mood", limit=1)) == 1
    store.write("w", [written(brief("c", 1), "")])
    assert len(store.rows("view mood")) == 3
    assert len(store.rows("view mood", every=True)) == 4


def test_pairs_and_divisions_that_nothing_asks_for_go(store: TitleStore) -> None:
    store.write("w", [written(brief("a", 1)), written(brief("a", 2)), written(brief("b", 1))])
    assert store.drop_pairs("view mood", [("a", 1), ("b", 1), ("z", 1)]) == 2
    assert store.known("view mood").keys() == {("a", 2)}
    assert store.drop_pairs("view mood", []) == 0
    assert store.drop_groupings_but(["view mood"]) == 0
    assert store.drop_groupings_but(["another"]) == 1


def test_titles_go_with_their_items_and_with_what_these_said(store: TitleStore) -> None:
    named = {key: (Item(item_id=key, media=(), title=key), [key]) for key in ("a", "b")}
    with store.engine.begin() as connection:
        Catalogue(store.engine).put(connection, named, "made", 1)
    store.write("w", [written(brief("a", 1)), written(brief("b", 1)), written(brief("gone", 1))])
    assert store.drop_gone() == 1
    now = {"a": brief("a", 1).facts.digest, "b": brief("b", 1, text="Silence.").facts.digest}
    assert store.facts()["a"] == {now["a"]}
    assert store.drop_changed(now) == 1
    assert store.known("view mood").keys() == {("a", 1)}
    with store.engine.begin() as connection:
        assert forget_titles(connection, ["a", "b"]) == 1
    assert store.counts() == {}


def test_forgetting_needs_no_table_to_be_there(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'old.db'}")
    with engine.begin() as connection:
        assert forget_titles(connection, ["a"]) == 0
    engine.dispose()
