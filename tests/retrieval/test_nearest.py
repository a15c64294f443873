"""Nearest items against brute force: exact, through a graph, with gaps, behind the graph."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval import nearest
from retrieval.columns import GrowingArray
from retrieval.nearest import ItemIndex
from retrieval.space import GraphConfig, Space, build_graph
from support.records import clustered, unit_rows

GRAPH = GraphConfig(exact_rows=100)
EXACT = GraphConfig(exact_rows=10**9)


def brute_force(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], limit: int
) -> list[list[int]]:
    """Every pair, sorted; items of zeros are none."""
    held = np.flatnonzero(vectors.any(axis=1))
    return [
        sorted(held.tolist(), key=lambda item: (-float(vectors[item] @ query), item))[:limit]
        for query in queries
    ]


def found(index: ItemIndex, queries: NDArray[np.float32], limit: int) -> list[list[int]]:
    items, scores = index.nearest(queries, limit)
    assert items.shape == scores.shape == (len(queries), limit)
    assert (np.isneginf(scores) == (items < 0)).all()
    return [[item for item in row if item >= 0] for row in items.tolist()]


def recall(answers: list[list[int]], truth: list[list[int]]) -> float:
    pairs = zip(answers, truth, strict=True)
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in pairs]))


@pytest.mark.parametrize("limit", [1, 7, 60])
def test_a_small_space_is_searched_exactly(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "BLOCK", 16)
    rng = np.random.default_rng(limit)
    vectors = clustered(50, 8, 4, rng)
    vectors[[3, 9]] = 0
    queries = unit_rows(rng.standard_normal((5, 8)))
    index = ItemIndex.build(vectors, EXACT)
    assert len(index) == 48
    assert found(index, queries, limit) == brute_force(vectors, queries, limit)


def test_scores_are_products_and_do_not_depend_on_other_queries() -> None:
    rng = np.random.default_rng(0)
    vectors, queries = clustered(300, 16, 5, rng), unit_rows(rng.standard_normal((9, 16)))
    index = ItemIndex.build(vectors, EXACT)
    items, scores = index.nearest(queries, 10)
    assert scores == pytest.approx(np.einsum("bkd,bd->bk", vectors[items], queries), abs=1e-6)
    alone = [index.nearest(query[None], 10)[1][0] for query in queries]
    assert np.array_equal(scores, np.stack(alone))


def test_equal_items_stand_by_number() -> None:
    vectors = np.tile(np.eye(4, dtype=np.float32)[:1], (30, 1))
    assert found(ItemIndex.build(vectors, EXACT), vectors[:1], 30) == [list(range(30))]


def test_a_graph_finds_nearly_all_of_the_nearest() -> None:
    rng = np.random.default_rng(1)
    vectors, queries = clustered(2_000, 16, 20, rng), clustered(40, 16, 20, rng)
    answers = found(ItemIndex.build(vectors, GRAPH), queries, 20)
    assert recall(answers, brute_force(vectors, queries, 20)) > 0.97


def test_gaps_and_items_behind_the_graph_are_searched_as_well() -> None:
    rng = np.random.default_rng(2)
    vectors, queries = clustered(1_500, 16, 20, rng), clustered(30, 16, 20, rng)
    numbers = np.cumsum(np.arange(1_500) % 7 != 0) - 1
    numbers[np.arange(1_500) % 7 == 0] = -1
    space = Space(GrowingArray(vectors), GrowingArray(np.arange(1_500, dtype=np.int32)))
    space.graph = build_graph(vectors[:1_200], GRAPH)
    space.extend(np.array([1_500], np.int32), queries[:1])
    numbers = np.append(numbers, numbers.max() + 1)
    index = ItemIndex(space, numbers)
    everything = np.concatenate([vectors, queries[:1]])[numbers >= 0]

    answers = found(index, queries, 15)

    assert answers[0][0] == numbers[-1]
    assert recall(answers, brute_force(everything, queries, 15)) > 0.97
    assert all(len(set(row)) == 15 for row in answers)


def test_a_graph_that_leads_nowhere_is_made_up_for_exactly() -> None:
    rng = np.random.default_rng(3)
    vectors = clustered(400, 8, 4, rng)
    space = Space(GrowingArray(vectors), GrowingArray(np.arange(400, dtype=np.int32)))
    space.graph = build_graph(vectors[:390], GRAPH)
    numbers = np.full(400, -1)
    numbers[[5, 200, 395]] = [0, 1, 2]
    index = ItemIndex(space, numbers)
    [answer] = found(index, vectors[:1], 9)
    assert sorted(answer) == [0, 1, 2]


def test_what_is_added_later_is_not_shown() -> None:
    vectors = clustered(20, 8, 4, np.random.default_rng(4))
    space = Space(GrowingArray(vectors), GrowingArray(np.arange(20, dtype=np.int32)))
    index = ItemIndex(space, np.arange(20))
    space.extend(np.array([20], np.int32), vectors[:1])
    assert len(index) == 20
    assert found(index, vectors[:1], 2)[0][0] == 0


def test_nothing_is_found_among_nothing() -> None:
    index = ItemIndex.build(np.zeros((3, 4), np.float32))
    assert found(index, np.ones((2, 4), np.float32), 3) == [[], []]
    some = ItemIndex.build(np.eye(4, dtype=np.float32))
    assert found(some, np.zeros((0, 4), np.float32), 3) == []
