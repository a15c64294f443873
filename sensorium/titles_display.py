"""What the commands about titles print: tables for people, one JSON object a line for programs."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.markup import escape

from sensorium.display import counted, plain_table, print_json
from sensorium.progress import format_seconds
from sensorium.title_list import TitleList
from sensorium.titles import TitleOutcome

UNWRITTEN = {"rejected": "invented", "nothing": "nothing to say"}


def show_writing(outcome: TitleOutcome, console: Console, as_json: bool) -> None:
    """Print what a run wrote, and what it cost."""
    if as_json:
        print_json(console, asdict(outcome))
        return
    report = outcome.report
    console.print(
        f"[bold]{counted(report.written, 'title')} written in {format_seconds(report.seconds)}, "
        f"{outcome.unchanged:,} unchanged[/bold] ({escape(outcome.writer)})",
        highlight=False,
    )
    share = outcome.chosen / outcome.pairs if outcome.pairs else 0.0
    console.print(
        f"{counted(outcome.items, 'item')} and {counted(outcome.groups, 'group')} of "
        f"{counted(outcome.readers, 'reader')}: {outcome.chosen:,} of {outcome.pairs:,} pairs "
        f"({share:.0%}) chosen by {escape(outcome.matched_by)}",
        highlight=False,
    )
    console.print(
        f"cost: {report.read:,} characters read, {report.wrote:,} written", highlight=False
    )
    if report.rejected:
        words = ", ".join(f"{word} ({count})" for word, count in report.invented)
        console.print(
            f"[yellow]{report.rejected:,} rejected[/yellow]: they said what the items do not, "
            f"such as {escape(words)}",
            highlight=False,
        )
    for count, words in (
        (report.nothing, "had nothing to add to the item's own title"),
        (report.failed, "failed; the next run tries them again"),
        (outcome.dropped, "taken away, as nothing asks for them any more"),
        (outcome.left, "left for another run"),
    ):
        if count:
            console.print(f"{count:,} {words}", highlight=False)


def show_titles(found: TitleList, console: Console, as_json: bool) -> None:
    """Print titles with their groups."""
    if as_json:
        for row in found.rows:
            about = {"group": found.names.get(row.group_id, ""), "own": found.own.get(row.item_id)}
            print_json(console, {**asdict(row), **about, "grouping": found.grouping})
        return
    if not found.rows:
        console.print("no titles yet: write some with sensorium titles write")
        return
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(found.counts.items()))
    console.print(f"[bold]{escape(found.grouping)}[/bold]: {told}", highlight=False)
    table = plain_table("item", "for", "title")
    for row in found.rows:
        group = found.names.get(row.group_id, "")
        said = f": {', '.join(row.invented)}" if row.invented else ""
        unwritten = f"[dim]{UNWRITTEN.get(row.outcome, row.outcome)}{escape(said)}[/dim]"
        table.add_row(escape(row.item_id), escape(group), escape(row.text) or unwritten)
    console.print(table)
