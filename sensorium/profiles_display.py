"""What the commands about profiles print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from sensorium.display import counted, print_json
from sensorium.progress import format_seconds

if TYPE_CHECKING:
    from ray_jobs.refresh import RefreshReport
    from sensorium.profile_writing import ProfileRow


def show_refresh(report: RefreshReport, console: Console, as_json: bool) -> None:
    """Print what a run wrote and what it cost."""
    if as_json:
        print_json(console, asdict(report))
        return
    who = "1 person" if report.people == 1 else f"{report.people:,} people"
    console.print(
        f"{who}, {counted(report.due, 'profile')} due, "
        f"{report.kept} kept, {report.cached} of them from texts already written; "
        f"{format_seconds(report.seconds)}",
        highlight=False,
    )
    if report.encoded_again:
        console.print(f"{report.encoded_again} encoded again, not written again", highlight=False)
    if report.calls:
        console.print(
            f"language model: {counted(report.calls, 'call')}, {report.characters_read:,} "
            f"characters read, {report.characters_written:,} written, "
            f"{format_seconds(report.writing_seconds)}; {counted(report.refused, 'answer')} of a "
            f"wrong length, {report.replaced} replaced by the template",
            highlight=False,
        )
    if report.failed:
        console.print(
            f"[red]{counted(report.failed, 'profile')} failed: {escape(report.failure)}[/red]"
        )


def show_profiles(rows: Sequence[ProfileRow], console: Console, as_json: bool) -> None:
    """Print somebody's profiles."""
    for row in rows:
        if as_json:
            print_json(console, {**asdict(row), "written_at": row.written_at.isoformat()})
            continue
        weighs = "" if row.weight is None else f", weighs {row.weight:.0%}"
        console.print(
            f"[bold]{row.horizon}[/bold] [dim]by {escape(row.writer)} after "
            f"{counted(row.events, 'event')}, {row.written_at:%Y-%m-%d %H:%M}{weighs}[/dim]",
            highlight=False,
        )
        console.print(escape(row.text), highlight=False)
