"""What ``sensorium train ranker`` and ``train interests`` print."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from sensorium.display import counted, plain_table, print_json
from sensorium.progress import format_seconds

if TYPE_CHECKING:
    from sensorium.learning import LearningOutcome


def show_learning(outcome: LearningOutcome, console: Console, as_json: bool) -> None:
    """Print what learning from events gave."""
    if as_json:
        print_json(console, asdict(outcome))
        return
    console.print(
        f"{outcome.users:,} users, {outcome.events:,} likings, {outcome.items:,} items "
        f"({outcome.with_content:,} with content); items are known by {outcome.known_by}",
        highlight=False,
    )
    if outcome.acts:
        told = ", ".join(f"{name} {count:,}" for name, count in outcome.acts.items())
        console.print(f"learnt from: {told}", highlight=False, markup=False)
    console.print(
        f"{counted(outcome.epochs, 'round')} in {format_seconds(outcome.seconds)} on "
        f"{outcome.device}, best after round {outcome.best_epoch}; "
        f"{'kept' if outcome.kept else 'not kept'}",
        highlight=False,
    )
    for row in outcome.tried:
        told = ", ".join(f"{name} {value}" for name, value in row.settings.items())
        words = f"{told}: ndcg@10 {row.reached:.4f} within {counted(row.epochs, 'round')}"
        console.print(words, style="dim", highlight=False, markup=False)
    console.print(
        f"[bold]the last liking of {counted(outcome.questions, 'user')}, held out, among all "
        "items[/bold]",
        highlight=False,
    )
    names = [name for name in outcome.rows[0].figures if not name.startswith("recall")]
    table = plain_table("", *(row.model for row in outcome.rows))
    for name in names:
        table.add_row(name, *(f"{row.figures[name]:.4f}" for row in outcome.rows))
    console.print(table)
    low, high = outcome.gap
    console.print(
        f"ndcg@10 above the best baseline: {low:+.4f} to {high:+.4f} (95 %)", highlight=False
    )
    console.print(escape(outcome.next_step))
