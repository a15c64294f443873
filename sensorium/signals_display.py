"""What ``sensorium train signals`` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape

from sensorium.display import counted, plain_table, print_json
from sensorium.progress import format_seconds

if TYPE_CHECKING:
    from rich.console import Console

    from sensorium.signals import WeighingOutcome


def show_weighing(outcome: WeighingOutcome, console: Console, as_json: bool) -> None:
    """Print what weighing signals gave."""
    if as_json:
        print_json(console, asdict(outcome))
        return
    console.print(
        f"{counted(outcome.questions, 'liking')} weighed in {format_seconds(outcome.seconds)} "
        f"beside the {escape(outcome.ranker)}",
        highlight=False,
    )
    for name, weight in outcome.weights.items():
        console.print(f"{name} counts {weight:.3f}", highlight=False, markup=False)
    table = plain_table(f"{counted(outcome.judged, 'other liking')}", "without", "with")
    for name, (without, having) in outcome.figures.items():
        table.add_row(name, f"{without:.4f}", f"{having:.4f}")
    console.print(table)
    low, high = outcome.gap
    console.print(f"ndcg@10 gained: {low:+.4f} to {high:+.4f} (95 %)", highlight=False)
    console.print(escape(outcome.next_step))
