"""How a page of recommendations is printed and drawn."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ranking.page import Page, Pick, Reason, Step
from sensorium.recommend_display import parts_in_words, print_feed, show_feed
from sensorium.recommend_reports import FeedReport
from sensorium.recommend_sheet import FeedSection, write_feed_sheet
from support.page import HOSTILE, glimpse
from support.page import Page as Html


def pick(item_id: str, position: int, **parts: float) -> Pick:
    return Pick(
        item_id=item_id,
        position=position,
        score=sum(parts.values()),
        parts=parts,
        sources={"similar": 2, "fresh": 0},
        reason=Reason(kind="interest", text=f"You like red ({item_id})", interest="red"),
    )


def report(**changes: Any) -> FeedReport:
    page = Page(
        recommendation_id="r1",
        user_id="anna",
        asked_us=1_740_830_400_000_000,
        picks=(pick("a/b", 0, ranker=0.5, fatigue=-0.125), pick("gone", 1, ranker=0.25)),
        found={"similar": 20, "fresh": 5},
        trace=(Step(name="seen", entered=25, removed=4, seconds=0.0015),),
    )
    plain = {"page": page, "items": {"a/b": glimpse(title="A rose")}, "view": "colour"}
    return FeedReport(**{**plain, **changes})


def printed(explain: bool = False, **changes: Any) -> str:
    stream = io.StringIO()
    show_feed(report(**changes), Console(file=stream, width=160), explain)
    return stream.getvalue()


def rows(explain: bool = False) -> list[dict[str, Any]]:
    stream = io.StringIO()
    print_feed(report(), Console(file=stream, width=80), explain)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_table_says_what_whence_and_why() -> None:
    headline, _, first, second = printed().splitlines()

    assert headline == "2 items for anna, interests from the view colour"
    assert first.split("  ")[0] == "1"
    for word in ("A rose", "red", "similar fresh", "0.375", "You like red (a/b)"):
        assert word in first
    assert "gone" in second


def test_an_explanation_adds_parts_and_steps() -> None:
    told = printed(explain=True)

    assert "0.500 ranker - 0.125 fatigue" in told
    assert "similar 3, fresh 1" in told
    assert "found by sources: similar 20, fresh 5" in told
    [line] = [line for line in told.splitlines() if line.startswith("seen")]
    assert line.split() == ["seen", "25", "4", "1.5"]


def test_a_row_says_all_that_programs_need() -> None:
    first, second = rows()

    assert first == {
        "rank": 1,
        "item_id": "a/b",
        "uri": "",
        "title": "A rose",
        "score": 0.375,
        "parts": {"ranker": 0.5, "fatigue": -0.125},
        "sources": {"similar": 2, "fresh": 0},
        "reason": {
            "kind": "interest",
            "text": "You like red (a/b)",
            "interest": "red",
            "history_item": "",
        },
        "user_id": "anna",
        "recommendation_id": "r1",
        "asked_at": "2025-03-01T12:00:00+00:00",
        "view": "colour",
        "recorded": False,
    }
    assert (second["item_id"], second["title"]) == ("gone", "")


def test_a_reason_calls_the_item_it_names_as_a_person_does() -> None:
    reason = Reason(kind="history", text="because you liked x/1", history_item="x/1")
    one = replace(pick("a/b", 0, ranker=1.0), reason=reason)

    titled = report(
        items={"x/1": glimpse(title="A very long title, longer than any line has room for")}
    )
    assert titled.why(one) == "because you liked “A very long title, longer than…”"
    assert report().why(one) == "because you liked x/1"


def test_rows_end_with_the_steps_where_an_explanation_is_asked_for() -> None:
    *picks, steps = rows(explain=True)

    assert len(picks) == 2
    assert steps["trace"] == [{"name": "seen", "entered": 25, "removed": 4, "ms": 1.5}]
    assert steps["found"] == {"similar": 20, "fresh": 5}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "0"),
        ({"ranker": 0.25, "rules": 0.0}, "0.250 ranker"),
        ({"fatigue": -0.5}, "-0.500 fatigue"),
        (
            {"new": 0.1, "ranker": -0.2, "interest": 0.05},
            "-0.200 ranker + 0.100 new + 0.050 interest",
        ),
    ],
)
def test_parts_are_written_as_a_sum(parts: dict[str, float], words: str) -> None:
    assert parts_in_words(parts) == words


def test_a_page_shows_reasons_and_keeps_what_a_user_wrote_as_text(tmp_path: Path) -> None:
    hostile = report(items={"a/b": glimpse(title=HOSTILE)})
    sections = [FeedSection(title=HOSTILE, report=hostile, note=HOSTILE)]

    write_feed_sheet(tmp_path / "feed.html", HOSTILE, sections)

    page = Html(tmp_path / "feed.html")
    assert page.open == []
    assert not page.tags("script")
    assert "You like red (a/b)" in page.words
    assert "0.375 = 0.500 ranker - 0.125 fatigue" in page.words
    assert len([attrs for attrs in page.tags("li") if attrs.get("class") == "card"]) == 1
