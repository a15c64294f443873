"""Candidates near vectors: merged by best or by quota, and the neighbours of recent items."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ingest.histories import History
from retrieval.nearest import ItemIndex
from retrieval.source_similar import RecentItems, SimilarConfig, similar_items
from retrieval.source_vectors import Asked, ModelAsker, VectorSource, by_best, by_quota
from support.records import clustered, unit_rows

RNG = np.random.default_rng(0)
VECTORS = clustered(200, 16, 10, RNG)
INDEX = ItemIndex.build(VECTORS)


class Fixed:
    """Asks the same of everyone."""

    def __init__(self, vectors: NDArray[np.float32], weights: list[float], *without: int) -> None:
        self.asked = Asked(
            vectors=vectors, weights=np.array(weights, np.float32), without=np.array(without, int)
        )

    def ask(self, _: History) -> Asked:
        return self.asked


def liked(*items: int) -> History:
    times = np.arange(len(items), dtype=np.int64)
    return History(items=np.array(items, np.int64), times_us=times, asked_us=len(items))


def slow_best(vectors: NDArray[np.float32], asked: Asked, limit: int) -> list[int]:
    products = (asked.vectors @ vectors.T) * asked.weights[:, None]
    best = products.max(axis=0)
    order = sorted(range(len(vectors)), key=lambda item: (-best[item], item))
    return [item for item in order if item not in asked.without.tolist()][:limit]


@pytest.mark.parametrize("limit", [1, 10, 60])
def test_by_best_an_item_counts_as_where_it_fits_best(limit: int) -> None:
    asker = Fixed(unit_rows(RNG.standard_normal((4, 16))), [1, 0.5, 2, 1], 3, 5)
    found = VectorSource("learnt", asker, INDEX).candidates(liked(), limit)
    assert found.items.tolist() == slow_best(VECTORS, asker.asked, limit)
    assert (np.diff(found.scores) <= 0).all()


def test_by_quota_each_vector_fills_its_share() -> None:
    axes = np.eye(16, dtype=np.float32)[:2]
    vectors = unit_rows(np.repeat(axes, 20, axis=0) + 0.1 * RNG.standard_normal((40, 16)))
    near = [np.argsort(-vectors[:, axis], kind="stable").tolist() for axis in (0, 1)]
    source = VectorSource("learnt", Fixed(axes, [3, 1]), ItemIndex.build(vectors), "quota")
    found = source.candidates(liked(), 12)
    assert sorted(found.items.tolist()) == sorted(near[0][:9] + near[1][:3])
    assert (np.diff(found.scores) <= 0).all()


class Halves:
    """A model that asks with the mean of each half of a history."""

    def queries(self, history: History) -> Asked:
        halves = [half for half in np.array_split(history.items, 2) if len(half)]
        means = [unit_rows(VECTORS[half].mean(axis=0)) for half in halves]
        return Asked(
            vectors=np.array(means, np.float32).reshape(-1, 16),
            weights=np.full(len(means), 1 / max(len(means), 1), np.float32),
        )


def test_a_learnt_model_asks_with_as_many_vectors_as_it_makes() -> None:
    source = VectorSource("learnt", ModelAsker(Halves()), INDEX)
    history = liked(3, 30, 60, 90, 120, 150)
    assert source.candidates(history, 20).items.tolist() == slow_best(
        VECTORS, Halves().queries(history), 20
    )
    assert len(source.candidates(liked(), 20).items) == 0


lines = st.lists(st.lists(st.integers(0, 9), unique=True, max_size=6), min_size=1, max_size=3)


@given(lines, st.integers(1, 12))
def test_quotas_are_webster_s(found: list[list[int]], limit: int) -> None:
    weights = np.array([2.0, 1.0, 0.5])[: len(found)]
    items = np.full((len(found), 6), -1)
    for row, line in enumerate(found):
        items[row, : len(line)] = line
    places, expected = [0] * len(found), []
    while any(place < len(line) for place, line in zip(places, found, strict=True)):
        open_rows = [row for row, line in enumerate(found) if places[row] < len(line)]
        best = max(weights[row] / (places[row] + 0.5) for row in open_rows)
        tied = [r for r in open_rows if weights[r] / (places[r] + 0.5) == best]
        row = min(tied, key=lambda r: found[r][places[r]])
        item = found[row][places[row]]
        places[row] += 1
        if item not in expected:
            expected.append(item)
    merged = by_quota(items, weights.astype(np.float32), limit)
    assert merged.items.tolist() == expected[:limit]


def test_items_that_are_not_there_are_not_given() -> None:
    items, scores = np.array([[4, -1], [-1, -1]]), np.array([[0.5, -np.inf], [-np.inf, -np.inf]])
    assert by_best(items, scores.astype(np.float32), 5).items.tolist() == [4]


def test_similar_items_are_the_neighbours_of_each_recent_one() -> None:
    config = SimilarConfig(recent=3, spare=3, recency=0.5)
    history = liked(8, 17, 50, 17, 99, 17)
    found = similar_items(VECTORS, INDEX, config).candidates(history, 40)

    latest = [17, 99, 50]
    products = VECTORS[latest] @ VECTORS.T * (np.array([1, 2, 3]) ** -0.5)[:, None]
    best = products.max(axis=0)
    order = [item for item in np.argsort(-best, kind="stable").tolist() if item not in latest]
    assert found.items.tolist() == order[:40]
    assert found.scores == pytest.approx(best[order[:40]], abs=1e-6)


def test_each_of_several_items_brings_its_part_and_a_single_one_all() -> None:
    config = SimilarConfig(recent=2, spare=1.5, recency=0)
    source = similar_items(VECTORS, INDEX, config)
    near = [
        [item for item in np.argsort(-VECTORS @ VECTORS[one], kind="stable") if item not in (1, 2)]
        for one in (1, 2)
    ]
    found = source.candidates(liked(1, 2), 10).items.tolist()
    parts = {int(item) for line in near for item in line[:10]}
    assert set(found) <= parts
    assert {int(line[0]) for line in near} <= set(found)
    assert len(source.candidates(liked(1), 60).items) == 60


def test_a_history_without_vectors_finds_nothing() -> None:
    vectors = VECTORS.copy()
    vectors[4] = 0
    source = similar_items(vectors, ItemIndex.build(vectors))
    assert source.name == "similar"
    assert len(source.candidates(liked(), 5).items) == 0
    assert len(source.candidates(liked(4), 5).items) == 0
    assert len(RecentItems(vectors, SimilarConfig()).ask(liked(4, 7)).vectors) == 1


def test_an_item_that_has_just_come_is_found() -> None:
    arrived = np.concatenate([VECTORS, unit_rows(VECTORS[:1] + 0.01)])
    found = similar_items(arrived, ItemIndex.build(arrived)).candidates(liked(0), 3)
    assert found.items[0] == len(VECTORS)


@pytest.mark.parametrize("wrong", [{"recent": 0}, {"spare": 0.5}, {"recency": -1.0}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="or more"):
        SimilarConfig(**wrong)  # type: ignore[arg-type]
