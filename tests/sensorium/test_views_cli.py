"""Albums from the command line, on pictures of plain colours that are really indexed."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from support.cli import Done, rows, sensorium
from support.colours import COLOURS, PER_COLOUR, paint, shared_colours

CLUSTER = ("cluster", "--by", "colour", "--words", "red,green,blue", "--ablate", "proxies")


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace ``w`` of pictures that has the view ``colour``."""
    folder = tmp_path_factory.mktemp("albums")
    where = ("-w", Path(shutil.copytree(shared_colours(tmp_path_factory), folder / "w")))
    sensorium("items", "remove", "clip", "tone", "note", *where, "--yes")
    sensorium("view", "delete", "colour", *where)
    sensorium(*CLUSTER, "-k", "3", *where, "--quiet")
    return folder


@pytest.fixture
def library(indexed: Path, tmp_path: Path) -> Path:
    """The same for a test that changes it."""
    return Path(shutil.copytree(indexed, tmp_path / "library"))


def view(library: Path, *words: str | Path, code: int = 0) -> Done:
    return sensorium("view", *words, "-w", library / "w", code=code)


def placed(library: Path) -> dict[str, str]:
    return {r["item_id"]: r["name"] for r in rows(view(library, "colour", "--json"))}


def test_items_are_grouped_by_what_the_words_say(indexed: Path) -> None:
    assert all(item_id.startswith(name) for item_id, name in placed(indexed).items())
    assert Counter(placed(indexed).values()) == dict.fromkeys(COLOURS, PER_COLOUR)


def test_a_row_says_all_that_programs_need(indexed: Path) -> None:
    [row, *others] = rows(view(indexed, "colour", "--cluster", "Green", "-n", "2", "--json"))

    assert set(row) == {"item_id", "cluster", "name", "confidence", "pinned"}
    assert row["name"] == "green"
    assert 1 / 3 <= row["confidence"] <= 1
    assert not row["pinned"]
    assert len(others) == 1


def test_tables_name_clusters_with_size_share_and_items(indexed: Path) -> None:
    table = view(indexed, "colour").stdout
    listed = sensorium("views", "-w", indexed / "w").stdout

    assert "15 items by colour, 3 clusters (words: user)" in table
    [line] = [line for line in table.splitlines() if line.startswith("green")]
    assert line.split()[:3] == ["green", "5", "33%"]
    assert line.count("green") == 4
    assert "green 5" in listed
    [summary] = rows(sensorium("views", "-w", indexed / "w", "--json"))
    assert summary["clusters"] == dict.fromkeys(COLOURS, PER_COLOUR)


def test_clustering_prints_clusters_and_writes_a_page(library: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    words = ("-w", library / "w", "--name", "warm albums", "--filter", 'item_id != "red0"')
    done = sensorium(*CLUSTER, "-k", "2", *words, "--json", "--html", page)

    made = rows(done)
    assert sum(row["size"] for row in made) == 14
    assert {row["view"] for row in made} == {"warm albums"}
    assert set(made[0]) == {
        "view", "cluster", "name", "size", "share", "borderline", "pinned", "words", "typical"
    }  # fmt: skip
    text = page.read_text()
    assert text.count("<section") == 2
    assert "14 items by colour" in text
    assert "data:image/jpeg;base64," in text
    names = [row["view"] for row in rows(sensorium("views", "-w", library / "w", "--json"))]
    assert names == ["colour", "warm albums"]


def test_a_view_is_edited(library: Path) -> None:
    view(library, "rename", "colour", "green", "meadows")
    view(library, "pin", "colour", "red1", "blue")
    view(library, "merge", "colour", "red", "blue", "--as", "loud")
    split = rows(view(library, "split", "colour", "loud", "--json"))
    view(library, "pin", "colour", "red2", "meadows")

    after = placed(library)
    assert {row["size"] for row in split} == {PER_COLOUR}
    assert {after[f"green{number}"] for number in range(PER_COLOUR)} == {"meadows"}
    assert len({after[f"blue{number}"] for number in range(PER_COLOUR)}) == 1
    assert after["red2"] == "meadows"
    pinned = [r["item_id"] for r in rows(view(library, "colour", "--json")) if r["pinned"]]
    assert sorted(pinned) == ["red1", "red2"]
    view(library, "unpin", "colour", "red2")
    assert placed(library)["red2"] == placed(library)["red3"] != placed(library)["blue3"]
    view(library, "refit", "colour")
    assert placed(library)["red1"] == placed(library)["red3"]
    view(library, "delete", "colour")
    assert rows(sensorium("views", "-w", library / "w", "--json")) == []
    assert "sensorium cluster" in sensorium("views", "-w", library / "w").stdout
    assert "sensorium cluster" in view(library, "colour", code=1).stderr


def test_what_people_said_outlives_merging_and_splitting(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(user: str) -> dict[str, float]:
        told = rows(sensorium("users", "interests", user, "-w", library / "w", "--json"))
        return {row["name"]: row["factor"] for row in told if row["factor"] != 1}

    sensorium("users", "mute", "anna", "blue", "-w", library / "w")
    sensorium("users", "boost", "anna", "green", "4", "-w", library / "w")
    sensorium("users", "boost", "bert", "red", "3", "-w", library / "w")

    def killed(*_rows: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ranking.view_store._write_members", killed)
        view(library, "merge", "colour", "red", "blue", "--as", "loud", code=130)
    assert said("anna") == {"blue": 0, "green": 4}

    view(library, "merge", "colour", "red", "blue", "--as", "loud")
    assert said("anna") == {"loud": 0, "green": 4}
    assert said("bert") == {"loud": 3}
    parts = {row["name"] for row in rows(view(library, "split", "colour", "loud", "--json"))}
    parts -= {"green"}
    assert len(parts) == 2
    assert said("anna") == {**dict.fromkeys(parts, 0), "green": 4}
    assert said("bert") == dict.fromkeys(parts, 3)


def test_a_view_takes_what_comes_and_survives_other_models(library: Path) -> None:
    before = placed(library)
    words = ("index", library / "more", "-w", library / "w", "--local", "--json")

    paint(library / "more", "green", range(5, 8))
    [report] = rows(sensorium(*words))

    come = {f"green{number}": "green" for number in range(5, 8)}
    assert report["notes"] == ["view colour: 3 came, 0 went"]
    assert placed(library) == before | come

    view(library, "pin", "colour", "red1", "blue")
    before = placed(library)
    paint(library / "more", "blue", range(5, 7))
    other = ("--reembed", "--set", "encoders.text_model=bge-small-en")
    [report] = rows(sensorium(*words, *other))

    assert report["notes"] == ["view colour: carried over to other vectors, members and names kept"]
    after = placed(library)
    assert after.keys() - before.keys() == {"blue5", "blue6"}
    assert after.items() >= before.items()
    assert after["red1"] == "blue"
    assert "--reembed" in view(library, "refit", "colour", code=1).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*CLUSTER, "-k", "3"), "there is a view 'colour' already"),
        (("cluster", "--by", "zorkiness"), "zorkiness"),
        (("cluster", "--by", "colour", "--name", "x", "--words", "red"), "two different words"),
        (("cluster", "--by", "colour", "--name", "a/b"), "cannot be the name of a view"),
        ((*CLUSTER, "--name", "x", "--ablate", "proxy"), "did you mean proxies?"),
        ((*CLUSTER, "--name", "x", "--filter", "widht > 3"), "did you mean"),
        (("view", "color"), "did you mean colour?"),
        (("view", "colour", "--cluster", "gren"), "did you mean green?"),
        (("view", "rename", "colour", "red", "Green"), "already"),
        (("view", "merge", "colour", "red"), "two different clusters"),
        (("view", "pin", "colour", "nobody", "red"), "no item 'nobody'"),
        (("view", "unpin", "colour", "red1"), "not pinned"),
        (("view", "split", "colour", "red", "-k", "9"), "5 items cannot make 9 clusters"),
        (("view", "delete", "nope"), "the views: colour"),
    ],
)
def test_mistakes_get_one_sentence_and_change_nothing(
    indexed: Path, words: tuple[str, ...], said: str
) -> None:
    before = rows(view(indexed, "colour", "--json"))

    done = sensorium(*words, "-w", indexed / "w", code=1)

    assert said in done.stderr
    assert done.stdout == ""
    assert rows(view(indexed, "colour", "--json")) == before


def test_a_view_without_a_name_is_a_usage_error() -> None:
    assert "rename" in sensorium("view", code=2).stderr
