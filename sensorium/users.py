"""What the library knows of its users, told to a person; and what they say about interests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from ingest.event import EPOCH, MICROSECOND, Event, from_microseconds
from ranking.preferences import Preferences
from ranking.shelf import NO_INTEREST, Shelf
from ranking.user_state import UserState
from ranking.user_states import UserStates
from ranking.view_store import ViewStore
from ranking.views import Cluster, View, ViewError
from sensorium.shelf import latest_view, open_shelf, shelf_of

if TYPE_CHECKING:
    from sensorium.library import Library
    from sensorium.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """One user in a list."""

    user_id: str
    """Who."""
    events: int
    """How many events."""
    last: datetime | None
    """Time of the latest; None for somebody who only said something about interests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInterest:
    """What is known of somebody and one interest."""

    name: str
    """What it is called."""
    cluster: int
    """Number of its cluster in the view."""
    share: float
    """Of all the person's interest, in [0, 1]."""
    interest: float
    """Decayed sum of event weights, 0 or more."""
    exposure: float
    """Decayed count of items shown."""
    last_met: datetime | None
    """When it was last acted upon; None for never."""
    factor: float
    """What the person said about it: 0 for muted, 1 for nothing, more for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One event of somebody."""

    event: Event
    """What was done, and when."""
    title: str
    """Of the item; empty where the catalogue has none."""
    interest: str
    """Name of the item's interest; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserReport:
    """What is known of somebody."""

    user_id: str
    """Who."""
    view: str
    """View that interests are read from; empty where the library has none."""
    events: int
    """How many events."""
    first: datetime | None
    """Time of the earliest; None where there are none."""
    last: datetime | None
    """Time of the latest."""
    liked: int
    """Events that a recommender learns from: more like this."""
    seen: int
    """Items met within memory."""
    refused: tuple[str, ...]
    """Ids of items that were refused."""
    interests: tuple[UserInterest, ...]
    """Every interest of the view, the strongest first."""
    deeds: tuple[Deed, ...]
    """The last events, latest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What somebody says about one interest."""

    user_id: str
    """Who."""
    view: str
    """The view that the interest is of."""
    name: str
    """What the interest is called."""
    cluster: int
    """Number of its cluster."""
    factor: float
    """0 for muted, 1 for nothing, more for more."""


def list_users(workspace: Workspace, after: str, limit: int) -> list[UserRow]:
    """Give a page of users in byte order: those with events, and those who said something.

    Args:
        workspace: the library's folder.
        after: user after whom to begin; empty for the start.
        limit: most users.
    """
    rows = {
        found.user_id: UserRow(user_id=found.user_id, events=found.events, last=found.last)
        for found in workspace.event_log.active(after, limit)
    }
    for user_id in Preferences(workspace.engine).users():
        if user_id.encode() > after.encode():
            rows.setdefault(user_id, UserRow(user_id=user_id, events=0, last=None))
    return [rows[user_id] for user_id in sorted(rows, key=str.encode)[:limit]]


def user_report(library: Library, user_id: str, view: str, num_deeds: int) -> UserReport:
    """Tell what is known of somebody now.

    Args:
        library: the library; it need not have been indexed.
        user_id: who; unknown people have done nothing.
        view: name of the view that interests are read from; empty for the one made last.
        num_deeds: most events to tell of.

    Raises:
        ViewError: there is no view of this name.
    """
    config, shelf = library.config, _shelf(library, view)
    preferences = Preferences(library.workspace.engine)
    log = library.workspace.event_log
    states = UserStates(log, preferences, shelf, config.events, config.user_state)
    return report_of(library.workspace, states, user_id, num_deeds)


def report_of(workspace: Workspace, states: UserStates, user_id: str, num_deeds: int) -> UserReport:
    """Tell what is known of somebody now.

    Args:
        workspace: the library's folder.
        states: of users, by the interests to be told of.
        user_id: who; unknown people have done nothing.
        num_deeds: most events to tell of.
    """
    shelf = states.shelf
    state = states.state(user_id, (datetime.now(UTC) - EPOCH) // MICROSECOND)
    known = workspace.event_log.activity(user_id)
    return UserReport(
        user_id=user_id,
        view=shelf.interests.view if shelf.interests else "",
        events=known.events if known else 0,
        first=known.first if known else None,
        last=known.last if known else None,
        liked=len(state.liked.items),
        seen=len(state.seen),
        refused=tuple(shelf.item_ids[number] for number in state.refused),
        interests=_interests(shelf, state),
        deeds=_deeds(workspace, shelf, workspace.event_log.tail(user_id, num_deeds)[::-1]),
    )


def say(workspace: Workspace, user_id: str, name: str, factor: float, view: str = "") -> Saying:
    """Keep what somebody says about an interest.

    Args:
        workspace: the library's folder.
        user_id: who.
        name: what the interest is called.
        factor: 0 for nothing of it, 1 to take back what was said, more for more.
        view: the view that it is of; empty for the one made last.

    Raises:
        ViewError: there is no such view or interest.
        PreferenceError: the factor or the id cannot be.
    """
    found = _view(workspace, view)
    cluster: Cluster = found.cluster(name)
    Preferences(workspace.engine).set(user_id, found.name, cluster.cluster_id, factor)
    return Saying(
        user_id=user_id,
        view=found.name,
        name=cluster.name,
        cluster=cluster.cluster_id,
        factor=factor,
    )


def _view(workspace: Workspace, name: str) -> View:
    store = ViewStore(workspace.engine)
    chosen = name or latest_view(store)
    if chosen is None:
        raise ViewError(
            "this library has no view that interests could be read from",
            'make one with sensorium cluster --by "topic"',
        )
    return store.view(chosen)


def _shelf(library: Library, view: str) -> Shelf:
    """The shelf of a library; one without items before anything is indexed."""
    if library.workspace.active is not None:
        return open_shelf(library, view or None)
    from retrieval.mirror import Mirror

    return shelf_of(Mirror().items, {})


def _interests(shelf: Shelf, state: UserState) -> tuple[UserInterest, ...]:
    if shelf.interests is None:
        return ()
    rows = [
        UserInterest(
            name=name,
            cluster=cluster,
            share=float(state.shares[number]),
            interest=float(state.interest[number]),
            exposure=float(state.exposure[number]),
            last_met=_moment(int(state.last_met_us[number])),
            factor=float(np.round(state.boost[number], 6)),
        )
        for number, (name, cluster) in enumerate(
            zip(shelf.interests.names, shelf.interests.cluster_ids, strict=True)
        )
    ]
    return tuple(sorted(rows, key=lambda row: (-row.share, row.name)))


def _deeds(workspace: Workspace, shelf: Shelf, events: Sequence[Event]) -> tuple[Deed, ...]:
    items = workspace.catalogue.get({event.item_id for event in events})
    return tuple(
        Deed(
            event=event,
            title=items[event.item_id].title if event.item_id in items else "",
            interest=_interest_of(shelf, event.item_id),
        )
        for event in events
    )


def _interest_of(shelf: Shelf, item_id: str) -> str:
    number = shelf.number_of.get(item_id)
    if shelf.interests is None or number is None:
        return ""
    interest = int(shelf.interests.of_item[number])
    return "" if interest == NO_INTEREST else shelf.interests.names[interest]


def _moment(us: int) -> datetime | None:
    return from_microseconds(us) if us else None
