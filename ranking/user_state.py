"""What serving knows of one person, derived from the event log: bounded, and made anew at any time.

Sums decay with time: an event of an hour ago weighs nearly what one of now weighs, one of a year
ago next to nothing. What is stored is the sum at ``asked_us``, the moment the state speaks of. All
sums decay alike, so a state that was derived once is aged when it is asked for again.

What an event takes from an interest is bounded, while a ranker may weigh it in full: who refuses
one item has said much about that item, and little about all that are alike.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ingest.event import Event, EventType
from ingest.event_rules import EventRules
from ingest.histories import History
from ranking.shelf import NO_INTEREST, Interests, Shelf

REFUSALS = (EventType.DISLIKE, EventType.NOT_INTERESTED, EventType.REPORT)
"""Types of the events that refuse an item, until a later like."""
US_PER_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UserStateConfig:
    """How much is remembered of a person, and for how long it counts."""

    interest_days: float = 30.0
    """Days after which an event counts half for an interest."""
    exposure_days: float = 1.0
    """Days after which an item shown counts half for fatigue."""
    least_weight: float = -2.0
    """What one event takes from an interest at most, 0 or less."""
    recent: int = 200
    """Most events that a ranker sees."""
    seen: int = 5_000
    """Most items that are remembered as met; the latest stay."""
    acts: int = 1_000
    """Most events read of what a person did."""
    shown: int = 500
    """Most events read of what a person was shown."""
    cache_mib: int = 64
    """Most memory for states that are kept at hand."""

    def __post_init__(self) -> None:
        if min(self.interest_days, self.exposure_days) <= 0 or self.least_weight > 0:
            raise ValueError(
                "expected half-lives above 0 and least_weight of 0 or less: "
                f"{self.interest_days = }, {self.exposure_days = }, {self.least_weight = }"
            )
        if min(self.recent, self.seen, self.acts, self.shown) < 1 or self.cache_mib < 0:
            raise ValueError(
                f"expected 1 or more: {self.recent = }, {self.seen = }, {self.acts = }, "
                f"{self.shown = }; and 0 or more: {self.cache_mib = }"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UserState:
    """One person, at one moment."""

    user_id: str
    """Who."""
    asked_us: int
    """The moment, microseconds since 1970."""
    recent: History
    """The latest events with items of the shelf that the rules weigh, of either sign, earliest
    first, (T,)."""
    types: tuple[str, ...]
    """Event type of each of them, (T,)."""
    weights: NDArray[np.float32]
    """What the rules say each of them is worth, of either sign, (T,)."""
    liked: History
    """Those of them that say: more like this."""
    seen: NDArray[np.int64]
    """Numbers of all items met within memory, shown or acted upon, rising, each once."""
    refused: NDArray[np.int64]
    """Numbers of items that were disliked, reported or said not to interest, and not liked since,
    rising, each once."""
    interest: NDArray[np.float32]
    """Decayed sum of event weights per interest of the shelf's view, never below 0, (K,)."""
    last_met_us: NDArray[np.int64]
    """When each interest was last acted upon, (K,); 0 for never."""
    exposure: NDArray[np.float32]
    """Decayed count of items shown per interest, (K,): what fatigue is read from."""
    boost: NDArray[np.float32]
    """What the person said about each interest, (K,): 1 by default, 0 for muted, more for more."""

    @property
    def shares(self) -> NDArray[np.float32]:
        """Share of each interest, (K,), adding up to 1; zeros where nothing is known."""
        total = float(self.interest.sum())
        return self.interest / total if total > 0 else np.zeros_like(self.interest)

    @property
    def size_bytes(self) -> int:
        """Memory of its arrays."""
        arrays = (
            self.recent.items, self.recent.times_us, self.weights, self.liked.items,
            self.liked.times_us, self.seen, self.refused, self.interest, self.last_met_us,
            self.exposure, self.boost,
        )  # fmt: skip
        return sum(array.nbytes for array in arrays) + 8 * len(self.types)


def derive(
    user_id: str,
    asked_us: int,
    events: Sequence[Event],
    shelf: Shelf,
    rules: EventRules,
    config: UserStateConfig,
) -> UserState:
    """Read a person's events as what serving needs.

    Events with items that the shelf does not have count nowhere. An item counts as shown once per
    list, however many events speak of that list; it is shown by an event of type ``impression`` and
    by standing among another event's ``impressions``.

    Clocks differ: what is said to happen after the moment of asking counts as of that moment. Who
    wants to know how things were gives the events of that time.

    Args:
        user_id: who.
        asked_us: the moment, microseconds since 1970.
        events: all of that person, earliest first; may be empty.
        shelf: the items.
        rules: what events are worth.
        config: what is remembered.

    Returns:
        The state with nothing boosted.
    """
    read = _Read()
    for event in events:
        read.add(event, shelf.number_of)
    interests, weights = shelf.interests, _weighed(read, rules)
    acted, acted_us = np.array(read.acted, np.int64), np.array(read.acted_us, np.int64)
    shown, shown_us = np.array(read.shown, np.int64), np.array(read.shown_us, np.int64)
    last = np.flatnonzero(weights)[-config.recent :]
    good = np.array([rules.is_positive(read.types[at], read.values[at]) for at in last], np.bool_)
    taken = np.maximum(weights, config.least_weight)
    worth = taken * _halved(asked_us - acted_us, config.interest_days)
    return UserState(
        user_id=user_id,
        asked_us=asked_us,
        recent=_history(acted[last], acted_us[last], asked_us),
        types=tuple(sys.intern(str(read.types[at])) for at in last),
        weights=weights[last].astype(np.float32),
        liked=_history(acted[last[good]], acted_us[last[good]], asked_us),
        seen=_latest(np.r_[acted, shown], np.r_[acted_us, shown_us], config.seen),
        refused=np.array(sorted(read.refused), np.int64),
        interest=np.maximum(_sums(interests, acted, worth), 0),
        last_met_us=_last(interests, acted, acted_us),
        exposure=_sums(interests, shown, _halved(asked_us - shown_us, config.exposure_days)),
        boost=np.ones(0 if interests is None else len(interests), np.float32),
    )


def aged(state: UserState, asked_us: int, config: UserStateConfig) -> UserState:
    """Give a state as it is at a later moment, if nothing has happened since.

    Args:
        state: from ``derive`` with the same settings.
        asked_us: the moment, microseconds since 1970; an earlier one decays nothing.
        config: what is remembered.
    """
    age = asked_us - state.asked_us
    recent, liked = state.recent, state.liked
    return replace(
        state,
        asked_us=asked_us,
        recent=_history(recent.items, recent.times_us, asked_us),
        liked=_history(liked.items, liked.times_us, asked_us),
        interest=state.interest * np.float32(_halved(age, config.interest_days)),
        exposure=state.exposure * np.float32(_halved(age, config.exposure_days)),
    )


@dataclass(slots=True)
class _Read:
    """Events as columns, earliest first."""

    acted: list[int] = field(default_factory=list)
    acted_us: list[int] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    shown_us: list[int] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    _listed: dict[str, set[int | None]] = field(default_factory=dict)

    def add(self, event: Event, number_of: dict[str, int]) -> None:
        """Take one event."""
        number = number_of.get(event.item_id)
        if event.event_type == EventType.IMPRESSION:
            self._show({number, *map(number_of.get, event.impressions)}, event)
            return
        if event.impressions:
            self._show(set(map(number_of.get, event.impressions)), event)
        if number is None:
            return
        self.acted.append(number)
        self.acted_us.append(event.occurred_us)
        self.types.append(event.event_type)
        self.values.append(event.value)
        if event.event_type in REFUSALS:
            self.refused.add(number)
        elif event.event_type == EventType.LIKE:
            self.refused.discard(number)

    def _show(self, numbers: set[int | None], event: Event) -> None:
        numbers.discard(None)
        if event.recommendation_id:
            listed = self._listed.setdefault(event.recommendation_id, set())
            numbers -= listed
            listed |= numbers
        fresh = [number for number in numbers if number is not None]
        self.shown += fresh
        self.shown_us += [event.occurred_us] * len(fresh)


def _weighed(read: _Read, rules: EventRules) -> NDArray[np.float64]:
    """What the rules say each act is worth, (T,)."""
    known: dict[tuple[str, float | None], float] = {}
    weights = []
    for said in zip(read.types, read.values, strict=True):
        if said not in known:
            known[said] = rules.weight(*said)
        weights.append(known[said])
    return np.array(weights, np.float64)


def _halved(age_us: NDArray[np.int64] | int, days: float) -> NDArray[np.float64]:
    """What is left after so many microseconds, in [0, 1]; all of it before they begin."""
    return np.asarray(np.exp2(-np.maximum(age_us, 0) / (days * US_PER_DAY)))


def _sums(
    interests: Interests | None, items: NDArray[np.int64], amounts: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Add up amounts of items (B,) by their interest, (K,)."""
    if interests is None:
        return np.zeros(0, np.float32)
    owner = interests.of_item[items]
    known = owner != NO_INTEREST
    sums = np.bincount(owner[known], amounts[known], minlength=len(interests))
    return sums.astype(np.float32)


def _last(
    interests: Interests | None, items: NDArray[np.int64], times_us: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The latest time of each interest, (K,); 0 for none."""
    last = np.zeros(0 if interests is None else len(interests), np.int64)
    if interests is not None:
        owner = interests.of_item[items]
        known = owner != NO_INTEREST
        np.maximum.at(last, owner[known], times_us[known])
    return last


def _latest(items: NDArray[np.int64], times_us: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """The items met last, each once, rising."""
    order = np.lexsort((items, -times_us))
    found, first = np.unique(items[order], return_index=True)
    if len(found) <= limit:
        return found
    return np.sort(found[np.argsort(first)[:limit]])


def _history(items: NDArray[np.int64], times_us: NDArray[np.int64], asked_us: int) -> History:
    return History(items=items, times_us=np.minimum(times_us, asked_us), asked_us=asked_us)
