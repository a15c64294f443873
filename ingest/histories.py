"""What each user liked, in order, as arrays: the form that recommenders learn from.

Users and items are numbered in the order of their ids, so the same events give the same numbers
whatever order they came in. Of the same moment, what was given first comes first: public ratings
share their times so often that another order changes what a user's last item is.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ingest.event import EPOCH, MICROSECOND, Event
from ingest.event_rules import EventRules

if TYPE_CHECKING:
    from ingest.event_log import EventLog

EVERY_EVENT = 2**62
"""More events than any user has."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """What one user liked until a moment."""

    items: NDArray[np.int64]
    """Numbers of the items, earliest first, (T,); an item stands as often as it was liked."""
    times_us: NDArray[np.int64]
    """Microseconds since 1970 of each, (T,), never falling."""
    asked_us: int
    """The moment at which something is recommended, microseconds since 1970."""
    user: int = -1
    """Number of the user in the histories that it is of; -1 where it is of none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histories:
    """What every user liked."""

    users: tuple[str, ...]
    """Id of each user, (U,)."""
    item_ids: tuple[str, ...]
    """Id of each item of the catalogue, (N,); parts of a log keep the whole log's."""
    offsets: NDArray[np.int64]
    """Where each user's events begin, and where the last one's end, (U + 1,)."""
    items: NDArray[np.int64]
    """Item of each event by number, (E,), by user and time."""
    times_us: NDArray[np.int64]
    """Microseconds since 1970 of each event, (E,)."""

    def __post_init__(self) -> None:
        num_events = int(self.offsets[-1])
        if len(self.offsets) != len(self.users) + 1 or self.items.shape != (num_events,):
            raise ValueError(
                f"users and events do not match: {len(self.users) = }, {self.offsets.shape = }, "
                f"{self.items.shape = }"
            )

    def __len__(self) -> int:
        return len(self.users)

    @property
    def num_items(self) -> int:
        """N."""
        return len(self.item_ids)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Events of each user, (U,)."""
        return np.diff(self.offsets)

    @property
    def user_of_event(self) -> NDArray[np.int64]:
        """User of each event by number, (E,)."""
        return np.repeat(np.arange(len(self.users)), self.lengths)

    @property
    def places_from_end(self) -> NDArray[np.int64]:
        """How many later events the user of each event has, (E,)."""
        return np.repeat(self.offsets[1:], self.lengths) - np.arange(len(self.items)) - 1

    def history(self, user: int, asked_us: int | None = None) -> History:
        """Give one user's history.

        Args:
            user: the user's number.
            asked_us: the moment of asking; the time of the last event if not given.
        """
        events = slice(self.offsets[user], self.offsets[user + 1])
        times = self.times_us[events]
        last = int(times[-1]) if len(times) else 0
        return History(
            items=self.items[events],
            times_us=times,
            asked_us=last if asked_us is None else asked_us,
            user=user,
        )

    def compact(self) -> Histories:
        """The same events without users and items that are in none."""
        some = self.lengths > 0
        items, numbers = np.unique(self.items, return_inverse=True)
        return Histories(
            users=tuple(self.users[user] for user in np.flatnonzero(some).tolist()),
            item_ids=tuple(self.item_ids[item] for item in items.tolist()),
            offsets=np.concatenate([[0], np.cumsum(self.lengths[some])]).astype(np.int64),
            items=np.asarray(numbers, np.int64),
            times_us=self.times_us,
        )

    def only(self, events: NDArray[np.bool_]) -> Histories:
        """Keep some events, bool (E,); every user and the catalogue stay."""
        counts = np.bincount(self.user_of_event[events], minlength=len(self.users))
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            items=self.items[events],
            times_us=self.times_us[events],
        )


def gather_histories(liked: Iterable[tuple[str, str, int]]) -> Histories:
    """Collect who liked what.

    Args:
        liked: user, item and microseconds since 1970, in any order.
    """
    return ordered_histories(liked)[0]


def ordered_histories(
    liked: Iterable[tuple[str, str, int]],
) -> tuple[Histories, NDArray[np.int64]]:
    """Collect who did something with what; also gives the place that each event was given at."""
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    given_users, given_items, given_times = array("q"), array("q"), array("q")
    for user_id, item_id, occurred_us in liked:
        given_users.append(users.setdefault(user_id, len(users)))
        given_items.append(items.setdefault(item_id, len(items)))
        given_times.append(occurred_us)
    user_ids, user_of_event = _in_order(users, given_users)
    item_ids, item_of_event = _in_order(items, given_items)
    times = np.array(given_times, np.int64)
    order = np.lexsort((times, user_of_event))  # stable: equal moments stay as given
    counts = np.bincount(user_of_event, minlength=len(user_ids))
    histories = Histories(
        users=user_ids,
        item_ids=item_ids,
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        items=item_of_event[order],
        times_us=times[order],
    )
    return histories, order


def logged_histories(log: EventLog, rules: EventRules) -> Histories:
    """Collect what the users of a log liked."""
    return gather_histories(
        (user_id, item_id, (occurred_at - EPOCH) // MICROSECOND)
        for user_id, liked in log.histories(rules, longest=EVERY_EVENT)
        for item_id, occurred_at in liked
    )


def liked_in(events: Iterable[Event], rules: EventRules) -> Iterator[tuple[str, str, int]]:
    """Give user, item and time of the events that say: more like this."""
    for event in events:
        if rules.is_positive(event.event_type, event.value):
            yield event.user_id, event.item_id, event.occurred_us


def _in_order(
    numbers: dict[str, int], given: array[int]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Number names in their own order instead of the order they came in."""
    names = tuple(sorted(numbers))
    new = np.empty(len(names), np.int64)
    new[[numbers[name] for name in names]] = np.arange(len(names))
    return names, new[np.array(given, np.int64)]
