"""Commands about events: ``sensorium events import`` and ``sensorium events status``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    UsageError,
    WorkspaceOption,
    settings_of,
)

if TYPE_CHECKING:
    from sensorium.config import Config
    from sensorium.workspace import Workspace

stderr = Console(stderr=True)
stdout = Console()

events_app = typer.Typer(help="What people did with items.", no_args_is_help=True)


@events_app.command("import")
def import_file(
    file: Annotated[str, typer.Argument(help="CSV, JSONL, parquet or a public set's own file.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    layout: Annotated[
        str, typer.Option("--format", help="Layout; auto goes by the file's columns or lines.")
    ] = "auto",
    mapping: Annotated[
        list[str],
        typer.Option(
            "--map", metavar="COLUMN=FIELD", help="What a column is, such as who=user_id."
        ),
    ] = [],
    event_type: Annotated[
        str, typer.Option("--type", help="Type of rows that name none, such as click.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be read; write nothing.")
    ] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="File for bad rows; FILE.rejects.jsonl here if not given.")
    ] = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Import events; a bad row is set aside, and importing again adds nothing.

    Examples: sensorium events import ratings.csv --dry-run · sensorium events import log.jsonl.gz
    """
    from sensorium.events import EventSource, import_events, preview_events
    from sensorium.events_display import file_progress, show_import, show_preview

    loaded = _config(config, settings_of(settings))
    source = EventSource(
        file=file, layout=layout, mapping=_fields_of(mapping), event_type=event_type
    )
    with file_progress(stderr, quiet or as_json) as show:
        if dry_run:
            preview = preview_events(source, loaded.events, show)
        else:
            log = _workspace(workspace, loaded, create=True).event_log
            beside = rejects or Path(f"{Path(file).name}.rejects.jsonl")
            outcome = import_events(log, source, loaded.events, beside, show)
    if dry_run:
        show_preview(preview, stdout, as_json)
        raise typer.Exit(PARTIAL if preview.rejected else OK)
    show_import(outcome, stdout, as_json)
    raise typer.Exit(PARTIAL if outcome.rejected else OK)


@events_app.command("status")
def status(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Count events by type, users, items, and items that the catalogue does not know."""
    from sensorium.events import event_status
    from sensorium.events_display import show_event_status

    loaded = _config(config, settings_of(settings))
    log = _workspace(workspace, loaded, create=False).event_log
    show_event_status(event_status(log, loaded.events), stdout, as_json)


def _fields_of(pairs: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for pair in pairs:
        column, equals, field = pair.rpartition("=")
        if not equals or not column or not field:
            raise UsageError(f"--map {pair} is no pair", "write --map COLUMN=user_id")
        fields[column] = field
    return fields


def _config(file: Path | None, flags: dict[str, Any]) -> Config:
    from sensorium.config import load_config

    return load_config(file, flags).config


def _workspace(path: Path, config: Config, create: bool) -> Workspace:
    from sensorium import assemble
    from sensorium.workspace import Workspace

    digest = assemble.decode_options(config).digest
    return Workspace(path, digest, config.store.database_url, create)
