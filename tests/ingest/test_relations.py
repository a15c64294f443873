"""Relations: read from files, kept once, counted, forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.database import open_database
from ingest.relations import (
    Relation,
    RelationFileError,
    Relations,
    forget_ends,
    read_relations,
)


@pytest.fixture
def store(tmp_path: Path) -> Relations:
    return Relations(open_database(f"sqlite:///{tmp_path / 'catalogue.db'}"))


def test_relations_stand_once_and_are_counted(store: Relations) -> None:
    one, other = Relation("b", "sequel of", "a"), Relation("c", "sequel of", "b")
    assert store.add([one, other, one]) == 2
    assert store.add([one, Relation("a", "same event as", "c")]) == 1
    assert store.counts() == {"same event as": 1, "sequel of": 2}
    assert store.every() == [Relation("a", "same event as", "c"), one, other]
    assert store.remove("sequel of") == 2
    assert store.counts() == {"same event as": 1}


def test_what_is_said_of_an_item_goes_with_it(store: Relations) -> None:
    store.add([Relation("b", "r", "a"), Relation("c", "r", "b"), Relation("c", "r", "a")])
    with store.engine.begin() as connection:
        assert forget_ends(connection, ["b"]) == 2
    assert store.every() == [Relation("c", "r", "a")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.csv", 'head,relation,tail\nb,sequel of,a\n"c, the third",sequel of,b\n'),
        ("r.tsv", "relation\ttail\thead\nsequel of\ta\tb\nsequel of\tb\tc, the third\n"),
        (
            "r.jsonl",
            '{"head": "b", "relation": "sequel of", "tail": "a"}\n'
            '{"head": "c, the third", "relation": "sequel of", "tail": "b", "by": "hand"}\n',
        ),
    ],
)
def test_files_of_every_kind_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    found = [row.relation for row in read_relations(str(path))]
    assert found == [Relation("b", "sequel of", "a"), Relation("c, the third", "sequel of", "b")]


def test_a_bad_row_says_why_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"head": "b", "tail": "a"}\nno json\n{"head":1,"relation":"r","tail":2}\n')
    first, second, third = read_relations(str(path))
    assert first.relation is None
    assert "relation missing" in first.reason
    assert "not JSON" in second.reason
    assert third.relation == Relation("1", "r", "2")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RelationFileError, match="no file of relations"):
        next(read_relations(str(tmp_path / "r.xml")))
