"""The command ``sensorium recommend``: one person's feed, and why each item is in it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sensorium.options import (
    DEFAULT_WORKSPACE,
    ConfigOption,
    JsonOption,
    SetOption,
    UsageError,
    WorkspaceOption,
    settings_of,
)

if TYPE_CHECKING:
    from sensorium.recommend_reports import FeedReport

stderr = Console(stderr=True)
stdout = Console()


def recommend(
    user: Annotated[str, typer.Argument(metavar="USER", help="For whom.")],
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="Most items.")] = 10,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what scores are made of, and what each step did.")
    ] = False,
    view: Annotated[
        str, typer.Option(help="View that interests are read from; by default the newest.")
    ] = "",
    where: Annotated[
        str | None, typer.Option("--filter", help="Only such items: has_image and width > 600.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Tell the log that this was shown.")
    ] = False,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="As if asked then, such as 2025-03-01T12:00.")
    ] = "",
    html: Annotated[Path | None, typer.Option(help="Write the feed as a page of pictures.")] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    config: ConfigOption = None,
    settings: SetOption = [],
    as_json: JsonOption = False,
) -> None:
    """Recommend items to a user, each with its reason.

    Examples: sensorium recommend anna -n 5 · sensorium recommend anna --explain --html feed.html
    """
    from sensorium.config import load_config
    from sensorium.feed import FeedRequest, open_recommender
    from sensorium.library import open_library
    from sensorium.progress import bar_progress
    from sensorium.recommend_display import print_feed, show_feed

    request = FeedRequest(
        user_id=user, limit=limit, where=where, asked_at=_moment(at), record=record, chances=explain
    )
    loaded = load_config(config, settings_of(settings)).config
    library = open_library(workspace, loaded, create=False)
    with bar_progress(stderr, as_json and not stderr.is_terminal) as show:
        recommender = open_recommender(library, view, show)
    report = recommender.report(request)
    (print_feed if as_json else show_feed)(report, stdout, explain)
    for note in report.page.notes:
        stderr.print(note, style="dim", markup=False, highlight=False)
    if html is not None:
        _write(html, report)


def _moment(text: str) -> datetime | None:
    from ingest.event import EventError
    from ingest.event_records import parse_time

    if not text:
        return None
    try:
        return parse_time(text)
    except EventError:
        raise UsageError(f"--at {text} is no time", "write 2025-03-01T12:00") from None


def _write(path: Path, report: FeedReport) -> None:
    from sensorium.recommend_sheet import FeedSection, write_feed_sheet

    section = FeedSection(title=f"For {report.page.user_id}", report=report)
    write_feed_sheet(path, "Feed", [section])
    stderr.print(f"wrote {path}", markup=False, highlight=False)
