"""Sequences with actions from what people did: a head of the ranker for each kind of event.

- An event is of the kind of the rule that weighs it ("like", "watch_time>=0.6", "skip"); what no
  rule weighs and nobody calls positive is left out.
- Every event is a target, of whatever sign: the ranker learns how likely each action is, and what
  an action is worth comes from outside. What is asked in validation is what was liked.
- Events on one item in a row (a click, watched, liked) are one: the weightiest of them, when it
  came last. Else the likeliest next item would always be the one at hand.
- A head needs examples. A kind that has few joins the one of the same sign that is worth most
  nearly as much, and is left out where there is none, unless it says: more like this.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ingest.histories import Histories, ordered_histories
from ranking.actions import NO_ACTION, Actions
from ranking.sequences import Floats, Numbers, Sequences

if TYPE_CHECKING:
    from ingest.event import Event
    from ingest.event_log import EventLog
    from ingest.event_rules import EventRules

FEWEST = 100
"""Events of a kind from which on it has a head of its own."""
Deed = tuple[str, str, int, str, float | None]
"""User, item, microseconds since 1970, type and value of an event."""


def logged_deeds(log: EventLog, rules: EventRules) -> Iterator[Deed]:
    """Walk the events of a log that a rule speaks of."""
    for row in log.deeds(rules.telling_types):
        yield row.user_id, row.item_id, row.occurred_us, row.event_type, row.value


def told_deeds(events: Iterable[Event]) -> Iterator[Deed]:
    """Walk events."""
    for one in events:
        yield one.user_id, one.item_id, one.occurred_us, one.event_type, one.value


def gather_deeds(deeds: Iterable[Deed], rules: EventRules) -> Sequences:
    """Collect what people did, every event for itself, with a kind per rule that weighs some.

    Args:
        deeds: in any order of users; of the same moment of a user, in order.
        rules: what events are worth.
    """
    kinds: dict[str, int] = {}
    numbers, liked = array("q"), array("b")

    def said() -> Iterator[tuple[str, str, int]]:
        for user_id, item_id, occurred_us, event_type, value in deeds:
            condition = rules.condition(event_type, value)
            if condition is not None:
                numbers.append(kinds.setdefault(condition.text, len(kinds)))
                liked.append(rules.is_positive(event_type, value))
                yield user_id, item_id, occurred_us

    histories, order = ordered_histories(said())
    return Sequences(
        histories=histories,
        actions=np.array(numbers, np.int64)[order],
        liked=np.array(liked, np.bool_)[order],
        known=Actions.by([(kind,) for kind in kinds], rules),
    )


def learnable(deeds: Sequences, fewest: int = FEWEST) -> Sequences:
    """Make of all events what a ranker learns from.

    Args:
        deeds: from ``gather_deeds``, or a part of that.
        fewest: events of a kind from which on it has a head of its own.

    Returns:
        Events with numbers of actions; without any where all that is left is liked and of one kind.
    """
    once = once_in_a_row(deeds)
    # What is left out may have stood between two events on one item.
    acted = once_in_a_row(as_actions(once, _heads(once, fewest)))
    _, liked, known = acted.told
    if len(known) < 2 and liked.all():
        return Sequences(histories=acted.histories)
    return acted


def as_actions(deeds: Sequences, actions: Actions) -> Sequences:
    """Number events anew by other actions over the same kinds; those that are none are left out."""
    acts, _, known = deeds.told
    found = actions.numbers(known.names)[acts]
    kept = deeds.only(found != NO_ACTION)
    return replace(kept, actions=found[found != NO_ACTION], known=actions)


def once_in_a_row(deeds: Sequences) -> Sequences:
    """Let the weightiest event stand for those of a user on one item in a row."""
    acts, liked, known = deeds.told
    events = deeds.histories
    pairs = events.user_of_event * max(events.num_items, 1) + events.items
    weightiest, last = in_a_row(pairs, known.weights[acts])
    kept = np.zeros(len(events.items), np.bool_)
    kept[last] = True
    return replace(
        deeds,
        histories=events.only(kept),
        actions=acts[weightiest],
        liked=liked[weightiest],
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


def until_likings(deeds: Sequences, counts: Numbers) -> Sequences:
    """Keep what each user did up to one of their likings.

    Args:
        deeds: what users did.
        counts: of each user, how many likings are kept, (U,); what came after the last of them, and
            everything of a user without any, is left out.
    """
    events = deeds.histories
    spared = deeds.likings.lengths - counts
    return deeds.only(deeds.likings_from_end > spared[events.user_of_event])


def over(deeds: Sequences, users: Sequence[str], item_ids: Sequence[str]) -> Sequences:
    """The same events with other numbers of users and items.

    Args:
        deeds: what users did.
        users: ids in order; what others did is left out.
        item_ids: ids in order; what was done with others is left out.
    """
    events = deeds.histories
    user, item = _renumbered(events.users, users), _renumbered(events.item_ids, item_ids)
    kept = (user[events.user_of_event] >= 0) & (item[events.items] >= 0)
    left = deeds.only(kept)
    lengths = np.zeros(len(users), np.int64)
    lengths[user[user >= 0]] = left.histories.lengths[user >= 0]
    histories = Histories(
        users=tuple(users),
        item_ids=tuple(item_ids),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=item[left.histories.items],
        times_us=left.histories.times_us,
    )
    return replace(left, histories=histories)


def _renumbered(names: Sequence[str], others: Sequence[str]) -> Numbers:
    """Number of each name among others, -1 where it is not there."""
    number_of = {name: number for number, name in enumerate(others)}
    return np.array([number_of.get(name, -1) for name in names], np.int64)


def _heads(deeds: Sequences, fewest: int) -> Actions:
    """Group the kinds of some events into actions with enough examples."""
    numbers, liked, known = deeds.told
    counts = np.bincount(numbers, minlength=len(known))
    likings = np.bincount(numbers, liked, minlength=len(known))
    positive = likings * 2 > counts
    made: list[list[int]] = []
    for sign, like in ((1, True), (1, False), (-1, False)):
        some = np.flatnonzero((counts > 0) & (positive == like) & _of_sign(known, sign, like))
        made += _joined(some[np.argsort(-counts[some], kind="stable")], counts, known, fewest, like)
    return Actions(
        conditions=tuple(tuple(known.names[kind] for kind in group) for group in made),
        weights=np.array([known.weights[group[0]] for group in made], np.float32),
    )


def _of_sign(known: Actions, sign: int, like: bool) -> NDArray[np.bool_]:
    if like:
        return np.ones(len(known), np.bool_)
    return (known.weights > 0) if sign > 0 else (known.weights <= 0)


def _joined(
    kinds: Numbers, counts: Numbers, known: Actions, fewest: int, always: bool
) -> list[list[int]]:
    """Kinds of one sign, the most frequent first, in groups with enough events each."""
    groups = [[kind] for kind in kinds.tolist() if counts[kind] >= fewest]
    rare = [kind for kind in kinds.tolist() if counts[kind] < fewest]
    if not groups:
        enough = always or sum(counts[kind] for kind in rare) >= fewest
        return [rare] if rare and enough else []
    worth = np.log(np.maximum(np.abs(known.weights), 1e-9))
    for kind in rare:
        min(groups, key=lambda group: abs(worth[group[0]] - worth[kind])).append(kind)
    return groups
