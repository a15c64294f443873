"""What ``sensorium evaluate`` prints: a table for people, one JSON object a line for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from sensorium.display import counted, plain_table, print_json

if TYPE_CHECKING:
    from sensorium.evaluate import EvaluationReport, EvaluationRow

SHARED = ("users", "items", "events", "tied_ratio", "seen", "left_out")
"""What is said of all rows; in JSON it stands in each, so that a line says all by itself."""


def show_evaluation(report: EvaluationReport, console: Console, as_json: bool) -> None:
    """Print what was measured."""
    if as_json:
        shared = {name: getattr(report, name) for name in SHARED}
        asked = {
            name: getattr(report.request, name) for name in ("refit", "target_time", "with_seen")
        }
        for row in report.rows:
            print_json(console, {**asdict(row), **shared, **asked})
        return
    first = report.rows[0]
    console.print(
        f"[bold]{first.protocol}: {counted(first.cases, 'question')} about {report.items:,} items, "
        f"all of them ranked[/bold]; {report.users:,} users, {report.events:,} likings",
        highlight=False,
    )
    console.print(escape(report.seen), highlight=False)
    names = [name for name in first.figures if not name.startswith("recall") or _many(first)]
    by_model: dict[str, list[EvaluationRow]] = {}
    for row in report.rows:
        by_model.setdefault(row.model, []).append(row)
    table = plain_table("", *by_model)
    for name in names:
        found = [[row.figures[name] for row in rows] for rows in by_model.values()]
        table.add_row(name, *map(_over_seeds, found))
    console.print(table)
    _print_gaps(report.rows, console)
    _print_settings(report.rows, console)
    _print_notes(report, console)


def _many(row: EvaluationRow) -> bool:
    """Whether several items are asked for at once; otherwise recall is hit."""
    return row.protocol != "leave-one-out"


def _over_seeds(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{mean(values):.4f} ± {stdev(values):.4f}"


def _print_gaps(rows: Sequence[EvaluationRow], console: Console) -> None:
    """Say by how much learnt models are above the best baseline, seed by seed."""
    for row in rows:
        if row.gaps:
            seed = f" (seed {row.seed})" if rows[-1].seed != rows[0].seed else ""
            gaps = ", ".join(
                f"{name} {low:+.4f} to {high:+.4f}" for name, (low, high) in row.gaps.items()
            )
            console.print(f"{row.model} above {row.baseline}{seed}: {gaps} (95 %)", highlight=False)


def _print_settings(rows: Sequence[EvaluationRow], console: Console) -> None:
    """Say what validation chose, in the first seed."""
    note = f" (seed {rows[0].seed})" if rows[-1].seed != rows[0].seed else ""
    for row in rows:
        if row.settings and row.seed == rows[0].seed:
            told = f"{row.model}{note}: {_words(row.settings)}"
            console.print(told, style="dim", highlight=False)


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_said(value)}" for name, value in settings.items())


def _said(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _print_notes(report: EvaluationReport, console: Console) -> None:
    first = report.rows[0]
    for model, reason in report.left_out.items():
        console.print(f"[yellow]{model} was left out[/yellow]: {escape(reason)}")
    if first.repeats:
        console.print(
            f"{counted(first.repeats, 'item')} not asked for, as the user had them; "
            "--with-seen asks for them"
        )
    if first.unknown:
        told = f"{counted(first.unknown, 'item')} asked for that nothing could be learnt about"
        console.print(told, highlight=False)
    if report.tied_ratio > 0:
        console.print(
            f"the last two events of {report.tied_ratio:.1%} of users have the same time; these "
            "stand as they were told",
            highlight=False,
        )
