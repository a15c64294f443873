"""Commands about items: ``sensorium items remove``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sensorium.options import (
    DEFAULT_WORKSPACE,
    OK,
    PARTIAL,
    ConfigOption,
    JsonOption,
    SetOption,
    UsageError,
    WorkspaceOption,
    settings_of,
)

if TYPE_CHECKING:
    from sensorium.takedown import TakenDown

stderr = Console(stderr=True)
stdout = Console()

items_app = typer.Typer(help="Single items of the library.", no_args_is_help=True)


@items_app.command("remove")
def remove(
    item_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The items.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Take items down: out of answers, views, catalogue and caches; prints a receipt.

    Files outside the workspace stay where they are. Exits with 3 where an id was not there.
    """
    from sensorium.config import load_config
    from sensorium.library import open_library
    from sensorium.takedown import take_down

    library = open_library(workspace, load_config(config, settings_of(settings)).config, False)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("taking items down is for good", "say so with --yes")
        typer.confirm(f"take {', '.join(item_ids)} down for good?", abort=True, err=True)
    done = take_down(library, item_ids)
    _show(done, as_json)
    missing = sorted(set(item_ids) - set(done.item_ids))
    if missing:
        stderr.print(f"not there: {', '.join(missing)}", markup=False, highlight=False)
    raise typer.Exit(PARTIAL if missing else OK)


def _show(done: TakenDown, as_json: bool) -> None:
    """Print what taking items down did."""
    from dataclasses import asdict

    from sensorium.display import counted, print_json

    if as_json:
        print_json(stdout, {**asdict(done), "taken_at": done.taken_at.isoformat()})
        return
    stdout.print(f"{counted(len(done.item_ids), 'item')} taken down", style="bold")
    for store, count in done.removed.items():
        stdout.print(f"  {store}: {count}", highlight=False)
    for line in (*done.notes, *done.left):
        stdout.print(line, markup=False, highlight=False)
