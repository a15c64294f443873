"""Pooling against a slow reference, and the best few against sorting everything."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.source import NOTHING, RANK_OFFSET, Found, best_of, pooled

NAMES = ("similar", "fresh", "popular")
lists = st.lists(st.lists(st.integers(0, 12), unique=True, max_size=8), min_size=1, max_size=3)


def found_of(items: list[int]) -> Found:
    return Found(items=np.array(items, np.int64), scores=-np.arange(len(items), dtype=np.float32))


def slow_pool(found: dict[str, list[int]], weights: dict[str, float]) -> list[tuple[int, float]]:
    """Reciprocal ranks added up in a dictionary."""
    totals: dict[int, float] = {}
    for name, items in found.items():
        for place, item in enumerate(items):
            gain = weights.get(name, 1.0) / (place + 1 + RANK_OFFSET)
            totals[item] = totals.get(item, 0.0) + gain
    return sorted(totals.items(), key=lambda pair: (-round(pair[1], 12), pair[0]))


@given(lists, st.dictionaries(st.sampled_from(NAMES), st.sampled_from([0.5, 1.0, 3.0])))
def test_a_pool_is_the_sum_of_reciprocal_places(
    given: list[list[int]], weights: dict[str, float]
) -> None:
    named = dict(zip(NAMES, given, strict=False))
    pool = pooled({name: found_of(items) for name, items in named.items()}, weights)
    expected = slow_pool(named, weights)

    assert np.allclose(pool.scores, [score for _, score in expected])
    assert sorted(pool.items.tolist()) == sorted(item for item, _ in expected)
    assert (np.diff(pool.scores) <= 0).all()
    assert pool.names == tuple(named)
    for row, item in enumerate(pool.items.tolist()):
        for column, items in enumerate(named.values()):
            place = items.index(item) if item in items else -1
            assert pool.places[row, column] == place


def test_equal_candidates_stand_by_number() -> None:
    pool = pooled({"similar": found_of([5, 2]), "fresh": found_of([2, 5])})
    assert pool.items.tolist() == [2, 5]


def test_a_source_that_found_nothing_keeps_its_column() -> None:
    pool = pooled({"similar": NOTHING, "fresh": found_of([4])})
    assert pool.places.tolist() == [[-1, 0]]
    assert len(pooled({"similar": NOTHING}).items) == 0
    assert pooled({}).places.shape == (0, 0)


def test_what_is_kept_of_a_pool_keeps_its_places() -> None:
    pool = pooled({"similar": found_of([7, 8, 9]), "fresh": found_of([9])})
    kept = pool.only(pool.items != 8)
    assert kept.items.tolist() == [9, 7]
    assert kept.places.tolist() == [[2, 0], [0, -1]]


@given(st.lists(st.integers(0, 4), max_size=30), st.integers(1, 35))
def test_the_best_few_are_those_of_a_full_sort(scores: list[int], limit: int) -> None:
    items = np.random.default_rng(len(scores)).permutation(100)[: len(scores)]
    best = best_of(items.astype(np.int64), np.array(scores, np.float32), limit)
    pairs = zip(items.tolist(), scores, strict=True)
    expected = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:limit]
    assert list(zip(best.items.tolist(), best.scores.tolist(), strict=True)) == expected
