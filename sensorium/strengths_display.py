"""What ``sensorium train strengths`` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape

from sensorium.display import counted, plain_table, print_json
from sensorium.progress import format_seconds

if TYPE_CHECKING:
    from rich.console import Console

    from sensorium.strengths import StrengthsOutcome


def show_strengths(outcome: StrengthsOutcome, console: Console, as_json: bool) -> None:
    """Print what learning strengths gave."""
    if as_json:
        print_json(console, asdict(outcome))
        return
    console.print(
        f"{counted(outcome.asked, 'liking')} asked for in {format_seconds(outcome.seconds)}, "
        f"{outcome.questions} of them among the candidates; ranked by {escape(outcome.ranker)}",
        highlight=False,
    )
    table = plain_table("part", "counted", "counts" if outcome.kept else "would count")
    for name, before in outcome.before.items():
        after = outcome.after.get(name)
        table.add_row(escape(name), f"{before:.3f}", "as set" if after is None else f"{after:.3f}")
    console.print(table)
    measured = outcome.measured
    assert measured.gap is not None
    [was] = measured.beside.values()
    low, high = measured.gap
    console.print(
        f"{measured.figure} of {counted(outcome.judged, 'other liking')}: {was:.4f} before, "
        f"{measured.value:.4f} after; gained {low:+.4f} to {high:+.4f} (95 %)",
        highlight=False,
    )
    console.print(escape(outcome.next_step))
