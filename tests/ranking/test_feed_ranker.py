"""The ranker without learning, against a slow one; logarithms of worth."""

from __future__ import annotations

import math

import numpy as np

from ingest.histories import History
from ranking.feed_ranker import Blend, without
from ranking.shelf import Shelf
from ranking.user_state import UserState
from support.feed import HOUR_US, planted_shelf, planted_state

SHELF = planted_shelf()
ITEMS = np.arange(0, 300)


def slow(shelf: Shelf, state: UserState, item: int, blend: Blend) -> float:
    """What an item is worth, one event at a time."""
    gain = loss = liked = disliked = 0.0
    for event, time_us, weight in zip(
        state.recent.items, state.recent.times_us, state.weights, strict=True
    ):
        age = (state.asked_us - int(time_us)) / (24 * HOUR_US)
        height = math.log2(1 + abs(float(weight))) * 0.5 ** (age / blend.fade_days)
        cosine = float(shelf.vectors[event] @ shelf.vectors[item])
        bell = height * math.exp((cosine - 1) / blend.width)
        if weight > 0:
            gain, liked = gain + bell, liked + height
        else:
            loss, disliked = loss + bell, disliked + height
    whole = liked or disliked or 1
    gain = blend.base + gain / whole
    return math.log(gain) - math.log(1 + loss / whole / gain)


def mixed_state(**changes: object) -> UserState:
    items = np.array([3, 40, 77, 3, 120], np.int64)
    history = History(
        items=items, times_us=planted_state(SHELF, items.tolist()).recent.times_us, asked_us=0
    )
    return planted_state(
        SHELF, [3, 40, 3], recent=history, types=("like", "like", "dislike", "like", "skip"),
        weights=np.array([1, 2, -40, 1, -2], np.float32), **changes,
    )  # fmt: skip


def test_the_blend_is_the_slow_one() -> None:
    blend = Blend(shelf=SHELF)
    for state in (mixed_state(), planted_state(SHELF), planted_state(SHELF, [5])):
        expected = [slow(SHELF, state, item, blend) for item in ITEMS.tolist()]
        np.testing.assert_allclose(blend.rank(state, ITEMS), expected, rtol=1e-4, atol=1e-4)


def test_without_an_item_is_a_history_without_it() -> None:
    blend, state = Blend(shelf=SHELF), mixed_state()
    dropped = np.array([3, 77, 120, 999], np.int64)
    found = blend.rank_without(state, ITEMS, dropped)
    expected = np.stack([blend.rank(without(state, item), ITEMS) for item in dropped.tolist()])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_state_without_an_item_keeps_the_rest_in_order() -> None:
    state = without(mixed_state(), 3)
    assert state.recent.items.tolist() == [40, 77, 120]
    assert state.types == ("like", "dislike", "skip")
    assert state.weights.tolist() == [2, -40, -2]
    assert state.liked.items.tolist() == [40]


def test_an_empty_history_tells_nothing_apart() -> None:
    assert len(np.unique(Blend(shelf=SHELF).rank(planted_state(SHELF), ITEMS))) == 1


def test_only_dislikes_are_finite_and_push_their_kind_down() -> None:
    history = planted_state(SHELF, [6]).recent
    state = planted_state(
        SHELF, recent=history, types=("dislike",), weights=np.array([-40], np.float32)
    )
    worth = Blend(shelf=SHELF).rank(state, ITEMS)
    assert np.isfinite(worth).all()
    same = np.arange(300) % 6 == 0
    assert worth[same].mean() < worth[~same].mean()


def test_an_old_like_counts_in_full_where_there_is_none_since() -> None:
    old = planted_state(SHELF, [6])
    later = planted_state(SHELF, [6], asked_us=old.asked_us + 24 * 400 * HOUR_US)
    blend = Blend(shelf=SHELF)
    np.testing.assert_allclose(blend.rank(old, ITEMS), blend.rank(later, ITEMS), atol=1e-4)
