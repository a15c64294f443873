"""Interests in the score: taste, what the person said, fatigue."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.feed_config import FatigueConfig, FeedConfig
from ranking.feed_interests import (
    fatigue,
    interests_of,
    per_item,
    representatives,
    said,
    taste,
    without_muted,
)
from ranking.shelf import NO_INTEREST
from support.feed import NOW_US, planted_shelf, planted_state

SHELF = planted_shelf()
NONE = planted_shelf(interests=None)


def exposed(*amounts: float) -> np.ndarray:
    state = planted_state(SHELF, exposure=np.array(amounts, np.float32))
    return fatigue(state, FatigueConfig())


@given(st.lists(st.floats(0, 1_000), min_size=6, max_size=6))
def test_more_exposure_never_wears_less_and_never_below_the_floor(amounts: list[float]) -> None:
    worn = exposed(*sorted(amounts))
    assert (np.diff(worn) <= 0).all()
    assert (worn <= 0).all()
    assert (worn >= np.log(FatigueConfig().floor) - 1e-9).all()


def test_nothing_shown_wears_nothing_and_no_strength_neither() -> None:
    assert exposed(*[0] * 6).tolist() == [0] * 6
    state = planted_state(SHELF, exposure=np.full(6, 50, np.float32))
    assert fatigue(state, FatigueConfig(strength=0)).tolist() == [0] * 6


def test_patience_is_what_leaves_one_part_in_e_of_what_can_wear() -> None:
    config = FatigueConfig()
    left = np.exp(exposed(config.patience, 0, 0, 0, 0, 0)[0] / config.strength)
    assert left == pytest.approx(config.floor + (1 - config.floor) / np.e)


def test_the_strongest_interest_that_was_acted_upon_just_now_gets_all() -> None:
    config = FeedConfig()
    state = planted_state(
        SHELF,
        interest=np.array([4, 2, 2, 0, 0, 0], np.float32),
        last_met_us=np.array([NOW_US, NOW_US, 1, 0, 0, NOW_US]),
    )
    added = taste(state, config)
    assert added[0] == pytest.approx(config.interest)
    assert added[0] > added[1] > added[2] > 0
    assert added[3:].tolist() == [0, 0, 0]


def test_nothing_known_adds_nothing() -> None:
    state = planted_state(SHELF)
    assert taste(state, FeedConfig()).tolist() == [0] * 6
    assert said(state).tolist() == [0] * 6


def test_what_was_said_counts_as_a_factor_within_bounds() -> None:
    state = planted_state(SHELF, boost=np.array([1, 2, 0.5, 1e9, 1, 0], np.float32))
    np.testing.assert_allclose(np.exp(said(state)), [1, 2, 0.5, 64, 1, 1 / 64])


def test_items_in_no_interest_get_nothing() -> None:
    owner = np.array([2, NO_INTEREST, 0], np.int32)
    assert per_item(np.array([1.0, 2.0, 3.0]), owner).tolist() == [3, 0, 1]
    assert interests_of(NONE, np.arange(3)).tolist() == [NO_INTEREST] * 3


def test_likes_of_what_is_muted_no_longer_count_and_dislikes_do() -> None:
    state = planted_state(SHELF, [1, 2, 7, 8], boost=np.array([1, 0, 1, 1, 1, 1], np.float32))
    state.weights[2] = -2
    left = without_muted(SHELF, state)
    assert left.recent.items.tolist() == [2, 7, 8]
    assert left.liked.items.tolist() == [2, 8]
    assert (len(left.types), left.weights.tolist()) == (3, [1, -2, 1])
    same = planted_state(SHELF, [1, 2])
    assert without_muted(SHELF, same) is same


def test_representatives_are_the_surest_of_each_interest_in_turns() -> None:
    assert SHELF.interests is not None
    found = representatives(SHELF, 3)
    assert np.sort(SHELF.interests.of_item[found[:6]]).tolist() == list(range(6))
    assert np.bincount(SHELF.interests.of_item[found]).tolist() == [3] * 6
    confidence = SHELF.interests.confidence
    for number in range(6):
        mine = np.flatnonzero(SHELF.interests.of_item == number)
        best = mine[np.argsort(-confidence[mine])[:3]]
        assert found[SHELF.interests.of_item[found] == number].tolist() == best.tolist()
    assert len(representatives(NONE, 3)) == 0
