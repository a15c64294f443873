"""Sequences with actions: which events count, as what, and what stands for several in a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ingest.database import open_database
from ingest.event_log import EventLog
from ingest.event_rules import EventRules
from ranking.sequence_events import (
    NO_ACTION,
    Actions,
    acted_sequences,
    in_a_row,
    logged_sequences,
)
from support.events import event, many_events
from support.people import life

RULES = EventRules()
ACTIONS = Actions(conditions=(("complete", "watch_time>=0.6"), ("click",), ("skip", "dislike")))


def test_an_event_is_the_first_action_it_meets() -> None:
    assert ACTIONS.number("watch_time", 0.7) == 0
    assert ACTIONS.number("watch_time", 0.5) == ACTIONS.number("watch_time", None) == NO_ACTION
    assert ACTIONS.number("dislike", None) == 2
    assert ACTIONS.number("impression", None) == NO_ACTION
    assert ACTIONS.types == ("click", "complete", "dislike", "skip", "watch_time")
    assert len(ACTIONS) == 3


def test_without_a_value_the_weight_tells_the_action() -> None:
    ratings = Actions(conditions=(("rating>=4",), ("rating<=2", "skip")))
    weights = np.array([1, -10], np.float32)
    assert ratings.likeliest("rating", 1.0, weights) == 0
    assert ratings.likeliest("rating", -10.0, weights) == 1
    assert ratings.likeliest("skip", 5.0, weights) == 1
    assert ratings.likeliest("click", 1.0, weights) == NO_ACTION


def test_events_in_a_row_on_one_item_are_the_weightiest_of_them() -> None:
    items = np.array([3, 3, 3, 1, 3, 2, 2])
    weights = np.array([0.5, -2, 1, 0.1, 1, 1, 1], np.float32)
    weightiest, last = in_a_row(items, weights)
    assert weightiest.tolist() == [1, 3, 4, 6]
    assert last.tolist() == [2, 3, 4, 6]
    assert [part.tolist() for part in in_a_row(items[:0], weights[:0])] == [[], []]


def test_sequences_are_what_a_loop_finds() -> None:
    events = [one for user in "ba" for one in life(200, 6, seed=ord(user), user_id=user)]
    found = acted_sequences(events, RULES, ACTIONS)
    histories, actions = found.sequences.histories, found.sequences.actions
    assert actions is not None
    told: list[list[tuple[str, int, int]]] = []
    sums, counts = np.zeros(3), np.zeros(3)
    for user in "ab":
        runs: list[list[tuple[str, int, int, float]]] = []
        for one in events:
            action = ACTIONS.number(one.event_type, one.value)
            if one.user_id != user or action == NO_ACTION:
                continue
            if not runs or runs[-1][-1][0] != one.item_id:
                runs.append([])
            weight = RULES.weight(one.event_type, one.value)
            runs[-1].append((one.item_id, one.occurred_us, action, weight))
        told.append([])
        for run in runs:
            _, _, action, weight = max(reversed(run), key=lambda act: abs(act[3]))
            told[-1].append((run[-1][0], run[-1][1], action))
            sums[action] += weight
            counts[action] += 1
    for number, expected in enumerate(told):
        rows = slice(histories.offsets[number], histories.offsets[number + 1])
        ids = [histories.item_ids[item] for item in histories.items[rows]]
        times = histories.times_us[rows].tolist()
        assert list(zip(ids, times, actions[rows].tolist(), strict=True)) == expected
    np.testing.assert_allclose(found.weights, sums / counts, rtol=1e-5)


def test_a_log_gives_what_its_events_give(tmp_path: Path) -> None:
    log = EventLog(open_database(f"sqlite:///{tmp_path / 'log.db'}"))
    events = many_events(300)
    log.append(events)
    found = logged_sequences(log, RULES, ACTIONS)
    ordered = sorted(events, key=lambda one: (one.user_id, one.occurred_us))  # stable, as the log
    expected = acted_sequences(ordered, RULES, ACTIONS)
    assert found.sequences.digest == expected.sequences.digest
    np.testing.assert_array_equal(found.weights, expected.weights)
    latest = logged_sequences(log, RULES, ACTIONS, longest=5)
    assert latest.sequences.histories.lengths.max() <= 5


def test_no_events_are_no_sequences() -> None:
    found = acted_sequences([event(event_type="impression")], RULES, ACTIONS)
    assert len(found.sequences.histories) == 0
    assert found.weights.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="condition"):
        Actions(conditions=((),))
