"""Cubes and questions against a loop over every event."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.histories import ordered_histories
from ranking.intent_config import DAY_US, Clock
from ranking.intent_cubes import (
    NO_CHANNEL,
    Behaviour,
    Moments,
    channels_of,
    cubes_of,
    lift_of,
    moments_between,
    returning,
    wants_of,
)
from support.intent import behaviour_of

CLOCK = Clock(bin_days=2, length=4, horizon=3)
CATEGORIES = 3


def behaviour(seed: int = 0) -> Behaviour:
    """Some users with events of two actions and one that counts for nothing."""
    draw = np.random.default_rng(seed)
    rows = [
        (f"u{draw.integers(5)}", f"i{draw.integers(8)}", int(draw.integers(40 * DAY_US)))
        for _ in range(120)
    ]
    events, _ = ordered_histories(rows)
    return Behaviour(
        events=events,
        channels=draw.integers(-1, 2, size=len(rows)),
        wanted=draw.random(len(rows)) < 0.6,
        membership=(draw.random((events.num_items, CATEGORIES)) < 0.4).astype(np.float32),
    )


def some_moments(known: Behaviour) -> Moments:
    draw = np.random.default_rng(1)
    return Moments(
        users=draw.integers(len(known.events), size=30),
        times_us=np.sort(draw.integers(45 * DAY_US, size=30)),
    )


def test_cubes_count_what_was_done_and_nothing_later() -> None:
    known = behaviour()
    moments = some_moments(known)
    expected = np.zeros((30, CLOCK.length, CATEGORIES, 2))
    wanted = np.zeros((30, CATEGORIES), bool)
    anything = np.zeros(30, bool)
    events = known.events
    for row, (user, now) in enumerate(
        zip(moments.users.tolist(), moments.times_us.tolist(), strict=True)
    ):
        for place in range(events.offsets[user], events.offsets[user + 1]):
            time, item = int(events.times_us[place]), events.items[place]
            if now <= time < now + CLOCK.horizon_us and known.wanted[place]:
                wanted[row] |= known.membership[item] > 0
                anything[row] = True
            if time < now and known.channels[place] != NO_CHANNEL:
                back = min((now - 1 - time) // CLOCK.bin_us, CLOCK.length - 1)
                expected[row, CLOCK.length - 1 - back, :, known.channels[place]] += (
                    known.membership[item]
                )
    np.testing.assert_allclose(cubes_of(known, CLOCK, moments, 2), np.log1p(expected), rtol=1e-6)
    np.testing.assert_array_equal(wants_of(known, CLOCK, moments), wanted)
    np.testing.assert_array_equal(returning(known, CLOCK, moments), anything)


def test_moments_ask_about_those_who_did_something_and_end_with_their_horizon() -> None:
    known = behaviour_of([(0, 0, 1), (1, 1, 6), (1, 0, 19)], 2)
    found = moments_between(known, CLOCK, 2 * DAY_US, 20 * DAY_US)
    pairs = list(zip(found.users.tolist(), (found.times_us // DAY_US).tolist(), strict=True))
    # User 0 is out of sight from the eighth day after; the last horizon begins on day 14.
    assert pairs == [(0, 2), (0, 4), (0, 6), (0, 8), (1, 8), (1, 10), (1, 12), (1, 14)]


def test_moments_are_drawn_in_order_and_none_is_no_error() -> None:
    known = behaviour()
    moments = some_moments(known)
    drawn = moments.some(7, np.random.default_rng(0))
    assert len(drawn) == 7
    assert (np.diff(drawn.times_us) >= 0).all()
    assert len(moments.some(99, np.random.default_rng(0))) == 30
    none = moments_between(known, CLOCK, 0, 0)
    assert cubes_of(known, CLOCK, none, 2).shape == (0, 4, CATEGORIES, 2)


def test_lift_tells_which_category_follows_which() -> None:
    acts = [(user, 0, 10) for user in range(40)] + [(user, 1, 13) for user in range(40)]
    acts += [(user, 2, 8) for user in range(40, 80)] + [(user, 2, 30) for user in range(80)]
    known = behaviour_of(acts, 3)
    clock = Clock(bin_days=1, length=8, horizon=4)
    lift = lift_of(known, clock, moments_between(known, clock, 0, 30 * DAY_US), lately=4)
    assert lift[1, 0] > 2
    assert lift[1, 0] > 2 * max(lift[0, 1], lift[1, 2])


def test_actions_and_events_must_be_as_many() -> None:
    known = behaviour()
    with pytest.raises(ValueError, match="one action per event"):
        Behaviour(
            events=known.events,
            channels=known.channels[1:],
            wanted=known.wanted,
            membership=known.membership,
        )
    with pytest.raises(ValueError, match="one row per item"):
        Behaviour(
            events=known.events,
            channels=known.channels,
            wanted=known.wanted,
            membership=known.membership[1:],
        )
    assert channels_of(("like", "skip", "view"), ("view", "like")).tolist() == [1, NO_CHANNEL, 0]
