"""What ``sensorium recommend`` prints: a table for people, one JSON object a line for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from ingest.event import from_microseconds
from ranking.page import Page, Pick, Step
from sensorium.display import counted, plain_table, print_json
from sensorium.recommend_reports import FeedReport, shortened

LEAST = 0.0005
"""Part of a score below which it is not told: it would be written as 0."""


LEAST_CHANCE = 0.005
"""Chance below which it is not told: it would be written as 0."""


def show_feed(report: FeedReport, console: Console, explain: bool = False) -> None:
    """Print a page as a table.

    Args:
        report: the page.
        console: writes to stdout.
        explain: add what scores are made of, and what each step took out.
    """
    page = report.page
    console.print(f"[bold]{escape(_headline(report))}[/bold]", highlight=False)
    with_interest = any(pick.reason.interest for pick in page.picks)
    columns = ["#", "item", *(["interest"] if with_interest else []), "from", "score", "why"]
    table = plain_table(*columns)
    for pick in page.picks:
        cells = [str(pick.position + 1), escape(pick.title or shortened(report.name(pick.item_id)))]
        if with_interest:
            cells.append(escape(pick.reason.interest))
        cells += [" ".join(pick.sources), f"{pick.score:.3f}", escape(report.why(pick))]
        table.add_row(*cells)
    if page.picks:
        console.print(table)
    if explain:
        _show_parts(report, console)
        _show_trace(page, console)


def print_feed(report: FeedReport, console: Console, explain: bool = False) -> None:
    """Print a page as one JSON object per item; with ``explain`` one more, of the steps."""
    page = report.page
    asked = {
        "user_id": page.user_id,
        "recommendation_id": page.recommendation_id,
        "asked_at": from_microseconds(page.asked_us).isoformat(),
        "view": report.view,
        "recorded": report.recorded,
    }
    for pick in page.picks:
        print_json(console, _row(report, pick) | asked)
    if explain:
        trace = [_step(step) for step in page.trace]
        print_json(console, asked | {"found": dict(page.found), "trace": trace})


def parts_in_words(parts: Mapping[str, float]) -> str:
    """Write what a score is made of, the largest part first: ``0.411 ranker - 0.050 fatigue``."""
    told = ""
    for name, value in sorted(parts.items(), key=lambda pair: -abs(pair[1])):
        if abs(value) < LEAST:
            continue
        sign = " - " if value < 0 else " + "
        told += (sign if told else sign.strip(" +")) + f"{abs(value):.3f} {name}"
    return told or "0"


def chances_in_words(chances: Mapping[str, float]) -> str:
    """Write what a person is expected to do, the likeliest first: ``like 0.62, skip 0.30``."""
    told = sorted(chances.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {chance:.2f}" for name, chance in told if chance >= LEAST_CHANCE)


def _headline(report: FeedReport) -> str:
    page = report.page
    view = f", interests from the view {report.view}" if report.view else ""
    return f"{counted(len(page.picks), 'item')} for {page.user_id}{view}"


def _show_parts(report: FeedReport, console: Console) -> None:
    console.print("\n[bold]what scores are made of[/bold]")
    expected = any(pick.chances for pick in report.page.picks)
    columns = ["#", "item id", "score", "parts", "place with each source"]
    table = plain_table(*columns, *(["expected"] if expected else []))
    for pick in report.page.picks:
        places = ", ".join(f"{name} {place + 1}" for name, place in pick.sources.items())
        table.add_row(
            str(pick.position + 1),
            escape(pick.item_id),
            f"{pick.score:.3f}",
            escape(parts_in_words(pick.parts)),
            escape(places),
            *([escape(chances_in_words(pick.chances))] if expected else []),
        )
    console.print(table)


def _show_trace(page: Page, console: Console) -> None:
    console.print("\n[bold]what was done[/bold]")
    found = ", ".join(f"{name} {count}" for name, count in page.found.items())
    console.print(f"found by sources: {escape(found) or 'nothing'}", highlight=False)
    table = plain_table("step", "came in", "taken out", "ms")
    for step in page.trace:
        cells = (step.name, f"{step.entered:,}", f"{step.removed:,}", f"{step.seconds * 1000:.1f}")
        table.add_row(*map(escape, cells))
    console.print(table)


def _row(report: FeedReport, pick: Pick) -> dict[str, Any]:
    item = report.items.get(pick.item_id)
    reason = pick.reason
    return {
        "rank": pick.position + 1,
        "item_id": pick.item_id,
        "uri": item.uri if item else "",
        "title": pick.title or (item.title if item else ""),
        **({"titled_for": pick.titled_for} if pick.titled_for else {}),
        "score": round(pick.score, 6),
        "parts": _rounded(pick.parts),
        "sources": dict(pick.sources),
        **({"chances": _rounded(pick.chances)} if pick.chances else {}),
        "reason": {
            "kind": reason.kind,
            "text": report.why(pick),
            "interest": reason.interest,
            "history_item": reason.history_item,
        },
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items()}


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "entered": step.entered,
        "removed": step.removed,
        "ms": round(step.seconds * 1000, 3),
    }
