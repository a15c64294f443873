"""The end of the demo: made-up people click; one gets a feed with reasons and clicks once more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.event import Event, EventType
from sensorium.feed import FeedRequest, open_recommender
from sensorium.recommend_display import show_feed
from sensorium.recommend_sheet import FeedSection, write_feed_sheet

if TYPE_CHECKING:
    from rich.console import Console

    from sensorium.library import Library
    from sensorium.recommend_reports import FeedReport

PAGE = "feed.html"
"""The page of feeds in the demo's folder."""
PERSON = "mira"
"""Who is made up."""
CLICKS = ("photos/moon", "photos/chelsea", "sounds/owl", "photos/lion")
"""What she clicks before she asks."""
THEN = "photos/motorcycle_left"
"""What she clicks after that."""
OTHERS = {
    "tom": ("photos/motorcycle_left", "sounds/train", "clips/bikes", "texts/garage"),
    "lena": ("photos/coffee", "texts/bread", "photos/kiwi", "photos/apple", "texts/espresso"),
}
"""Who else is there, and what they clicked: their feeds wait on the page that is served."""
VIEW = "type-of-thing"
"""Album that interests are read from."""
SIZE = 6


def show_feeds(library: Library, folder: Path, out: Console) -> None:
    """Print what a person gets who likes animals, before and after one more click.

    Two others get clicks as well, so that there are feeds to compare on the page that is served.

    Args:
        library: indexed, and grouped into the album ``VIEW``.
        folder: where the page goes.
        out: writes to stdout.
    """
    log, now = library.workspace.event_log, datetime.now(UTC)
    for person, clicked in {PERSON: CLICKS, **OTHERS}.items():
        log.erase(person)  # an earlier demo's clicks
        hours = range(len(clicked), 0, -1)
        log.append(
            _click(person, item, now - timedelta(hours=hour))
            for item, hour in zip(clicked, hours, strict=True)
        )
    recommender = open_recommender(library, VIEW)
    title, then = f"{PERSON} clicked {', '.join(CLICKS)}", f"then {THEN}"
    first = recommender.report(FeedRequest(user_id=PERSON, limit=SIZE))
    _show(title, first, out)
    log.append([_click(PERSON, THEN, datetime.now(UTC))])
    second = recommender.report(FeedRequest(user_id=PERSON, limit=SIZE))
    _show(then, second, out)
    stranger = recommender.report(FeedRequest(user_id="a stranger", limit=SIZE))
    sections = [
        FeedSection(title=title, report=first),
        FeedSection(title=then, report=second),
        FeedSection(title="A stranger", report=stranger),
    ]
    write_feed_sheet(folder / PAGE, "Sensorium demo: a feed", sections)


def _show(title: str, report: FeedReport, out: Console) -> None:
    out.print()
    out.rule(title, align="left", style="dim")
    show_feed(report, out)


def _click(person: str, item_id: str, moment: datetime) -> Event:
    return Event(user_id=person, item_id=item_id, event_type=EventType.CLICK, occurred_at=moment)
