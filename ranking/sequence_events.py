"""Sequences with actions from what people did: a head of the ranker for each kind of event.

- An action is what several conditions stand for ("liked": like, share, save). An event is the first
  action that it meets; one that meets none is left out. So whoever leaves an action out has its
  events neither looked at nor to be found.
- Every event is a target, of whatever sign: the ranker learns how likely each action is, and what
  an action is worth comes from outside. Validation asks for a user's last event, whichever it is,
  among all items with its action.
- Events on one item in a row (a click, watched, liked) are one: the weightiest of them, when it
  came last. Else the likeliest next item would always be the one at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ingest.event_rules import Condition, parse_condition
from ingest.histories import gather_histories
from ranking.sequences import Floats, Numbers, Sequences

if TYPE_CHECKING:
    from ingest.event import Event
    from ingest.event_log import EventLog
    from ingest.event_rules import EventRules

NO_ACTION = -1
"""Number of what is no action."""
LONGEST = 1_000
"""Most events of a user; the latest are kept."""


@dataclass(frozen=True, kw_only=True)
class Actions:
    """Which events are which action."""

    conditions: tuple[tuple[str, ...], ...] = (
        ("complete", "watch_time>=0.6"),
        ("click", "play"),
        ("like", "comment", "rating>=4", "share", "save", "follow", "purchase"),
        ("skip",),
        ("dislike", "not_interested", "report", "rating<=2"),
    )
    """Of each action, (A,); see ``EventRules`` for how they are written."""
    _parsed: tuple[tuple[Condition, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parsed = tuple(tuple(map(parse_condition, some)) for some in self.conditions)
        if not parsed or not all(parsed):
            raise ValueError(f"expected actions with a condition each: {self.conditions}")
        object.__setattr__(self, "_parsed", parsed)

    def __len__(self) -> int:
        """A."""
        return len(self.conditions)

    @property
    def types(self) -> tuple[str, ...]:
        """Types of events that any of them speaks of, sorted."""
        return tuple(sorted({one.event_type for some in self._parsed for one in some}))

    def number(self, event_type: str, value: float | None) -> int:
        """Give the number of the action that an event is, or ``NO_ACTION``."""
        for number, some in enumerate(self._parsed):
            if any(one.event_type == event_type and one.holds(value) for one in some):
                return number
        return NO_ACTION

    def likeliest(self, event_type: str, weight: float, weights: Floats) -> int:
        """Give the action of an event whose value is not known but whose weight is.

        Args:
            event_type: of the event.
            weight: what the rules say it is worth.
            weights: what each action is worth, (A,).

        Returns:
            Of the actions that speak of the type, the one worth most nearly as much; or
            ``NO_ACTION``.
        """
        some = [
            number
            for number, conditions in enumerate(self._parsed)
            if any(one.event_type == event_type for one in conditions)
        ]
        return min(some, key=lambda n: abs(float(weights[n]) - weight), default=NO_ACTION)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ActedSequences:
    """What people did, ready to be learnt from."""

    sequences: Sequences
    """Events with the number of each one's action."""
    weights: Floats
    """What each action is worth, (A,): the mean of its events by the rules; 0 for none."""


def logged_sequences(
    log: EventLog, rules: EventRules, actions: Actions, longest: int = LONGEST
) -> ActedSequences:
    """Collect what the users of a log did.

    Args:
        log: of a workspace.
        rules: what events are worth.
        actions: which events count, and as what.
        longest: most events of a user, the latest.
    """
    events = (
        event for user_id in log.users() for event in log.tail(user_id, longest, only=actions.types)
    )
    return acted_sequences(events, rules, actions)


def acted_sequences(events: Iterable[Event], rules: EventRules, actions: Actions) -> ActedSequences:
    """Collect events.

    Args:
        events: those of a user in a row, in the order of time.
        rules: what events are worth.
        actions: which events count, and as what.
    """
    acts = list(_acts(events, rules, actions))
    _, pairs = np.unique([f"{act.user_id}\0{act.item_id}" for act in acts], return_inverse=True)
    worth = np.array([act.weight for act in acts], np.float32)
    weightiest, last = in_a_row(pairs, worth)
    numbers = np.array([act.action for act in acts], np.int64)[weightiest]
    kept = [acts[place] for place in last.tolist()]
    _, user_of_event = np.unique([act.user_id for act in kept], return_inverse=True)
    order = np.lexsort(([act.occurred_us for act in kept], user_of_event))
    counts = np.bincount(numbers, minlength=len(actions))
    sums = np.bincount(numbers, worth[weightiest], minlength=len(actions))
    return ActedSequences(
        sequences=Sequences(
            histories=gather_histories((act.user_id, act.item_id, act.occurred_us) for act in kept),
            actions=numbers[order],
        ),
        weights=(sums / np.maximum(counts, 1)).astype(np.float32),
    )


def in_a_row(items: Numbers, weights: Floats) -> tuple[Numbers, Numbers]:
    """Find what stands for events on the same item in a row.

    Args:
        items: numbers of the items, (T,).
        weights: what each event is worth, of either sign, (T,).

    Returns:
        Of each run of one item the place of the weightiest event, of equals the last, and the place
        of the last event; (R,) each, rising.
    """
    if not len(items):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    last = np.flatnonzero(np.append(items[1:] != items[:-1], True))
    run = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))
    return np.lexsort((np.abs(weights), run))[last], last


@dataclass(frozen=True, slots=True)
class _Act:
    """An event that is an action."""

    user_id: str
    item_id: str
    occurred_us: int
    action: int
    weight: float


def _acts(events: Iterable[Event], rules: EventRules, actions: Actions) -> Iterator[_Act]:
    for event in events:
        number = actions.number(event.event_type, event.value)
        if number != NO_ACTION:
            weight = rules.weight(event.event_type, event.value)
            yield _Act(event.user_id, event.item_id, event.occurred_us, number, weight)
