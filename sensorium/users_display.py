"""What the commands about users print: tables for people, one JSON object a line for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from ingest.event_records import as_row
from sensorium.display import counted, plain_table, print_json
from sensorium.people import Receipt
from sensorium.users import Saying, UserInterest, UserReport, UserRow

BAR = 20
"""Characters of a bar that stands for all of somebody's interest."""
MOST_REFUSED = 5
"""Refused items that a person is told by name."""


def show_users(rows: Sequence[UserRow], console: Console, as_json: bool) -> None:
    """Print users with how much there is of each."""
    if as_json:
        for row in rows:
            print_json(console, {**asdict(row), "last": _iso(row.last)})
        return
    if not rows:
        console.print("no users yet: import events with sensorium events import FILE")
        return
    table = plain_table("user", "events", "last")
    for row in rows:
        table.add_row(escape(row.user_id), str(row.events), _short(row.last))
    console.print(table)


def show_user(report: UserReport, console: Console, as_json: bool) -> None:
    """Print what is known of somebody: interests as bars, then what they did last."""
    if as_json:
        print_json(console, _report_row(report))
        return
    console.print(f"[bold]{escape(_headline(report))}[/bold]", highlight=False)
    if report.refused:
        names = ", ".join(report.refused[:MOST_REFUSED])
        more = len(report.refused) - MOST_REFUSED
        console.print(escape(f"refused: {names}" + (f" and {more} more" if more > 0 else "")))
    show_interests(report, console)
    if report.deeds:
        console.print()
        _show_deeds(report, console)


def show_interests(report: UserReport, console: Console, as_json: bool = False) -> None:
    """Print somebody's interests, the strongest first."""
    if as_json:
        for interest in report.interests:
            row = {"user_id": report.user_id, "view": report.view, **_interest_row(interest)}
            print_json(console, row)
        return
    if not report.interests:
        console.print('no interests: make a view with sensorium cluster --by "topic"')
        return
    table = plain_table(report.view, "share", "", "shown", "last acted upon", "said")
    for interest in report.interests:
        table.add_row(
            escape(interest.name),
            f"{interest.share:.0%}",
            f"[green]{'━' * round(interest.share * BAR)}[/green]",
            f"{interest.exposure:.1f}",
            _short(interest.last_met),
            _said(interest.factor),
        )
    console.print(table)


def show_saying(saying: Saying, console: Console, as_json: bool) -> None:
    """Print what somebody said about an interest."""
    if as_json:
        print_json(console, asdict(saying))
        return
    what = _said(saying.factor) or "as it is"
    line = f"{saying.user_id}: {saying.name} of {saying.view} is {what}"
    console.print(escape(line), highlight=False)


def show_receipt(receipt: Receipt, console: Console, as_json: bool) -> None:
    """Print what erasing somebody did, and whether anything was found afterwards."""
    if as_json:
        found = [asdict(trace) for trace in receipt.found]
        row = {**asdict(receipt), "erased_at": receipt.erased_at.isoformat(), "found": found}
        print_json(console, {**row, "clean": receipt.clean})
        return
    console.print(
        f"[bold]{escape(receipt.user_id)} was erased at {receipt.erased_at:%Y-%m-%d %H:%M:%S} UTC"
        "[/bold]",
        highlight=False,
    )
    for store, count in receipt.erased.items():
        console.print(f"  {store}: {count}", highlight=False)
    looked = f"{counted(receipt.tables, 'table')} and {counted(receipt.files, 'file')}"
    if receipt.clean:
        console.print(f"looked through {looked}: nothing is left", highlight=False)
    else:
        console.print(f"[yellow]looked through {looked}: the id still stands in[/yellow]")
    for trace in receipt.found:
        console.print(escape(f"  {trace.place}: {trace.count}"), highlight=False)
    if receipt.retrain:
        console.print("learnt when these events were there, learn them anew:")
        for file in receipt.retrain:
            part = file.partition("/")[0]
            tastes = "titles write --groups tastes --anew"
            learn = tastes if part == "titles" else f"train {part}"
            console.print(escape(f"  {file}: sensorium {learn}"), highlight=False)
    for note in receipt.notes:
        console.print(f"[dim]{escape(note)}[/dim]")


def _show_deeds(report: UserReport, console: Console) -> None:
    table = plain_table("when", "did", "item", report.view)
    for deed in report.deeds:
        event = deed.event
        value = "" if event.value is None else f" {event.value:g}"
        cells = (f"{event.event_type}{value}", deed.title or event.item_id, deed.interest)
        table.add_row(_short(event.occurred_at), *map(escape, cells))
    console.print(table)


def _headline(report: UserReport) -> str:
    if not report.first or not report.last:
        return f"{report.user_id}: no events"
    span = f"{report.first:%Y-%m-%d} to {report.last:%Y-%m-%d}"
    met = f"{report.liked} liked lately, {counted(report.seen, 'item')} met"
    return f"{report.user_id}: {counted(report.events, 'event')}, {span}; {met}"


def _said(factor: float) -> str:
    if factor == 0:
        return "muted"
    return "" if factor == 1 else f"{factor:g} times"


def _short(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _interest_row(interest: UserInterest) -> dict[str, Any]:
    return {
        "name": interest.name,
        "cluster": interest.cluster,
        "share": round(interest.share, 4),
        "interest": round(interest.interest, 4),
        "exposure": round(interest.exposure, 4),
        "last_met": _iso(interest.last_met),
        "factor": interest.factor,
    }


def _report_row(report: UserReport) -> dict[str, Any]:
    return {
        "user_id": report.user_id,
        "view": report.view,
        "events": report.events,
        "first": _iso(report.first),
        "last": _iso(report.last),
        "liked": report.liked,
        "seen": report.seen,
        "refused": report.refused,
        "interests": [_interest_row(interest) for interest in report.interests],
        "recent": [
            {**as_row(deed.event), "title": deed.title, "interest": deed.interest}
            for deed in report.deeds
        ],
    }
