"""Fitted recommenders as sources: the same scores, in another numbering, with items unknown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.histories import Histories, History
from retrieval.fitted import FittedError, FittedFile
from retrieval.neighbours import ItemNeighbours, NeighbourConfig
from retrieval.regression import ItemRegression, RegressionConfig
from retrieval.scoring import ItemScorer, best_items
from retrieval.source import Accountable
from retrieval.source_fitted import FittedSource, positive
from retrieval.source_neighbours import KIND, NeighbourTable
from support.histories import walks

WORLD = walks(users=120)
FITTED = ItemNeighbours.fit(WORLD, NeighbourConfig(neighbours=6))
TABLE = NeighbourTable.of(FITTED)
SHELF = ("upload", *reversed(WORLD.item_ids[3:]), "other")
NUMBER_OF = {key: number for number, key in enumerate(SHELF)}


def on_shelf(history: History) -> History:
    """The history in the shelf's numbers; what is not on it has gone from it, too."""
    ids = [WORLD.item_ids[item] for item in history.items]
    held = np.array([key in NUMBER_OF for key in ids], bool)
    items = np.array([NUMBER_OF[key] for key in ids if key in NUMBER_OF], np.int64)
    return History(items=items, times_us=history.times_us[held], asked_us=history.asked_us)


def expected(scorer: ItemScorer, world: Histories, history: History, limit: int) -> list[str]:
    """Score everything known and leave out what has gone."""
    held = np.array([world.item_ids[item] in NUMBER_OF for item in history.items], bool)
    kept = History(
        items=history.items[held], times_us=history.times_us[held], asked_us=history.asked_us
    )
    items, scores = best_items(scorer, kept, world.num_items, with_seen=True)
    pairs = [
        (-score, NUMBER_OF[world.item_ids[item]])
        for item, score in zip(items.tolist(), scores.tolist(), strict=True)
        if score > 0 and world.item_ids[item] in NUMBER_OF
    ]
    return [SHELF[number] for _, number in sorted(pairs)][:limit]


@pytest.mark.parametrize("user", range(0, 60, 7))
def test_neighbours_are_given_in_the_shelf_s_numbers(user: int) -> None:
    history = WORLD.history(user)
    found = TABLE.source(NUMBER_OF).candidates(on_shelf(history), 9)
    assert [SHELF[item] for item in found.items] == expected(FITTED, WORLD, history, 9)
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("recency", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("user", range(0, 60, 13))
def test_scores_without_an_item_are_those_of_a_history_that_never_held_it(
    user: int, recency: float
) -> None:
    fitted = ItemNeighbours.fit(WORLD, NeighbourConfig(neighbours=6, recency=recency))
    source = NeighbourTable.of(fitted).source(NUMBER_OF)
    assert isinstance(source, Accountable)
    history = on_shelf(WORLD.history(user))
    wanted = np.random.default_rng(user).permutation(len(SHELF))[:25]
    dropped = np.unique(history.items)
    scores = source.scores_without(history, wanted, dropped)
    assert scores.shape == (len(dropped), len(wanted))
    for item, row in zip(dropped, scores, strict=True):
        kept = history.items != item
        rest = replace(history, items=history.items[kept], times_us=history.times_us[kept])
        found = source.candidates(rest, len(SHELF))
        named = dict(zip(found.items.tolist(), found.scores.tolist(), strict=True))
        assert row == pytest.approx([named.get(int(one), 0.0) for one in wanted], rel=1e-5)
    assert (scores > 0).any()


def test_nothing_is_accounted_for_where_nothing_was_liked() -> None:
    empty = np.zeros(0, np.int64)
    nothing = History(items=empty, times_us=empty, asked_us=0)
    assert TABLE.source(NUMBER_OF).scores_without(nothing, np.arange(5), empty).shape == (0, 5)


@pytest.mark.parametrize("user", range(0, 60, 7))
def test_the_table_scores_as_the_model_does(user: int) -> None:
    history = WORLD.history(user)
    items, scores = TABLE.following(history)
    dense = np.zeros(WORLD.num_items, np.float32)
    dense[items] = scores
    assert dense == pytest.approx(FITTED.score([history])[0], rel=1e-5)
    assert len(TABLE.following(on_shelf(WORLD.history(0)))[0]) > 0


def test_regression_is_a_source_as_well() -> None:
    fitted = ItemRegression.fit(WORLD, RegressionConfig(ridge=5))
    source = FittedSource("regression", positive(fitted), fitted.item_ids, NUMBER_OF)
    for user in range(5):
        found = source.candidates(on_shelf(WORLD.history(user)), 12)
        assert [SHELF[item] for item in found.items] == expected(
            fitted, WORLD, WORLD.history(user), 12
        )


def test_a_history_of_unknown_items_finds_nothing() -> None:
    source = TABLE.source(NUMBER_OF)
    for items in ([], [0, len(SHELF) - 1]):
        times = np.zeros(len(items), np.int64)
        history = History(items=np.array(items, np.int64), times_us=times, asked_us=1)
        assert len(source.candidates(history, 5).items) == 0
    empty = History(items=np.zeros(0, np.int64), times_us=np.zeros(0, np.int64), asked_us=1)
    assert len(TABLE.following(empty)[0]) == 0


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "n.safetensors"
    TABLE.save(path)
    back = NeighbourTable.load(path)
    assert (back.item_ids, back.recency) == (TABLE.item_ids, TABLE.recency)
    for user in range(5):
        mine, theirs = (one.following(WORLD.history(user)) for one in (TABLE, back))
        assert np.array_equal(mine[0], theirs[0])
        assert np.array_equal(mine[1], theirs[1])
    FittedFile(kind=KIND, config={}, item_ids=("a",), arrays={}).write(path)
    with pytest.raises(FittedError, match="holds another neighbour table"):
        NeighbourTable.load(path)
