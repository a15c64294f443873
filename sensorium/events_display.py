"""What the event commands print: tables for people, one JSON object a line for programs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ingest.event_records import as_row
from sensorium.display import counted, plain_table, print_json
from sensorium.progress import PLAIN_SECONDS, format_seconds

if TYPE_CHECKING:
    from sensorium.events import EventImport, EventPreview, EventStatus, RejectedRow, Show


@contextmanager
def file_progress(console: Console, quiet: bool) -> Iterator[Show]:
    """Show how far a file is read: a bar on a terminal, a line every ten seconds elsewhere."""
    if quiet:
        yield lambda _share, _events: None
    elif console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("0 events", total=1.0)
            yield lambda share, events: progress.update(
                task, completed=share, description=f"{events:,} events"
            )
    else:
        yield _lines(console)


def _lines(console: Console) -> Show:
    printed = time.monotonic()

    def show(share: float, events: int) -> None:
        nonlocal printed
        if time.monotonic() - printed >= PLAIN_SECONDS:
            printed = time.monotonic()
            console.print(f"{share:.0%} read, {events:,} events", highlight=False)

    return show


def show_import(outcome: EventImport, console: Console, as_json: bool) -> None:
    """Print what an import did."""
    if as_json:
        print_json(console, asdict(outcome))
        return
    rate = (outcome.accepted + outcome.duplicates) / max(outcome.seconds, 1e-9)
    console.print(
        f"[bold]{counted(outcome.accepted, 'new event')}, {outcome.duplicates} known before, "
        f"from {counted(outcome.rows, 'row')} ({outcome.layout}) "
        f"in {format_seconds(outcome.seconds)}, {rate:,.0f}/s[/bold]",
        highlight=False,
    )
    _print_weightless(console, outcome.weightless_types)
    _print_rejected(console, outcome.rejected, outcome.examples)
    if outcome.rejects_file:
        console.print(f"all of them are in {escape(outcome.rejects_file)}")


def show_preview(preview: EventPreview, console: Console, as_json: bool) -> None:
    """Print what an import would read."""
    if as_json:
        rows = [as_row(event) for event in preview.first]
        print_json(console, {**asdict(preview), "first": rows})
        return
    console.print(
        f"[bold]{preview.layout}: {counted(preview.events, 'event')} "
        f"in {counted(preview.rows, 'row')}[/bold]"
    )
    if preview.event_type:
        console.print(f"rows do not name a type: taken as {escape(preview.event_type)}")
    table = plain_table("column", "becomes", "empty in")
    for column, empty in preview.nulls.items():
        field = preview.columns.get(column, "[dim]not read[/dim]")
        table.add_row(escape(column), field, counted(empty, "row"))
    console.print(table)
    table = plain_table("user", "item", "type", "value", "time")
    for event in preview.first:
        value = "" if event.value is None else f"{event.value:g}"
        when = event.occurred_at.isoformat(sep=" ", timespec="seconds")
        cells = (event.user_id, event.item_id, event.event_type, value, when)
        table.add_row(*map(escape, cells))
    console.print(table)
    _print_weightless(console, preview.weightless_types)
    _print_rejected(console, preview.rejected, preview.examples)
    console.print("nothing was written; import without --dry-run")


def show_event_status(status: EventStatus, console: Console, as_json: bool) -> None:
    """Print what the log holds."""
    counts = status.counts
    if as_json:
        row = {**asdict(counts), "weightless_types": status.weightless_types}
        for name in ("first", "last"):
            row[name] = row[name].isoformat() if row[name] else None
        print_json(console, row)
        return
    table = plain_table("", "")
    table.show_header = False
    table.add_row("events", f"{sum(counts.by_type.values())}")
    for name, count in counts.by_type.items():
        note = " (no rule: counts nothing)" if name in status.weightless_types else ""
        table.add_row(f"  {escape(name)}", f"{count}{note}")
    table.add_row("users", str(counts.users))
    table.add_row("items", str(counts.items))
    table.add_row("  not in the catalogue", str(counts.unknown_items))
    if counts.first and counts.last:
        span = f"{counts.first:%Y-%m-%d %H:%M} to {counts.last:%Y-%m-%d %H:%M} UTC"
        table.add_row("span", span)
    console.print(table)


def _print_weightless(console: Console, types: Mapping[str, int]) -> None:
    if types:
        names = ", ".join(f"{escape(name)} ({count})" for name, count in types.items())
        console.print(f"[yellow]no rule speaks of {names}[/yellow]: kept, and count nothing")
        console.print("give them a weight with --set events.weights=TYPE:1")


def _print_rejected(console: Console, number: int, examples: Sequence[RejectedRow]) -> None:
    for entry in examples:
        console.print(f"[yellow]rejected[/yellow] line {entry.line}: {escape(entry.reason)}")
    if number > len(examples):
        console.print(f"and {number - len(examples)} more")
