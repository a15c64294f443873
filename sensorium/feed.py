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

import numpy as np

from ingest.database import WorkspaceError
from ingest.event import EPOCH, MICROSECOND, Event, EventType, from_microseconds
from ranking.feed import Feed
from ranking.feed_config import Rule
from ranking.feed_scores import Scored
from ranking.page import Page, Pick
from ranking.preferences import Preferences
from ranking.user_state import UserState, derive
from ranking.user_states import UserStates
from sensorium.feed_sources import Counts, sources_of
from sensorium.fitted_sources import FittedSources, Show, hidden
from sensorium.library import EmptyLibraryError
from sensorium.rankers import ranker_of
from sensorium.recommend_reports import FeedReport
from sensorium.search import glimpses
from sensorium.shelf import Stock, stock_of, with_interests
from sensorium.signals import with_signals
from sensorium.steps import tell, timed
from sensorium.strengths import in_force
from sensorium.title_lookup import open_titles

if TYPE_CHECKING:
    from ranking.feed_ranker import Ranker
    from retrieval.filter_conditions import Where
    from retrieval.source import Source
    from sensorium.library import Library
    from sensorium.reports import Glimpse

OUTAGE = "the database does not answer: this page knows nothing of what happened lately"
NO_VIEW = "there is no view to read interests from; sensorium cluster --by ASPECT makes one"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRequest:
    """What is asked for."""

    user_id: str
    """For whom; one of whom nothing is known gets a page, too. May be empty with a history."""
    history: tuple[Event, ...] | None = None
    """What is known of somebody whom the log does not know, earliest first; None reads the log."""
    limit: int | None = None
    """Most items; None for the settings'."""
    where: Where | None = None
    """Filter that items must pass; None for every item."""
    exclude: tuple[str, ...] = ()
    """Ids of items to leave out; unknown ones are ignored."""
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
        self._titles = open_titles(library, stock)

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
        state, notes = self._state_or_outage(request)
        tell("page", "state", time.perf_counter() - started)
        page = self.feed.page(
            state, request.limit, explain=request.explain, rules=self._rules(request)
        )
        if request.chances:
            page = replace(page, picks=self._with_chances(state, page.picks))
        if self._titles is not None:
            page = replace(page, picks=self._titles.titled(state, page.picks))
        if not len(state.liked.items):
            who = request.user_id or "whoever asks"
            note = f"{who} has liked nothing yet: this is popular and new, from everywhere"
            notes = (*notes, note)
        page = replace(page, notes=(*page.notes, *notes))
        for step in page.trace:
            tell("page", step.name, step.seconds)
        if request.record:
            self.record(page)
        return page

    def _state_or_outage(self, request: FeedRequest) -> tuple[UserState, tuple[str, ...]]:
        """What is known of whom a page is for, and what to say of that.

        Raises:
            WorkspaceError: the database does not answer, and nothing is known without it.
        """
        try:
            return self.state(request), ()
        except WorkspaceError:
            if request.asked_at is not None:
                raise
            known = self.states.at_hand(request.user_id, _micros(datetime.now(UTC)))
            if known is None:
                raise
            return known, (OUTAGE,)

    def scores(self, user_id: str, item_ids: Sequence[str]) -> Scored:
        """Score some items of the shelf for a user, in the order given; see ``Feed.scores``."""
        state = self.states.state(user_id, _micros(datetime.now(UTC)))
        number_of = self.stock.shelf.number_of
        numbers = np.array([number_of[item_id] for item_id in item_ids], np.int64)
        return self.feed.scores(state, numbers)

    def state(self, request: FeedRequest) -> UserState:
        """Give what is known of whom a page is for, by the log or the history that came along."""
        asked_us = _micros(request.asked_at or datetime.now(UTC))
        if request.history is not None:
            states, shelf = self.states, self.stock.shelf
            events = request.history
            return derive(request.user_id, asked_us, events, shelf, states.rules, states.config)
        if request.asked_at is None:
            return self.states.state(request.user_id, asked_us)
        return self.states.past(request.user_id, asked_us)

    def _rules(self, request: FeedRequest) -> list[Rule]:
        rules = []
        shelf = self.stock.shelf
        if request.where is not None:
            rules.append(Rule(name="filter", items=~self.stock.admitted(request.where)))
        if request.exclude:
            known = [shelf.number_of[one] for one in request.exclude if one in shelf.number_of]
            rules.append(Rule.blocking(np.array(known, np.int64), len(shelf), "excluded"))
        return rules

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeedParts:
    """What pages of a library are made of, whichever view interests are read from."""

    library: Library
    """The library."""
    stock: Stock
    """Its items, without interests."""
    sources: Sequence[Source]
    """Where candidates come from."""
    ranker: Ranker
    """What ranks them, without signals."""
    counts: Counts
    """Of what many like."""
    notes: tuple[str, ...]
    """What a person should know."""

    def recommender(self, view: str = "") -> Recommender:
        """Make pages with interests of a view, empty for the one made last.

        Raises:
            ViewError: there is no such view.
        """
        config, workspace = self.library.config, self.library.workspace
        stock = with_interests(self.library, self.stock, view or None)
        notes = self.notes if stock.shelf.interests else (*self.notes, NO_VIEW)
        ranker, told = with_signals(self.library, stock, self.ranker)
        settings = in_force(workspace, config.feed, ranker.name)
        feed = Feed(stock.shelf, self.sources, ranker, settings, (*notes, *told))
        states = UserStates(
            workspace.event_log,
            Preferences(workspace.engine),
            stock.shelf,
            config.events,
            config.user_state,
        )
        return Recommender(self.library, stock, feed, states, self.counts)


def open_parts(library: Library, stock: Stock, show: Show = hidden) -> FeedParts:
    """Open what pages are made of.

    Args:
        library: it must have been indexed.
        stock: its items, without interests.
        show: told how counting the log goes.

    Raises:
        EmptyLibraryError: there is nothing to recommend.
    """
    if not len(stock.shelf):
        raise EmptyLibraryError("this library holds no items", "run sensorium index PATH first")
    fitted = FittedSources(library.workspace, library.config.events, library.config.sources)
    counts = Counts(fitted, stock.shelf.number_of, show)
    ranker, notes = ranker_of(library, stock)
    return FeedParts(
        library=library,
        stock=stock,
        sources=sources_of(library, stock, counts.standings, fitted.neighbours(show=show)),
        ranker=ranker,
        counts=counts,
        notes=(*stock.notes, *notes),
    )


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
    return open_parts(library, stock_of(library, library.serving()), show).recommender(view)


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


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND
