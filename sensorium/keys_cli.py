"""Commands about API keys of the service: ``sensorium keys``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from sensorium.options import DEFAULT_WORKSPACE, ConfigOption, JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from sensorium.service.keys import KeyStore

stderr = Console(stderr=True)
stdout = Console()

keys_app = typer.Typer(
    help="Who may use the service: make, list and revoke API keys.", no_args_is_help=True
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Of the key, from 'keys list'.")]


@keys_app.command("create")
def create(
    scope: Annotated[
        Literal["read", "write", "admin"], typer.Option(help="What its holder may do.")
    ] = "read",
    name: Annotated[str, typer.Option(help="What you call it, such as who gets it.")] = "",
    user: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Let its holder read and tell of this user alone."),
    ] = None,
    days: Annotated[float | None, typer.Option(help="Until it expires; never if left out.")] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API key and print it, this once: only a digest of it is kept.

    Examples: sensorium keys create --scope admin · sensorium keys create --scope write --user anna
    """
    from sensorium.keys_display import show_made
    from sensorium.service.keys import Scope

    lifetime = None if days is None else timedelta(days=days)
    store = _store(workspace, config, create=True)
    key, secret = store.create(Scope[scope.upper()], name, user, lifetime)
    show_made(key, secret, (stdout, stderr), as_json)


@keys_app.command("list")
def list_all(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List API keys, revoked and expired ones among them."""
    from sensorium.keys_display import show_keys

    show_keys(_store(workspace, config).keys(), stdout, as_json)


@keys_app.command("revoke")
def revoke(
    key_id: IdArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a key's rights away for good; a running service knows within a second."""
    from sensorium.keys_display import show_keys

    show_keys([_store(workspace, config).revoke(key_id)], stdout, as_json)


def _store(path: Path, file: Path | None, create: bool = False) -> KeyStore:
    from sensorium import assemble
    from sensorium.config import load_config
    from sensorium.service.keys import KeyStore
    from sensorium.workspace import Workspace

    config = load_config(file, {}).config
    digest = assemble.decode_options(config).digest
    return KeyStore(Workspace(path, digest, config.store.database_url, create).engine)
