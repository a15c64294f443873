"""What the commands about relations print for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from sensorium.display import counted, plain_table, print_json
from sensorium.progress import format_seconds

if TYPE_CHECKING:
    from retrieval.relations import Completion
    from sensorium.relations import RelationImport, RelationsLearnt


def show_import(outcome: RelationImport, console: Console) -> None:
    """Print what an import did."""
    console.print(
        f"[bold]{counted(outcome.new, 'new relation')}, {outcome.known_before} known before, from "
        f"{counted(outcome.rows, 'row')}[/bold]",
        highlight=False,
    )
    for row in outcome.examples:
        console.print(f"[yellow]rejected[/yellow] line {row.line}: {escape(row.reason)}")
    if outcome.rejected > len(outcome.examples):
        console.print(f"and {outcome.rejected - len(outcome.examples)} more")


def show_counts(counts: Mapping[str, int], console: Console) -> None:
    """Print how many pairs each relation has."""
    if not counts:
        console.print("no relations; sensorium relations import FILE takes some in")
        return
    table = plain_table("relation", "pairs")
    for name, pairs in counts.items():
        table.add_row(escape(name), str(pairs))
    console.print(table)


def show_completions(found: Sequence[Completion], console: Console) -> None:
    """Print what completes a relation, best first."""
    table = plain_table("item", "score", "")
    for one in found:
        table.add_row(escape(one.entity), f"{one.score:.2f}", "known" if one.known else "")
    console.print(table)


def show_relations_learnt(outcome: RelationsLearnt, console: Console, as_json: bool) -> None:
    """Print what learning relations gave."""
    if as_json:
        print_json(console, asdict(outcome))
        return
    console.print(
        f"[bold]learnt from {counted(len(outcome.learnt), 'relation')} in "
        f"{format_seconds(outcome.seconds)}: {outcome.known} known ways from item to item, "
        f"{outcome.completed} completed[/bold]",
        highlight=False,
    )
    table = plain_table("", "")
    table.show_header = False
    table.add_row("background", escape(", ".join(outcome.background)) or "none")
    table.add_row("learnt from", escape(", ".join(outcome.learnt)))
    table.add_row("decided by", escape(", ".join(outcome.held)) or "none: too few relations")
    if outcome.mrr is not None:
        table.add_row("mean reciprocal rank there, from three pairs", f"{outcome.mrr:.3f}")
    console.print(table)
    console.print(outcome.next_step)
