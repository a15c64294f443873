"""Events as category intent reads them: cubes of counts before moments, and what came after.

Moments are rolled: every so many bins there is one, and everybody who did something in the bins
before it is asked about. Bins are counted back from the moment of asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ingest.histories import Histories
from ranking.intent_config import Clock

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]
NO_CHANNEL = -1
"""Of an event that is of no action that counts."""
DOUBT = 5.0
"""Examples, as expected by chance, that a lift is drawn towards 1 by."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Behaviour:
    """What people did, in which categories."""

    events: Histories
    """All that they did."""
    channels: Numbers
    """Number of each event's action, or ``NO_CHANNEL``, (E,)."""
    wanted: NDArray[np.bool_]
    """Which events say: more like this, (E,)."""
    membership: Floats
    """Whether each item is in each category, 0 or 1, (N, C)."""

    def __post_init__(self) -> None:
        shape = self.events.items.shape
        if self.channels.shape != shape or self.wanted.shape != shape:
            raise ValueError(
                f"one action per event: {self.channels.shape = }, {self.wanted.shape = }, {shape}"
            )
        if len(self.membership) != self.events.num_items:
            raise ValueError(f"one row per item: {self.membership.shape = }")

    @property
    def num_categories(self) -> int:
        """C."""
        return int(self.membership.shape[1])

    def places(self, moments: Moments) -> Numbers:
        """Place of the first event of each moment's user that is not before it, (P,)."""
        distinct, keys = self._order
        rank = np.searchsorted(distinct, moments.times_us)
        return np.searchsorted(keys, moments.users * (len(distinct) + 1) + rank)

    @cached_property
    def _order(self) -> tuple[Numbers, Numbers]:
        """Distinct times, and a number for each event that rises by user and time, (E,)."""
        distinct, rank = np.unique(self.events.times_us, return_inverse=True)
        return distinct, self.events.user_of_event * (len(distinct) + 1) + rank


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """When somebody is asked about."""

    users: Numbers
    """Number of each one's user, (P,)."""
    times_us: Numbers
    """Microseconds since 1970; what happened before is known, (P,)."""

    def __len__(self) -> int:
        """P."""
        return len(self.users)

    def only(self, chosen: NDArray[np.bool_] | Numbers) -> Moments:
        """Some of them."""
        return replace(self, users=self.users[chosen], times_us=self.times_us[chosen])

    def some(self, most: int, random: np.random.Generator) -> Moments:
        """At most so many of them, drawn, in their order."""
        if len(self) <= most:
            return self
        return self.only(np.sort(random.permutation(len(self))[:most]))


def moments_between(behaviour: Behaviour, clock: Clock, start_us: int, end_us: int) -> Moments:
    """Roll moments of which all that is asked about lies within a stretch of time.

    Args:
        behaviour: who did what.
        clock: bins; moments are one bin apart.
        start_us: the first moment.
        end_us: by when the last horizon has ended.
    """
    cuts = np.arange(start_us, end_us - clock.horizon_us + 1, clock.bin_us, dtype=np.int64)
    every_user = np.arange(len(behaviour.events))
    found = []
    for cut in cuts.tolist():
        many = np.full(len(every_user), cut)
        window = Moments(users=every_user, times_us=many - clock.length * clock.bin_us)
        before = behaviour.places(Moments(users=every_user, times_us=many))
        found.append(every_user[before > behaviour.places(window)])
    return Moments(
        users=np.concatenate([*found, np.zeros(0, np.int64)]),
        times_us=np.repeat(cuts, [len(some) for some in found]),
    )


def returning(behaviour: Behaviour, clock: Clock, moments: Moments) -> NDArray[np.bool_]:
    """Whether something is wanted within the horizon, of any category or none, (P,)."""
    start, end = _range(behaviour, moments, 0, clock.horizon_us)
    before = np.concatenate([[0], np.cumsum(behaviour.wanted)])
    return np.asarray(before[end] > before[start], np.bool_)


def cubes_of(behaviour: Behaviour, clock: Clock, moments: Moments, num_actions: int) -> Floats:
    """Count what was done before moments.

    Returns:
        Logarithm of 1 and the counts, (P, T, C, A).
    """
    events = behaviour.events
    start = events.offsets[moments.users]
    rows, owner = _rows(start, behaviour.places(moments))
    channel = behaviour.channels[rows]
    rows, owner, channel = (each[channel >= 0] for each in (rows, owner, channel))
    back = (moments.times_us[owner] - 1 - events.times_us[rows]) // clock.bin_us
    bins = np.maximum(clock.length - 1 - back, 0)
    flat = (owner * clock.length + bins) * num_actions + channel
    cube = np.zeros(
        (len(moments) * clock.length * num_actions, behaviour.num_categories), np.float32
    )
    np.add.at(cube, flat, behaviour.membership[events.items[rows]])
    shape = (len(moments), clock.length, num_actions, behaviour.num_categories)
    return np.log1p(cube).reshape(shape).transpose(0, 1, 3, 2)


def wants_of(behaviour: Behaviour, clock: Clock, moments: Moments) -> NDArray[np.bool_]:
    """Whether each category is wanted within the horizon after moments, (P, C)."""
    rows, owner = _rows(*_range(behaviour, moments, 0, clock.horizon_us))
    rows, owner = rows[behaviour.wanted[rows]], owner[behaviour.wanted[rows]]
    counts = np.zeros((len(moments), behaviour.num_categories), np.float32)
    np.add.at(counts, owner, behaviour.membership[behaviour.events.items[rows]])
    return counts > 0


def lift_of(behaviour: Behaviour, clock: Clock, moments: Moments, lately: int) -> Floats:
    """How many times likelier a category is wanted after another was met lately, (C, C).

    Args:
        behaviour: who did what.
        clock: bins.
        moments: to learn from.
        lately: bins before a moment that count as lately.
    """
    wanted = wants_of(behaviour, clock, moments).astype(np.float32)
    met = np.zeros_like(wanted)
    rows, owner = _rows(*_range(behaviour, moments, -lately * clock.bin_us, 0))
    np.add.at(met, owner, behaviour.membership[behaviour.events.items[rows]])
    met = np.minimum(met, 1)
    expected = np.outer(wanted.sum(axis=0), met.sum(axis=0)) / max(len(moments), 1)
    return np.asarray((wanted.T @ met + DOUBT) / (expected + DOUBT), np.float32)


def channels_of(types: Sequence[str], known: Sequence[str]) -> Numbers:
    """Number of each event type among those known, (E,); ``NO_CHANNEL`` for others."""
    number_of = {name: number for number, name in enumerate(known)}
    return np.array([number_of.get(kind, NO_CHANNEL) for kind in types], np.int64)


def _range(
    behaviour: Behaviour, moments: Moments, from_us: int, to_us: int
) -> tuple[Numbers, Numbers]:
    """Where the events of a stretch around each moment begin and end, (P,) each."""
    start = replace(moments, times_us=moments.times_us + from_us)
    end = replace(moments, times_us=moments.times_us + to_us)
    return behaviour.places(start), behaviour.places(end)


def _rows(start: Numbers, end: Numbers) -> tuple[Numbers, Numbers]:
    """Events of several ranges, and the number of the range that each is of, (R,) each."""
    lengths = end - start
    owner = np.repeat(np.arange(len(start)), lengths)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return start[owner] + place, owner
