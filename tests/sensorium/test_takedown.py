"""Items taken down on the command line, and what may end the process in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from ranking.title_store import METADATA, titles_table
from sensorium.library import Library
from sensorium.takedown import take_down
from support.cli import rows, sensorium
from support.library import CONFIG, library_of_vectors
from support.media import plain, write_image


def test_items_are_removed_by_id(tmp_path: Path) -> None:
    for name in ("red", "blue"):
        write_image(tmp_path / "media" / f"{name}.png", plain((20, 20, 230)))
    where = ("-w", tmp_path / "w")
    sensorium("index", tmp_path / "media", *where, "--local", "--quiet")
    refused = sensorium("items", "remove", "red", *where, code=2)
    assert "--yes" in refused.stderr
    [receipt] = rows(sensorium("items", "remove", "red", *where, "--yes", "--json"))
    assert receipt["item_ids"] == ["red"]
    assert receipt["removed"]["vectors"] == 1
    assert receipt["left"] == [str(tmp_path / "media" / "red.png")]
    [status] = rows(sensorium("status", *where, "--json"))
    assert status["items"] == 1
    done = sensorium("items", "remove", "red", "blue", *where, "--yes", code=3)
    assert "1 item taken down" in done.stdout
    assert "not there: red" in done.stderr

    # What was taken down comes back where its file is indexed again, and is read anew.
    again = sensorium("index", tmp_path / "media", *where, "--local", "--json", "--quiet")
    assert rows(again)[-1]["encoded"] >= 1


def test_it_is_finished_after_it_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = library_of_vectors(tmp_path / "w", 6, 2)
    with library.workspace.engine.begin() as connection:
        METADATA.create_all(connection)
        row = {"item_id": "000", "grouping": "g", "group_id": 1, "text": "A", "outcome": "written"}
        rest = {"invented": "[]", "score": 0, "writer": "w", "facts": "f", "brief": "b"}
        connection.execute(titles_table.insert(), [row | rest])

    def cut_off(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sensorium.takedown.forget_contents", cut_off)
        with pytest.raises(KeyboardInterrupt):
            take_down(library, ["000"])
    again = Library(tmp_path / "w", CONFIG, create=False)
    assert again.workspace.catalogue.count() == 6
    done = take_down(again, ["000", "nothing"])
    assert done.item_ids == ("000",)
    assert done.removed["native vectors"] == 2
    assert done.removed["titles"] == 1
    assert again.workspace.catalogue.count() == 5
    assert take_down(again, ["000"]).item_ids == ()
    for opened in (library, again):
        opened.workspace.engine.dispose()
