"""What is read from events, held against a loop that does it one event at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from ingest.event import Event
from ingest.event_rules import EventRules
from ranking.shelf import NO_INTEREST, Shelf
from ranking.user_state import REFUSALS, UserState, UserStateConfig, aged, derive
from support.events import START, event
from support.people import DAY_US, START_US, life, shelf

RULES = EventRules()
CONFIG = UserStateConfig(interest_days=0.05, exposure_days=0.02, recent=17, seen=1000)
OF_ITEM = [row % 4 - 1 for row in range(40)]


def state(
    events: list[Event],
    of: Shelf | None = None,
    asked_us: int = START_US,
    config: UserStateConfig = CONFIG,
) -> UserState:
    return derive("u", asked_us, events, shelf(OF_ITEM) if of is None else of, RULES, config)


def remaining(age_us: int, days: float) -> float:
    return float(0.5 ** (max(age_us, 0) / (days * DAY_US)))


@pytest.mark.parametrize("seed", range(5))
def test_a_state_is_what_a_loop_finds(seed: int) -> None:
    events = life(300, len(OF_ITEM), seed)
    known = {f"i{row}": row for row in range(len(OF_ITEM))}
    asked_us = events[-1].occurred_us + 7_000_000
    interest, exposure, last = [0.0] * 3, [0.0] * 3, [0] * 3
    seen, refused, lists = set(), set(), set()
    recent: list[tuple[int, int, str, float, bool]] = []
    for entry in events:
        acted = entry.event_type != "impression"
        shown = set(entry.impressions) | (set() if acted else {entry.item_id})
        for item_id in shown & known.keys():
            seen.add(known[item_id])
            told = (entry.recommendation_id, item_id)
            if told not in lists and OF_ITEM[known[item_id]] != NO_INTEREST:
                exposure[OF_ITEM[known[item_id]]] += remaining(
                    asked_us - entry.occurred_us, CONFIG.exposure_days
                )
            if entry.recommendation_id:
                lists.add(told)
        if not acted or entry.item_id not in known:
            continue
        row, weight = known[entry.item_id], RULES.weight(entry.event_type, entry.value)
        seen.add(row)
        if entry.event_type in REFUSALS:
            refused.add(row)
        if entry.event_type == "like":
            refused.discard(row)
        if OF_ITEM[row] != NO_INTEREST:
            left = remaining(asked_us - entry.occurred_us, CONFIG.interest_days)
            interest[OF_ITEM[row]] += max(weight, CONFIG.least_weight) * left
            last[OF_ITEM[row]] = entry.occurred_us
        if weight:
            good = RULES.is_positive(entry.event_type, entry.value)
            recent.append((row, entry.occurred_us, entry.event_type, weight, good))
    recent = recent[-CONFIG.recent :]

    found = state(events, asked_us=asked_us)

    assert found.recent.items.tolist() == [row for row, *_ in recent]
    assert found.recent.times_us.tolist() == [us for _, us, *_ in recent]
    assert found.types == tuple(kind for _, _, kind, *_ in recent)
    assert found.weights == pytest.approx([weight for *_, weight, _ in recent])
    assert found.liked.items.tolist() == [row for row, *_, good in recent if good]
    assert found.liked.times_us.tolist() == [us for _, us, *_, good in recent if good]
    assert found.seen.tolist() == sorted(seen)
    assert found.refused.tolist() == sorted(refused)
    assert found.interest == pytest.approx(np.maximum(interest, 0), abs=1e-5)
    assert found.exposure == pytest.approx(exposure, rel=1e-5)
    assert found.last_met_us.tolist() == last
    assert found.boost.tolist() == [1, 1, 1]
    assert found.recent.asked_us == found.liked.asked_us == found.asked_us == asked_us


def test_nobody_is_a_state_that_works() -> None:
    for of, interests in ((shelf(OF_ITEM), 3), (shelf([], None), 0), (shelf([]), 3)):
        empty = aged(state([], of), START_US + DAY_US, CONFIG)
        assert (len(empty.recent.items), len(empty.seen), len(empty.refused)) == (0, 0, 0)
        assert empty.shares.tolist() == empty.interest.tolist() == [0] * interests
        assert empty.last_met_us.tolist() == [0] * interests
        assert empty.boost.tolist() == [1] * interests


def test_without_interests_the_rest_is_the_same() -> None:
    events = life(100, len(OF_ITEM))
    plain, with_view = state(events, shelf(OF_ITEM, None)), state(events)
    assert plain.seen.tolist() == with_view.seen.tolist()
    assert plain.recent.items.tolist() == with_view.recent.items.tolist()
    assert plain.interest.shape == plain.exposure.shape == plain.last_met_us.shape == (0,)


def test_half_is_left_after_the_half_life_and_shares_stay() -> None:
    config = UserStateConfig(interest_days=30, exposure_days=1)
    events = [event("i1", event_type="save"), event("i2"), event("i2", event_type="impression")]
    new = state(events, config=config)
    month, day = (aged(new, START_US + days * DAY_US, config) for days in (30, 1))
    assert new.interest == pytest.approx([2, 0.5, 0])
    assert month.interest == pytest.approx([1, 0.25, 0])
    assert month.shares == pytest.approx([0.8, 0.2, 0])
    assert day.exposure == pytest.approx([0, 0.5, 0])
    derived = state(events, asked_us=START_US + 30 * DAY_US, config=config)
    assert month.interest == pytest.approx(derived.interest)
    assert month.recent.times_us.tolist() == derived.recent.times_us.tolist()
    assert month.recent.asked_us == month.asked_us == START_US + 30 * DAY_US


def test_one_refusal_hides_the_item_and_leaves_the_interest() -> None:
    likes = [event("i1", minute=m, event_type="like") for m in range(4)]
    refusal = event("i5", minute=9, event_type="not_interested")
    config = UserStateConfig()
    found = state([*likes, refusal], config=config)
    assert found.interest == pytest.approx([2, 0, 0], abs=0.01)
    assert found.weights[-1] == -40
    assert found.refused.tolist() == [5]
    many = [replace(refusal, event_id=str(n)) for n in range(5)]
    assert state([*likes, *many], config=config).interest.tolist() == [0, 0, 0]


def test_a_clock_that_runs_ahead_neither_wipes_taste_nor_puts_history_after_now() -> None:
    config = UserStateConfig()
    ahead = replace(event("i2"), occurred_at=datetime(2190, 1, 1, tzinfo=START.tzinfo))
    found = state([event("i1"), ahead], asked_us=START_US + 60_000_000, config=config)
    later = aged(found, START_US + DAY_US, config)
    assert found.interest == pytest.approx([0.5, 0.5, 0], rel=1e-4)
    assert later.interest[1] > 0.48
    assert later.recent.times_us.tolist() == [START_US, START_US + 60_000_000]
    assert aged(found, START_US, config).recent.times_us.tolist() == [START_US, START_US]


def test_events_long_ago_and_before_1970_weigh_nothing_and_break_nothing() -> None:
    old = replace(event("i1"), occurred_at=datetime(1066, 10, 14, tzinfo=START.tzinfo))
    found = state([old])
    assert found.interest.tolist() == [0, 0, 0]
    assert found.recent.items.tolist() == found.seen.tolist() == [1]
    assert found.recent.times_us[0] < 0


def test_of_more_items_than_are_remembered_the_latest_met_stay() -> None:
    met = [event(f"i{row}", minute=place) for place, row in enumerate([9, 3, 5, 3, 7, 9, 1])]
    page = event("i30", minute=99, event_type="impression", impressions=("i20", "i30"))
    config = replace(CONFIG, seen=4)
    assert state(met, config=config).seen.tolist() == [1, 3, 7, 9]
    assert state([*met, page], config=config).seen.tolist() == [1, 9, 20, 30]


def test_a_later_like_takes_a_refusal_back() -> None:
    events = [
        event("i1", minute=m, event_type=t) for m, t in enumerate(["report", "click", "like"])
    ]
    assert [state(events[:n]).refused.tolist() for n in (1, 2, 3)] == [[1], [1], []]
    again = event("i1", minute=9, event_type="dislike")
    assert state([*events, again]).refused.tolist() == [1]


def test_a_list_that_several_events_tell_of_is_shown_once() -> None:
    listed = ("i1", "i2")
    page = event("i1", event_type="impression", impressions=listed, recommendation_id="r")
    click = event("i2", impressions=listed, recommendation_id="r")
    assert state([page, click]).exposure == pytest.approx([1, 1, 0])
    later = event("i1", event_type="impression", recommendation_id="r2")
    assert state([page, click, later]).exposure == pytest.approx([2, 1, 0])
    nameless = [event("i1", minute=m, event_type="impression") for m in (0, 0.001)]
    assert state(nameless).exposure == pytest.approx([2, 0, 0], rel=1e-3)


@pytest.mark.parametrize(
    "wrong", [{"interest_days": 0}, {"least_weight": 1}, {"recent": 0}, {"cache_mib": -1}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        UserStateConfig(**wrong)  # type: ignore[arg-type]
