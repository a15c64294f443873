"""``sensorium titles``, as a user starts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.cli import rows, sensorium
from support.titles import library_of_days


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    library = library_of_days(tmp_path / "w")
    library.workspace.engine.dispose()
    return tmp_path / "w"


def test_titles_are_written_shown_and_seen_on_a_page(workspace: Path) -> None:
    where = ("-w", workspace)
    assert "no titles yet" in sensorium("titles", "show", *where).stdout
    done = sensorium("titles", "write", "--per-item", "2", *where).stdout
    assert "60 titles written" in done
    assert "60 of 90 pairs (67%) chosen by cosine" in done
    assert "characters read" in done
    [again] = rows(sensorium("titles", "write", "--per-item", "2", "--json", *where))
    assert (again["unchanged"], again["report"]["written"]) == (60, 0)

    table = sensorium("titles", "show", "--group", "boats", "-n", "2", *where).stdout
    assert "A boat sails in" in table
    listed = rows(sensorium("titles", "show", "--item", "item004", "--json", *where))
    assert [row["own"] for row in listed] == ["Day 004", "Day 004"]

    sensorium("titles", "write", "--per-item", "3", *where)
    shown = ("recommend", "bob", "-n", "4", "--json", "--set", "titles.shown=written", *where)
    page = rows(sensorium(*shown))
    assert {row["titled_for"] for row in page} == {"boats"}
    assert all(row["title"].endswith("A boat sails in") for row in page)
    plain = rows(sensorium("recommend", "bob", "-n", "4", "--json", *where))
    assert not any("titled_for" in row for row in plain)


def test_wrong_usage_is_said(workspace: Path) -> None:
    where = ("-w", workspace)
    refused = sensorium("titles", "write", "--writer", "language_model", *where, code=1).stderr
    assert "language_model.local=smollm2" in refused
    sensorium("titles", "write", "-n", "3", *where)
    refused = sensorium("titles", "show", "--group", "boots", *where, code=1).stderr
    assert "boats" in refused
    refused = sensorium("titles", "write", "--groups", "nations", *where, code=1).stderr
    assert "titles.groups" in refused
