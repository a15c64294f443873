"""A library opened for recommending: shelf, sources, ranker and states of users, put together.

What is opened shows the library as it was then, while what people do counts at once: the state of
a user is read from the log at every request. What many like is read on now and then, since one
click changes little there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from ingest.event import EPOCH, MICROSECOND, Event, EventType, from_microseconds
from ranking.feed import Feed
from ranking.feed_config import Rule
from ranking.feed_ranker import Blend, Ranker
from ranking.page import Page, Pick
from ranking.preferences import Preferences
from ranking.user_states import UserStates
from sensorium.feed_sources import Counts, sources_of
from sensorium.fitted_sources import FittedSources, Show, hidden
from sensorium.library import EmptyLibraryError
from sensorium.ranker_store import open_ranker
from sensorium.recommend_reports import FeedReport
from sensorium.search import glimpses
from sensorium.shelf import Stock, open_stock

if TYPE_CHECKING:
    from ranking.user_state import UserState
    from sensorium.library import Library

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
    chances: bool = False
    """Whether picks say how likely each action is, where the ranker tells actions apart."""


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
        self.counts.read_on()
        rules = []
        if request.where is not None:
            rules.append(Rule(name="filter", items=~self.stock.admitted(request.where)))
        asked_us = _micros(request.asked_at or datetime.now(UTC))
        if request.asked_at is None:
            state = self.states.state(request.user_id, asked_us)
        else:
            state = self.states.past(request.user_id, asked_us)
        page = self.feed.page(state, request.limit, explain=request.explain, rules=rules)
        if request.chances:
            page = replace(page, picks=self._with_chances(state, page.picks))
        if not len(state.liked.items):
            note = (
                f"{request.user_id} has liked nothing yet: this is popular and new, from everywhere"
            )
            page = replace(page, notes=(*page.notes, note))
        if request.record:
            self.record(page)
        return page

    def _with_chances(self, state: UserState, picks: tuple[Pick, ...]) -> tuple[Pick, ...]:
        number_of = self.stock.shelf.number_of
        items = np.array([number_of[pick.item_id] for pick in picks], np.int64)
        found = self.feed.ranker.chances(state, items)
        return tuple(
            replace(pick, chances={name: float(of_item[row]) for name, of_item in found.items()})
            for row, pick in enumerate(picks)
        )

    def record(self, page: Page) -> None:
        """Tell the log that a page was shown; telling it twice changes nothing.

        Raises:
            WorkspaceError: the database cannot be written.
        """
        if page.picks:
            self.library.workspace.event_log.append([shown(page)])

    def report(self, request: FeedRequest) -> FeedReport:
        """Make a page with what to show of its items; see ``page``."""
        page = self.page(request)
        active = self.library.workspace.active
        wanted = [pick.item_id for pick in page.picks]
        wanted += [pick.reason.history_item for pick in page.picks if pick.reason.history_item]
        items = glimpses(self.library.workspace, active, wanted) if active else {}
        return FeedReport(page=page, items=items, view=self.view, recorded=request.record)


def open_recommender(library: Library, view: str = "", show: Show = hidden) -> Recommender:
    """Open a library for recommending.

    Args:
        library: it must have been indexed.
        view: name of the view that interests are read from; empty for the one made last.
        show: told how far it is, where a long log is read for the first time.

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
    counts = Counts(fitted, shelf.number_of, show)
    ranker, notes = _ranker(library, stock)
    if shelf.interests is None:
        notes = (*notes, NO_VIEW)
    feed = Feed(
        shelf, sources_of(library, stock, counts, show), ranker, config.feed, (*stock.notes, *notes)
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

    return SequenceRanker(recommender=learnt.weighed(library.config.events)), ()


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND
