"""Impressions: histories, draws, construction, and what a file tells."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from ingest.impression_files import ImpressionRow
from ranking.impressions import (
    Construction,
    Impressions,
    constructed,
    draw_choices,
    gathered,
)
from support.clicks import topical_histories

SHOWN = Impressions(
    users=np.array([1, 0, 2]),
    items=np.array([10, 11, 12, 20, 21, 22, 23, 24, 25, 30, 31]),
    clicked=np.array([0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 1], bool),
    offsets=np.array([0, 3, 9, 11]),
    events=np.array([1, 2, 3, 4, 5]),
    known=np.array([[0, 3], [3, 3], [1, 5]]),
)


def test_histories_are_the_latest_clicks_in_order() -> None:
    items, present = SHOWN.histories(np.array([0, 1, 2]), 2)
    assert items[0].tolist() == [2, 3]
    assert items[2].tolist() == [4, 5]
    assert present.tolist() == [[True, True], [False, False], [True, True]]
    items, present = SHOWN.histories(np.array([0, 2]), 50)
    assert items[0, :3].tolist() == [1, 2, 3]
    assert present.sum(axis=1).tolist() == [3, 4]
    assert SHOWN.histories(np.array([1]), 50)[1].shape == (1, 0)


def test_some_impressions_keep_their_items() -> None:
    assert SHOWN.judging.tolist() == [True, True, False]
    kept = SHOWN.only(np.array([False, True, True]))
    assert kept.items.tolist() == [20, 21, 22, 23, 24, 25, 30, 31]
    assert kept.offsets.tolist() == [0, 6, 8]
    assert kept.known.tolist() == [[3, 3], [1, 5]]
    assert SHOWN.strangers().users.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="do not match"):
        Impressions(**{name: getattr(SHOWN, name) for name in ("items", "clicked", "offsets",
                    "events", "known")}, users=np.array([1]))  # fmt: skip


def test_each_click_is_held_against_others_of_its_impression_drawn_anew() -> None:
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(50):
        rows, items = draw_choices(SHOWN, 3, random)
        assert rows.tolist() == [0, 1, 1]
        assert items[:, 0].tolist() == [11, 20, 23]
        for row, drawn in zip(rows[1:].tolist(), items[1:, 1:], strict=True):
            assert row == 1
            assert len(set(drawn.tolist())) == 3
            assert set(drawn.tolist()) <= {21, 22, 24, 25}
            seen.add(tuple(sorted(drawn.tolist())))
        assert set(items[0, 1:].tolist()) == {10, 12}  # Two are there, three were asked for.
    assert len(seen) == 4


def test_constructed_impressions_hold_one_choice_among_items_never_chosen() -> None:
    histories = topical_histories()
    asked = np.flatnonzero(histories.places_from_end == 1)
    counts = np.bincount(histories.items, minlength=histories.num_items)
    made = constructed(histories, asked, counts, Construction(shown=8, window=20))
    assert made.items[made.clicked].tolist() == histories.items[asked].tolist()
    assert len(set(np.flatnonzero(made.clicked) % 8)) > 4  # The place tells nothing.
    for row, event in enumerate(asked.tolist()):
        shown = made.items[row * 8 : row * 8 + 8]
        user = histories.user_of_event[event]
        own = histories.history(user).items
        assert len(set(shown.tolist())) == 8
        assert np.isin(shown, own).sum() == 1
        known, present = made.histories(np.array([row]), 50)
        assert known[present].tolist() == own[:-2].tolist()
        assert made.users[row] == user + 1


def test_popularity_says_nothing_in_constructed_impressions() -> None:
    histories = topical_histories()
    counts = np.arange(histories.num_items)
    asked = np.arange(len(histories.items))
    made = constructed(histories, asked, counts, Construction(shown=6, window=12))
    chosen = counts[made.items[made.clicked]]
    others = counts[made.items[~made.clicked]].reshape(len(asked), 5)
    assert np.abs(others - chosen[:, None]).max() < 12
    assert 0.4 < (others < chosen[:, None]).mean() < 0.6


def test_a_file_is_numbered_by_what_is_known() -> None:
    at = datetime(2019, 11, 12, tzinfo=UTC)
    rows = [
        ImpressionRow(user_id="a", shown_at=at, history=("x", "lost", "y"),
                      shown=("y", "lost", "x"), clicked=(True, True, False)),
        ImpressionRow(user_id="new", shown_at=at, history=(), shown=("lost",), clicked=(True,)),
    ]  # fmt: skip
    found = gathered(rows, {"x": 0, "y": 1}, {"a": 1})
    assert found.users.tolist() == [1, 0]
    assert found.items.tolist() == [1, 0]
    assert found.clicked.tolist() == [True, False]
    assert found.histories(np.array([0]), 50)[0].tolist() == [[0, 1]]
    assert found.judging.tolist() == [True, False]
