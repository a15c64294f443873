"""Commands about albums: ``sensorium cluster``, ``sensorium views`` and ``sensorium view``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from sensorium.options import (
    DEFAULT_WORKSPACE,
    ConfigOption,
    JsonOption,
    QuietOption,
    SetOption,
    WorkspaceOption,
    settings_of,
    words_of,
)

if TYPE_CHECKING:
    from sensorium.albums import Albums
    from sensorium.reports import ViewReport
    from sensorium.workspace import Workspace

stderr = Console(stderr=True)
stdout = Console()

SHOWN = 3
"""Items of each cluster that a table names."""
PICTURED = 8
"""Items of each kind and cluster on a page."""


class _ShowByDefault(TyperGroup):
    """``view NAME`` is ``view show NAME``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if not args or args[0] in known else ["show", *args])


view_app = typer.Typer(
    cls=_ShowByDefault,
    help="Look at a view (sensorium view NAME), or edit it.",
    no_args_is_help=True,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The view.")]
HtmlOption = Annotated[Path | None, typer.Option(help="Write clusters as a page of pictures.")]


def cluster(
    by: Annotated[str, typer.Option(help='Aspect to group by, such as "colour" or "mood".')],
    name: Annotated[str, typer.Option(help="Name of the view; by default from the aspect.")] = "",
    number: Annotated[
        int | None, typer.Option("-k", min=2, help="How many clusters; by default what fits.")
    ] = None,
    words: Annotated[str, typer.Option(help="Your own words, such as red,green,blue.")] = "",
    where: Annotated[
        str | None, typer.Option("--filter", help="Only such items: has_image and width > 600.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides everything random.")] = 0,
    epochs: Annotated[
        int, typer.Option(min=0, help="Train the proxies for so many passes; 0 for not at all.")
    ] = 0,
    ablate: Annotated[
        str,
        typer.Option(
            help="Leave out, to compare: proxies, consensus, text, visual, gates; where proxies "
            "are trained also refresh, interest, concept."
        ),
    ] = "",
    anew: Annotated[
        bool, typer.Option("--replace", help="Take the place of a view of this name.")
    ] = False,
    html: HtmlOption = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Group the library by an aspect, and keep the groups as a view.

    Examples: sensorium cluster --by colour · sensorium cluster --by mood -k 4 --html moods.html
    """
    from sensorium.albums import ClusterRequest
    from sensorium.progress import bar_progress

    request = ClusterRequest(
        by=by,
        name=name,
        num_clusters=number,
        words=words_of(words),
        where=where,
        seed=seed,
        ablate=words_of(ablate),
        epochs=epochs,
        replace=anew,
    )
    albums = _albums(workspace, config, settings)
    with bar_progress(stderr, quiet or as_json) as show:
        made, notes = albums.create(request, stderr, lambda stage, share: show(share, stage))
    _show(albums.library.workspace, made, as_json, html, notes)


def views(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the views of the library."""
    from sensorium.album_reports import view_reports
    from sensorium.views_display import show_views

    show_views(view_reports(_workspace(workspace, config)), stdout, as_json)


@view_app.command("show")
def show(
    name: NameArgument,
    cluster: Annotated[str, typer.Option(help="Only this cluster.")] = "",
    most: Annotated[
        int | None, typer.Option("-n", "--limit", min=1, help="Most items of each cluster.")
    ] = None,
    html: HtmlOption = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a view; --json prints every item with its cluster, one a line."""
    from sensorium.album_reports import member_rows
    from sensorium.views_display import show_members, show_view, write_page

    place = _workspace(workspace, config)
    if as_json:
        show_members(member_rows(place, name, cluster, most), stdout)
    else:
        show_view(_report(place, name, cluster, most or SHOWN), stdout)
    if html is not None:
        write_page(html, _report(place, name, cluster, most or PICTURED), stderr)


@view_app.command("rename")
def rename(
    name: NameArgument,
    old: Annotated[str, typer.Argument(metavar="CLUSTER", help="The cluster.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call a cluster something else."""
    albums = _albums(workspace, config, [])
    albums.rename(name, old, new)
    _show(albums.library.workspace, name, as_json)


@view_app.command("merge")
def merge(
    name: NameArgument,
    clusters: Annotated[list[str], typer.Argument(metavar="CLUSTER...", help="Two or more.")],
    new: Annotated[str, typer.Option("--as", help="Name of the one; else the first's.")] = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Make one cluster of several."""
    albums = _albums(workspace, config, settings)
    albums.merge(name, clusters, new, stderr)
    _show(albums.library.workspace, name, as_json)


@view_app.command("split")
def split(
    name: NameArgument,
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="The cluster.")],
    number: Annotated[int, typer.Option("-k", min=2, help="Into how many.")] = 2,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Make several clusters of one; no item leaves for another cluster."""
    albums = _albums(workspace, config, settings)
    albums.split(name, cluster, number, stderr)
    _show(albums.library.workspace, name, as_json)


@view_app.command("pin")
def pin(
    name: NameArgument,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Id of the item.")],
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="Where it belongs.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Put an item into a cluster and hold it there, whatever is learnt later."""
    albums = _albums(workspace, config, settings)
    albums.pin(name, item, cluster, stderr)
    _show(albums.library.workspace, name, as_json)


@view_app.command("unpin")
def unpin(
    name: NameArgument,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Id of the item.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Let an item go where the view puts it."""
    albums = _albums(workspace, config, settings)
    albums.unpin(name, item, stderr)
    _show(albums.library.workspace, name, as_json)


@view_app.command("refit")
def refit(
    name: NameArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Learn a view anew from its members, and place all but the pinned ones by that."""
    albums = _albums(workspace, config, settings)
    albums.refit(name, stderr)
    _show(albums.library.workspace, name, as_json)


@view_app.command("delete")
def delete(
    name: NameArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
) -> None:
    """Forget a view; its items stay in the library."""
    _albums(workspace, config, []).delete(name)
    stderr.print(f"deleted the view {name}", markup=False, highlight=False)


def _show(
    workspace: Workspace,
    name: str,
    as_json: bool,
    html: Path | None = None,
    notes: tuple[str, ...] = (),
) -> None:
    """Print a view that was made or edited."""
    from sensorium.views_display import show_clusters, show_view, write_page

    report = _report(workspace, name, "", SHOWN)
    if as_json:
        show_clusters(report, stdout)
    else:
        show_view(report, stdout, notes)
    if html is not None:
        write_page(html, _report(workspace, name, "", PICTURED), stderr)


def _report(workspace: Workspace, name: str, cluster: str, most: int) -> ViewReport:
    from sensorium.album_reports import view_report

    return view_report(workspace, name, cluster, most)


def _workspace(path: Path, file: Path | None) -> Workspace:
    from sensorium import assemble
    from sensorium.config import load_config
    from sensorium.workspace import Workspace

    config = load_config(file, {}).config
    digest = assemble.decode_options(config).digest
    return Workspace(path, digest, config.store.database_url)


def _albums(path: Path, file: Path | None, settings: list[str]) -> Albums:
    from sensorium.albums import Albums
    from sensorium.config import load_config
    from sensorium.library import open_library

    config = load_config(file, settings_of(settings)).config
    return Albums(open_library(path, config, create=False))
