"""Commands about profiles in words: ``sensorium profiles``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sensorium.options import (
    DEFAULT_WORKSPACE,
    OK,
    PARTIAL,
    ConfigOption,
    JsonOption,
    QuietOption,
    SetOption,
    WorkspaceOption,
    settings_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sensorium.library import Library

stderr = Console(stderr=True)
stdout = Console()

profiles_app = typer.Typer(
    help="What people are after lately, and their lasting taste, in words.", no_args_is_help=True
)


@profiles_app.command("refresh")
def refresh(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write profiles anew of everybody of whom enough has happened since; say what it cost.

    Exits with 3 where a text could not be written; the profile that was there stays.
    Example: sensorium profiles refresh --set profiles.writer=template
    """
    from sensorium.profile_writing import refresh_library_profiles
    from sensorium.profiles_display import show_refresh

    library = _library(workspace, config, settings)
    report = refresh_library_profiles(library, stderr, quiet or as_json)
    show_refresh(report, stdout, as_json)
    raise typer.Exit(PARTIAL if report.failed else OK)


@profiles_app.command("show")
def show(
    user_id: Annotated[str, typer.Argument(metavar="USER", help="Whose.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was written of somebody, and what each text weighs in ranking."""
    from sensorium.profile_writing import shown_profiles
    from sensorium.profiles_display import show_profiles

    show_profiles(shown_profiles(_library(workspace, config, []), user_id), stdout, as_json)


def _library(path: Path, file: Path | None, settings: list[str]) -> Library:
    from sensorium.config import load_config
    from sensorium.library import open_library

    return open_library(path, load_config(file, settings_of(settings)).config, create=False)
