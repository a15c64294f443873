"""What ``sensorium models`` prints: bundled weights, and what a library has learnt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape

from encoders.weights import status
from sensorium.display import counted, plain_table, print_json, show_models
from sensorium.options import DEFAULT_WORKSPACE

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from sensorium.config import Config
    from sensorium.learnt_parts import LearntPart
    from sensorium.training_records import Measured

STYLES = {"on": "green", "waiting": "yellow", "aside": "yellow"}


def show_all_models(path: Path, config: Config, console: Console, as_json: bool) -> None:
    """Print the bundled models, and after them what the library of a workspace has learnt.

    Where no workspace was named and none is in the current folder, the bundled models are all.

    Raises:
        WorkspaceError: a workspace was named, and there is none.
    """
    show_models(status(), console, as_json)
    here = (path / "catalogue.db").exists() or config.store.database_url is not None
    if path == DEFAULT_WORKSPACE and not here:
        return
    from sensorium import assemble
    from sensorium.learnt_parts import learnt_parts
    from sensorium.workspace import Workspace

    digest = assemble.decode_options(config).digest
    parts = learnt_parts(Workspace(path, digest, config.store.database_url), config)
    if not as_json:
        console.print(f"\n[bold]learnt by the library in {escape(str(path))}[/bold]")
    show_parts(parts, console, as_json)


def show_parts(parts: Sequence[LearntPart], console: Console, as_json: bool) -> None:
    """Print what was learnt, and what would be, with the command that learns it."""
    if as_json:
        for part in parts:
            print_json(console, asdict(part))
        return
    table = plain_table("part", "state", "learnt at", "from", "fingerprint")
    for part in parts:
        state = f"[{STYLES.get(part.state, 'dim')}]{part.state}[/]"
        source = ", ".join(_source(part))
        when = part.trained_at.replace("T", " ").removesuffix("+00:00")
        table.add_row(escape(part.part), state, when, source, part.fingerprint)
    console.print(table)
    for part in parts:
        for measured in part.measured:
            words = f"{part.part} found what was held out: {words_of(measured)}"
            console.print(words, highlight=False, markup=False, soft_wrap=True)
    for part in parts:
        told = f": {part.note}" if part.note else ""
        words = f"[dim]{escape(f'{part.part} {part.use}{told}')}[/dim]"
        console.print(words, highlight=False, soft_wrap=True)


def words_of(measured: Measured) -> str:
    """Write a figure with what baselines reached beside it."""
    beside = [f"{name} {value:.4f}" for name, value in measured.beside.items()]
    if measured.gap is not None:
        beside.append(f"{measured.gap[0]:+.4f} to {measured.gap[1]:+.4f} above the best")
    return f"{measured.figure} {measured.value:.4f}" + (f" ({', '.join(beside)})" if beside else "")


def _source(part: LearntPart) -> Iterator[str]:
    for number, noun in ((part.users, "user"), (part.events, "event"), (part.items, "item")):
        if number:
            yield counted(number, noun)
    if part.generation:
        yield f"vectors of {part.generation}"
