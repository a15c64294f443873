"""Sequences with actions: which events count, as what, and what stands for several in a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ingest.database import open_database
from ingest.event_log import EventLog
from ingest.event_rules import EventRules
from ingest.histories import gather_histories, liked_in
from ranking.sequence_events import (
    gather_deeds,
    in_a_row,
    learnable,
    logged_deeds,
    once_in_a_row,
    over,
    told_deeds,
    until_likings,
)
from ranking.sequences import Sequences
from support.events import event, many_events
from support.people import life

RULES = EventRules()
LIVES = [one for user in "ba" for one in life(300, 6, seed=ord(user), user_id=user)]


def deeds() -> Sequences:
    return gather_deeds(told_deeds(LIVES), RULES)


def told(sequences: Sequences) -> list[tuple[str, str, int, str, bool]]:
    """User, item, time, kind and whether it was liked, of each event."""
    acts, liked, known = sequences.told
    events = sequences.histories
    return [
        (events.users[user], events.item_ids[item], us, known.names[act], good)
        for user, item, us, act, good in zip(
            events.user_of_event.tolist(),
            events.items.tolist(),
            events.times_us.tolist(),
            acts.tolist(),
            liked.tolist(),
            strict=True,
        )
    ]


def test_every_event_that_says_something_is_of_the_kind_that_weighs_it() -> None:
    expected = []
    for one in sorted(LIVES, key=lambda one: (one.user_id, one.occurred_us)):
        weight, good = (f(one.event_type, one.value) for f in (RULES.weight, RULES.is_positive))
        condition = RULES.condition(one.event_type, one.value)
        assert (condition is not None) == bool(weight or good)
        if condition is not None:
            row = (one.user_id, one.item_id, one.occurred_us, condition.text, bool(good))
            expected.append(row)
    found = deeds()
    assert told(found) == expected
    acts, _, known = found.told
    weights = [RULES.weight(*RULES.condition(name, None).just_met) for name in ("like", "skip")]  # type: ignore[union-attr]
    assert weights == [known.weights[known.names.index(name)] for name in ("like", "skip")]
    assert len(np.unique(acts)) == len(known)


def test_the_likings_among_them_are_those_of_a_reader_of_likings() -> None:
    found = deeds().likings.compact()
    expected = gather_histories(liked_in(LIVES, RULES))
    assert (found.users, found.item_ids) == (expected.users, expected.item_ids)
    assert found.items.tolist() == expected.items.tolist()
    assert found.offsets.tolist() == expected.offsets.tolist()


def test_the_rule_listed_last_decides() -> None:
    rules = EventRules(weights=("rating>=4:0", "rating>=8:2"), positives=("rating>=8", "wave"))
    events = [
        event(f"i{value}", minute=value, event_type="rating", value=value) for value in (1, 5, 9)
    ] + [event("j", minute=10, event_type="wave")]
    found = gather_deeds(told_deeds(events), rules)
    kinds = [(item, kind, good) for _, item, _, kind, good in told(found)]
    assert kinds == [("i1", "rating<=2", False), ("i9", "rating>=8", True), ("j", "wave", True)]


def test_events_in_a_row_on_one_item_are_the_weightiest_of_them() -> None:
    items = np.array([3, 3, 3, 1, 3, 2, 2])
    weights = np.array([0.5, -2, 1, 0.1, 1, 1, 1], np.float32)
    weightiest, last = in_a_row(items, weights)
    assert weightiest.tolist() == [1, 3, 4, 6]
    assert last.tolist() == [2, 3, 4, 6]
    assert [part.tolist() for part in in_a_row(items[:0], weights[:0])] == [[], []]
    runs: list[list[tuple[str, str, int, str, bool]]] = []
    for row in told(deeds()):
        if not runs or runs[-1][-1][:2] != row[:2]:
            runs.append([])
        runs[-1].append(row)
    weight = {name: RULES.weight(*RULES.condition(name).just_met) for name in ("like", "skip")}  # type: ignore[union-attr]
    assert weight == {"like": 1, "skip": -2}
    _, _, known = deeds().told
    worth = dict(zip(known.names, known.weights.tolist(), strict=True))
    expected = []
    for run in runs:
        best = max(reversed(run), key=lambda row: abs(worth[row[3]]))
        expected.append((*run[-1][:3], *best[3:]))
    assert told(once_in_a_row(deeds())) == expected


def test_rare_kinds_join_their_like_and_lone_ones_are_left_out() -> None:
    kinds = ["like"] * 30 + ["share"] * 20 + ["save"] * 3 + ["comment"] * 2 + ["skip"] * 4
    events = [
        event(f"i{number}", minute=number, event_type=kind) for number, kind in enumerate(kinds)
    ]
    found = learnable(gather_deeds(told_deeds(events), RULES), fewest=10)
    acts, liked, known = found.told
    assert known.conditions == (("like", "comment"), ("share", "save"))
    assert known.weights.tolist() == [1, 2]
    assert np.bincount(acts).tolist() == [32, 23]
    assert liked.all()
    many = [*events, *(event(f"j{n}", minute=99 + n, event_type="dislike") for n in range(6))]
    joined = learnable(gather_deeds(told_deeds(many), RULES), fewest=10).told[2]
    assert joined.conditions[2] == ("dislike", "skip")


def test_a_log_of_likes_has_no_actions() -> None:
    events = [event(f"i{n % 7}", f"u{n % 3}", n, event_type="like") for n in range(60)]
    found = learnable(gather_deeds(told_deeds(events), RULES))
    assert (found.actions, found.liked, found.known) == (None, None, None)
    expected = gather_histories(liked_in(events, RULES))
    assert found.digest == Sequences(histories=expected).digest
    assert len(learnable(gather_deeds([], RULES)).histories) == 0


def test_what_came_after_a_liking_is_cut_off() -> None:
    found = deeds()
    every = found.likings.lengths
    assert every.min() > 5
    cut = until_likings(found, np.array([3, 0]))
    rows = [row for row in told(found) if row[0] == "a"]
    third = [place for place, row in enumerate(rows) if row[4]][2]
    assert told(cut) == rows[: third + 1]
    whole = until_likings(found, every)
    assert whole.likings.lengths.tolist() == every.tolist()
    assert told(whole)[-1][4]


def test_other_numbers_of_users_and_items_change_nothing_else() -> None:
    found = deeds()
    kept = over(found, ["a", "c"], ["i1", "i3", "x"])
    assert told(kept) == [row for row in told(found) if row[0] == "a" and row[1] in ("i1", "i3")]
    assert kept.histories.lengths[1] == 0


def test_a_log_gives_what_its_events_give(tmp_path: Path) -> None:
    log = EventLog(open_database(f"sqlite:///{tmp_path / 'log.db'}"))
    events = many_events(300)
    log.append(events)
    found = gather_deeds(logged_deeds(log, RULES), RULES)
    ordered = sorted(events, key=lambda one: (one.user_id, one.occurred_us))  # stable, as the log
    expected = gather_deeds(told_deeds(ordered), RULES)
    assert found.digest == expected.digest
    assert told(found) == told(expected)
