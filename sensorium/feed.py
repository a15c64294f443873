"""A library opened for recommending: shelf, sources, ranker and states of users, put together.

What is opened shows the library as it was then, while what people do counts at once: the state of
a user is read from the log at every request. What many like is read on now and then, since one
click changes little there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ingest.database import WorkspaceError
from ingest.event import EPOCH, MICROSECOND, Event, EventType, from_microseconds
from ranking.feed import Feed
from ranking.feed_config import Rule
from ranking.feed_ranker import Blend, Ranker
from ranking.page import Page
from ranking.preferences import Preferences
from ranking.user_state import UserState
from ranking.user_states import UserStates
from sensorium.feed_sources import Counts, sources_of
from sensorium.fitted_sources import FittedSources
from sensorium.library import EmptyLibraryError
from sensorium.ranker_store import open_ranker
from sensorium.recommend_reports import FeedReport
from sensorium.search import glimpses
from sensorium.shelf import Stock, open_stock
from sensorium.steps import tell, timed

if TYPE_CHECKING:
    from sensorium.library import Library
    from sensorium.reports import Glimpse

OUTAGE = "the database does not answer: this page knows nothing of what happened lately"
NO_VIEW = "there is no view to read interests from; sensorium cluster --by ASPECT makes one"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRequest:
    """What is asked for."""

    user_id: str
    """For whom; one of whom nothing is known gets a page, too."""
    limit: int | None = None
    """Most items; None for the settings'."""
    where: str | None = None
    """Filter expression that items must pass; None for every item."""
    asked_at: datetime | None = None
    """The moment of asking, aware; None for now. Of an earlier one, what happened later is unknown,
    but for what many like."""
    explain: bool = True
    """Whether reasons name the liked item without which a pick would have fallen furthest."""
    record: bool = False
    """Whether the log is told that the page was shown."""


class Recommender:
    """Makes pages for the users of a library.

    Args:
        library: the library.
        stock: its items, as they were when this was opened.
        feed: makes a page of a state.
        states: of users.
        counts: of what many like.
    """

    def __init__(
        self, library: Library, stock: Stock, feed: Feed, states: UserStates, counts: Counts
    ) -> None:
        self.library, self.stock = library, stock
        self.feed, self.states, self.counts = feed, states, counts

    @property
    def view(self) -> str:
        """Name of the view that interests are read from; empty for none."""
        interests = self.stock.shelf.interests
        return interests.view if interests else ""

    def page(self, request: FeedRequest) -> Page:
        """Make a page.

        Raises:
            FilterError: the filter cannot be understood.
            WorkspaceError: the page was to be recorded, and the database cannot be written.
        """
        started = time.perf_counter()
        with suppress(WorkspaceError):  # What many like may be a little old.
            self.counts.read_on()
        rules = []
        if request.where is not None:
            rules.append(Rule(name="filter", items=~self.stock.admitted(request.where)))
        asked_us = _micros(request.asked_at or datetime.now(UTC))
        state, notes = self._state(request, asked_us)
        tell("page", "state", time.perf_counter() - started)
        page = self.feed.page(state, request.limit, explain=request.explain, rules=rules)
        if not len(state.liked.items):
            notes = (
                *notes,
                f"{request.user_id} has liked nothing yet: this is popular and new, "
                "from everywhere",
            )
        page = replace(page, notes=(*page.notes, *notes))
        for step in page.trace:
            tell("page", step.name, step.seconds)
        if request.record:
            self.record(page)
        return page

    def _state(self, request: FeedRequest, asked_us: int) -> tuple[UserState, tuple[str, ...]]:
        """What is known of the person, and what to say of that.

        Raises:
            WorkspaceError: the database does not answer, and nothing is known without it.
        """
        if request.asked_at is not None:
            return self.states.past(request.user_id, asked_us), ()
        try:
            return self.states.state(request.user_id, asked_us), ()
        except WorkspaceError:
            known = self.states.at_hand(request.user_id, asked_us)
            if known is None:
                raise
            return known, (OUTAGE,)

    def record(self, page: Page) -> None:
        """Tell the log that a page was shown; telling it twice changes nothing.

        Raises:
            WorkspaceError: the database cannot be written.
        """
        if page.picks:
            self.library.workspace.event_log.append([shown(page)])

    def report(self, request: FeedRequest) -> FeedReport:
        """Make a page with what to show of its items; see ``page``.

        Where the database does not answer, items are shown by their ids alone.
        """
        page = self.page(request)
        wanted = [pick.item_id for pick in page.picks]
        wanted += [pick.reason.history_item for pick in page.picks if pick.reason.history_item]
        items: dict[str, Glimpse] = {}
        with suppress(WorkspaceError), timed("page", "description"):
            active = self.library.workspace.active
            items = glimpses(self.library.workspace, active, wanted) if active else {}
        return FeedReport(page=page, items=items, view=self.view, recorded=request.record)


def open_recommender(library: Library, view: str = "") -> Recommender:
    """Open a library for recommending.

    Args:
        library: it must have been indexed.
        view: name of the view that interests are read from; empty for the one made last.

    Raises:
        EmptyLibraryError: there is nothing to recommend.
        ViewError: there is no such view.
    """
    config, workspace = library.config, library.workspace
    stock = open_stock(library, view or None)
    shelf = stock.shelf
    if not len(shelf):
        raise EmptyLibraryError("this library holds no items", "run sensorium index PATH first")
    fitted = FittedSources(workspace, config.events, config.sources)
    counts = Counts(fitted, shelf.number_of)
    ranker, notes = _ranker(library, stock)
    if shelf.interests is None:
        notes = (*notes, NO_VIEW)
    feed = Feed(
        shelf, sources_of(library, stock, counts), ranker, config.feed, (*stock.notes, *notes)
    )
    preferences = Preferences(workspace.engine)
    states = UserStates(workspace.event_log, preferences, shelf, config.events, config.user_state)
    return Recommender(library, stock, feed, states, counts)


def shown(page: Page) -> Event:
    """The event that says that a page was shown."""
    ids = tuple(pick.item_id for pick in page.picks)
    return Event(
        user_id=page.user_id,
        item_id=ids[0],
        event_type=EventType.IMPRESSION,
        occurred_at=from_microseconds(page.asked_us),
        event_id=f"{page.recommendation_id}-shown",
        recommendation_id=page.recommendation_id,
        position=0,
        impressions=ids,
    )


def _ranker(library: Library, stock: Stock) -> tuple[Ranker, Sequence[str]]:
    """What ranks, and what a person should know of it."""
    shelf, generation = stock.shelf, library.workspace.active
    assert generation is not None, "the library has been opened"
    learnt, note = open_ranker(library.workspace, generation, shelf.item_ids, shelf.vectors)
    if learnt is None:
        return Blend(shelf=shelf), (note,)
    from ranking.sequence_ranker import SequenceRanker

    return SequenceRanker(recommender=learnt), ()


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND
