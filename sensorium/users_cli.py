"""Commands about users: ``sensorium users``."""

from __future__ import annotations

import sys
from pathlib import Path
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
    from sensorium.library import Library
    from sensorium.workspace import Workspace

stderr = Console(stderr=True)
stdout = Console()

users_app = typer.Typer(
    help="Who is known, what they like, what they say about interests; and erasing them.",
    no_args_is_help=True,
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The user.")]
InterestArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The interest: a cluster of the view.")
]
ViewOption = Annotated[
    str, typer.Option(help="View that interests are read from; the one made last if not given.")
]


@users_app.command("list")
def list_all(
    after: Annotated[str, typer.Option(help="Begin after this user.")] = "",
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="Most users.")] = 50,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List users by id, with how many events there are of each."""
    from sensorium.users import list_users
    from sensorium.users_display import show_users

    show_users(list_users(_workspace(workspace, config), after, limit), stdout, as_json)


@users_app.command("show")
def show(
    user_id: IdArgument,
    view: ViewOption = "",
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="Most events.")] = 10,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Show what is known of a user: interests, what was shown, what they did last."""
    from sensorium.users import user_report
    from sensorium.users_display import show_user

    library = _library(workspace, config, settings)
    show_user(user_report(library, user_id, view, limit), stdout, as_json)


@users_app.command("interests")
def interests(
    user_id: IdArgument,
    view: ViewOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Show a user's interests, the strongest first; --json prints one a line."""
    from sensorium.users import user_report
    from sensorium.users_display import show_interests

    library = _library(workspace, config, settings)
    show_interests(user_report(library, user_id, view, num_deeds=1), stdout, as_json)


@users_app.command("mute")
def mute(
    user_id: IdArgument,
    name: InterestArgument,
    view: ViewOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a user nothing of an interest."""
    from ranking.preferences import MUTED

    _say(_workspace(workspace, config), (user_id, name, view), MUTED, as_json)


@users_app.command("boost")
def boost(
    user_id: IdArgument,
    name: InterestArgument,
    factor: Annotated[
        float, typer.Argument(metavar="FACTOR", help="Above 1 for more, below for less.")
    ] = 2.0,
    view: ViewOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a user more of an interest."""
    _say(_workspace(workspace, config), (user_id, name, view), factor, as_json)


@users_app.command("reset")
def reset(
    user_id: IdArgument,
    name: InterestArgument,
    view: ViewOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back what a user said about an interest."""
    from ranking.preferences import NEUTRAL

    _say(_workspace(workspace, config), (user_id, name, view), NEUTRAL, as_json)


@users_app.command("erase")
def erase(
    user_id: IdArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take everything of a user away for good, look whether it is gone, and print a receipt.

    Exits with 3 where the id still stands somewhere, such as in what others said.
    """
    from sensorium import people
    from sensorium.users_display import show_receipt

    place = _workspace(workspace, config)
    if not yes:
        _ask(place, user_id)
    receipt = people.erase(place, user_id)
    show_receipt(receipt, stdout, as_json)
    raise typer.Exit(OK if receipt.clean else PARTIAL)


def _ask(workspace: Workspace, user_id: str) -> None:
    """Let a person at a terminal confirm; a program has to say so."""
    if not sys.stdin.isatty():
        raise UsageError("erasing is for good", "say so with --yes")
    known = workspace.event_log.activity(user_id)
    events = known.events if known else 0
    typer.confirm(f"erase {user_id} with {events} events for good?", abort=True, err=True)


def _say(workspace: Workspace, whom: tuple[str, str, str], factor: float, as_json: bool) -> None:
    """Keep what a user (id, name of the interest, view) says, and print it."""
    from sensorium.users import say
    from sensorium.users_display import show_saying

    user_id, name, view = whom
    show_saying(say(workspace, user_id, name, factor, view), stdout, as_json)


def _workspace(path: Path, file: Path | None) -> Workspace:
    from sensorium import assemble
    from sensorium.config import load_config
    from sensorium.workspace import Workspace

    config = load_config(file, {}).config
    digest = assemble.decode_options(config).digest
    return Workspace(path, digest, config.store.database_url)


def _library(path: Path, file: Path | None, settings: list[str]) -> Library:
    from sensorium.config import load_config
    from sensorium.library import open_library

    config = load_config(file, settings_of(settings)).config
    return open_library(path, config, create=False)
