"""A view's page: every cluster with its size and items, and nothing that a user wrote is code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sensorium.reports import ClusterReport, Member, ViewReport
from sensorium.view_sheet import write_view_sheet
from support.albums import NOON
from support.page import HOSTILE, Page, glimpse


def member(confidence: float, pinned: bool = False, **changes: object) -> Member:
    return Member(confidence=confidence, pinned=pinned, item=glimpse(**changes))


def cluster(number: int, name: str, size: int, **changes: object) -> ClusterReport:
    plain: dict[str, object] = {
        "words": (name, "crimson"),
        "share": size / 40,
        "pinned": 0,
        "borderline": 2,
        "typical": (member(0.97, item_id="sure"), member(0.91, pinned=True, title="A pinned one")),
        "doubtful": (member(0.41, item_id="unsure"),),
    }
    return ClusterReport(cluster_id=number, name=name, size=size, **{**plain, **changes})  # type: ignore[arg-type]


REPORT = ViewReport(
    name="colours",
    aspect="colour",
    source="vocabulary",
    where=None,
    size=40,
    clusters=(cluster(2, "red", 30), cluster(1, "green", 10)),
    created_at=NOON,
    updated_at=NOON,
)


def page_of(folder: Path, report: ViewReport) -> tuple[Page, str]:
    write_view_sheet(folder / "page.html", report)
    page = Page(folder / "page.html")
    assert page.open == []
    return page, "".join(page.words)


def test_clusters_have_names_sizes_and_items(tmp_path: Path) -> None:
    page, words = page_of(tmp_path, REPORT)

    for said in (
        "40 items by colour", "30 items, 75%, 2 borderline; near to crimson", "10 items, 25%",
        "Typical", "Borderline", "sure", "unsure", "A pinned one", "pinned", "confidence 0.97",
    ):  # fmt: skip
        assert said in words
    links = [attrs["href"] for attrs in page.tags("a")]
    anchors = [attrs["id"] for attrs in page.tags("section")]
    assert links == [f"#{anchor}" for anchor in anchors]


def test_what_a_user_wrote_stays_text(tmp_path: Path) -> None:
    hostile = cluster(
        1,
        HOSTILE,
        1,
        words=(HOSTILE, "x" + HOSTILE),
        typical=(member(0.9, title=HOSTILE, text=HOSTILE, item_id=HOSTILE),),
    )

    report = replace(REPORT, name=HOSTILE, aspect=HOSTILE, where=HOSTILE, clusters=(hostile,) * 2)
    page, words = page_of(tmp_path, report)

    assert not page.tags("script")
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert words.count("alert('x')") >= 8


def test_an_empty_cluster_says_so(tmp_path: Path) -> None:
    empty = cluster(1, "green", 0, typical=(), doubtful=(), borderline=0)

    _, words = page_of(tmp_path, replace(REPORT, clusters=(empty,)))

    assert "No item is in this cluster now" in words
