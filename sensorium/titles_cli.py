"""Commands about titles for groups of readers: ``sensorium titles``."""

from __future__ import annotations

from typing import Annotated

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

stderr = Console(stderr=True)
stdout = Console()

titles_app = typer.Typer(
    help="Titles for groups of readers: write them, look at them.", no_args_is_help=True
)

ViewOption = Annotated[
    str, typer.Option(help="View whose interests are the groups; by default the newest.")
]


@titles_app.command("write")
def write(
    view: ViewOption = "",
    groups: Annotated[str | None, typer.Option(help="interests or tastes.")] = None,
    per_item: Annotated[
        int | None, typer.Option(min=1, help="Groups that each item gets a title for at most.")
    ] = None,
    writer: Annotated[str | None, typer.Option(help="extractive or language_model.")] = None,
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", min=1, help="Most titles in this run.")
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Learn groups by taste anew.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write what is missing; killed, the same command goes on. Pages show it with titles.shown.

    Examples: sensorium titles write · sensorium titles write --groups tastes --per-item 2
    sensorium titles write --writer language_model --set language_model.local=smollm2 -n 100
    """
    from sensorium.config import load_config
    from sensorium.library import open_library
    from sensorium.titles import TitleRequest, write_library_titles
    from sensorium.titles_display import show_writing

    flags = settings_of(
        settings, titles__groups=groups, titles__groups_per_item=per_item, titles__writer=writer
    )
    library = open_library(workspace, load_config(config, flags).config, create=False)
    request = TitleRequest(view=view, limit=limit, anew=anew)
    outcome = write_library_titles(library, request, stderr, quiet or as_json)
    show_writing(outcome, stdout, as_json)
    raise typer.Exit(PARTIAL if outcome.report.failed else OK)


@titles_app.command("show")
def show(
    view: ViewOption = "",
    groups: Annotated[str | None, typer.Option(help="interests or tastes.")] = None,
    group: Annotated[str, typer.Option(help="Only those for this group, by name.")] = "",
    item: Annotated[str, typer.Option(help="Only those of this item, by id.")] = "",
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="Most titles.")] = 20,
    every: Annotated[
        bool, typer.Option("--all", help="With pairs that there was nothing to say to.")
    ] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Show titles with their groups, and what was rejected with what it had invented."""
    from sensorium.config import load_config
    from sensorium.library import open_library
    from sensorium.title_list import TitleQuery, list_titles
    from sensorium.titles_display import show_titles

    flags = settings_of(settings, titles__groups=groups)
    library = open_library(workspace, load_config(config, flags).config, create=False)
    query = TitleQuery(view=view, group=group, item_id=item, limit=limit, every=every)
    show_titles(list_titles(library, query), stdout, as_json)
