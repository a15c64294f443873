"""The states of the people who are being served, at hand: derived once, aged at every request.

Before a state is used the log is asked for one mark: it changes with every event of that person,
whichever process appended it, and when the person was erased. So nothing has to tell these states
of an event, and what was erased is never shown again. What people said about interests is read
anew each time: it is a few rows.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from operator import attrgetter
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.event import Event, EventType
from ingest.event_log import LAST_MOMENT_US, EventLog
from ingest.event_rules import EventRules
from ranking.preferences import NEUTRAL, Preferences
from ranking.shelf import Shelf
from ranking.user_state import REFUSALS, UserState, UserStateConfig, aged, derive

ENTRY_BYTES = 2_000
"""Memory of an entry beside its arrays: the objects that hold them, and its place."""
SHOWN = (EventType.IMPRESSION,)
"""Types that say what was shown; all others say what a person did."""


class _Entry(NamedTuple):
    """A state, and what the log was when it was derived."""

    mark: tuple[int, int]
    state: UserState

    @property
    def size_bytes(self) -> int:
        return self.state.size_bytes + ENTRY_BYTES


class UserStates:
    """States by user, bounded; several threads may ask at once.

    Args:
        log: what people did.
        preferences: what they said about interests.
        shelf: the items; another shelf takes another ``UserStates``.
        rules: what events are worth.
        config: what is remembered.
    """

    def __init__(
        self,
        log: EventLog,
        preferences: Preferences,
        shelf: Shelf,
        rules: EventRules,
        config: UserStateConfig,
    ) -> None:
        self.log = log
        self.preferences = preferences
        self.shelf = shelf
        self.rules = rules
        self.config = config
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._size_bytes = 0
        self._forgotten = 0
        self._lock = Lock()

    def __len__(self) -> int:
        """How many states are at hand."""
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """Memory of the states at hand; never above ``cache_mib``."""
        return self._size_bytes

    def state(self, user_id: str, asked_us: int) -> UserState:
        """Give what is known of somebody; an unknown, anonymous or erased person has liked nothing.

        Args:
            user_id: who; may be empty.
            asked_us: now, microseconds since 1970.
        """
        mark = self.log.mark(user_id)
        with self._lock:
            forgotten = self._forgotten
            entry = self._entries.get(user_id)
            if entry is not None and entry.mark == mark and entry.state.asked_us <= asked_us:
                self._entries.move_to_end(user_id)
            else:
                entry = None
        if entry is None:
            events = read_events(self.log, user_id, self.config) if any(mark) else []
            state = derive(user_id, asked_us, events, self.shelf, self.rules, self.config)
            entry = _Entry(mark, state)
            self._keep(user_id, entry, forgotten)
        boost = self._boost(user_id)
        entry.state.boost[:] = (
            boost  # What ``at_hand`` gives; states that were given have their own.
        )
        return replace(aged(entry.state, asked_us, self.config), boost=boost)

    def at_hand(self, user_id: str, asked_us: int) -> UserState | None:
        """Give what was known of somebody when they were last asked for; no database is asked.

        For the time of an outage: what another process has been told or has erased since is not
        known here.

        Args:
            user_id: who.
            asked_us: now, microseconds since 1970.

        Returns:
            The state; None where none is at hand.
        """
        with self._lock:
            entry = self._entries.get(user_id)
        if entry is None:
            return None
        known = aged(entry.state, asked_us, self.config)
        return replace(known, boost=known.boost.copy())

    def past(self, user_id: str, asked_us: int) -> UserState:
        """Give what was known of somebody at a moment, by what had happened until then.

        What they said about interests is as it is now. Nothing is kept at hand.
        """
        events = read_events(self.log, user_id, self.config, asked_us)
        state = derive(user_id, asked_us, events, self.shelf, self.rules, self.config)
        return replace(state, boost=self._boost(user_id))

    def forget(self, user_id: str) -> int:
        """Drop somebody's state; give 1, or 0 where none was at hand."""
        with self._lock:
            self._forgotten += 1  # Whoever is reading events that are about to go keeps nothing.
            return self._drop(user_id)

    def _keep(self, user_id: str, entry: _Entry, forgotten: int) -> None:
        with self._lock:
            self._drop(user_id)
            if forgotten != self._forgotten or not any(entry.mark):
                return
            self._entries[user_id] = entry
            self._size_bytes += entry.size_bytes
            while self._size_bytes > self.config.cache_mib << 20:
                self._drop(next(iter(self._entries)))

    def _drop(self, user_id: str) -> int:
        entry = self._entries.pop(user_id, None)
        if entry is None:
            return 0
        self._size_bytes -= entry.size_bytes
        return 1

    def _boost(self, user_id: str) -> NDArray[np.float32]:
        """What somebody said about each interest, (K,)."""
        interests = self.shelf.interests
        if interests is None:
            return np.zeros(0, np.float32)
        said = self.preferences.of(user_id, interests.view)
        return np.array([said.get(key, NEUTRAL) for key in interests.cluster_ids], np.float32)


def read_events(
    log: EventLog, user_id: str, config: UserStateConfig, until_us: int = LAST_MOMENT_US
) -> list[Event]:
    """Read what a state is derived from: so many events of what a person did and was shown.

    Where a person did more than that, what they refused before is read as well, as far back as the
    log looks for types of events.

    Args:
        log: what people did.
        user_id: who.
        config: how much is read.
        until_us: leave out what happened after this moment, microseconds since 1970.

    Returns:
        Events, earliest first; of the same moment, what was shown, then what was appended first.
    """
    acts = log.tail(user_id, config.acts, without=SHOWN, until_us=until_us)
    events = log.tail(user_id, config.shown, only=SHOWN, until_us=until_us) + acts
    if len(acts) == config.acts:
        known = {event.event_id for event in acts}
        refused = log.tail(user_id, config.acts, only=REFUSALS, until_us=until_us)
        events = [event for event in refused if event.event_id not in known] + events
    return sorted(events, key=attrgetter("occurred_at"))
