"""Figures of impressions against their definitions, written out anew, and against all orders."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ranking.impression_metrics import FIGURES, bootstrap, impression_figures

SCORES = np.array([0.9, 0.1, 0.5, 0.3, 2.0, -1.0, 0.0])
CLICKED = np.array([False, True, True, False, False, False, True])
OFFSETS = np.array([0, 4, 7])


def by_definition(labels: list[bool]) -> list[float]:
    """AUC, MRR, nDCG@5 and nDCG@10 of one impression that is in the order ranked."""
    hits = [place for place, label in enumerate(labels) if label]
    misses = [place for place, label in enumerate(labels) if not label]
    pairs = [hit < miss for hit in hits for miss in misses]
    found = [sum(pairs) / len(pairs), sum(1 / (place + 1) for place in hits) / len(hits)]
    for k in (5, 10):
        gain = sum((2**label - 1) / math.log2(n + 2) for n, label in enumerate(labels[:k]))
        ideal = sorted(labels, reverse=True)[:k]
        found.append(gain / sum((2**label - 1) / math.log2(n + 2) for n, label in enumerate(ideal)))
    return found


def figures(
    scores: NDArray[np.float64], clicked: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> NDArray[np.float64]:
    found = impression_figures(scores, clicked, offsets)
    return np.column_stack([found[name] for name in FIGURES])


def test_figures_of_two_impressions() -> None:
    found = impression_figures(SCORES, CLICKED, OFFSETS)
    np.testing.assert_allclose(found["auc"], [0.25, 0.5])
    np.testing.assert_allclose(found["mrr"], [(1 / 2 + 1 / 4) / 2, 1 / 2])
    ideal = 1 + 1 / math.log2(3)
    first = (1 / math.log2(3) + 1 / math.log2(5)) / ideal
    np.testing.assert_allclose(found["ndcg@5"], [first, 1 / math.log2(3)])
    np.testing.assert_allclose(found["ndcg@10"], found["ndcg@5"])


def test_they_are_what_their_definitions_say() -> None:
    random = np.random.default_rng(0)
    sizes = random.integers(2, 30, size=200)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    scores, clicked = random.normal(size=offsets[-1]), random.random(offsets[-1]) < 0.3
    clicked[offsets[:-1]], clicked[offsets[1:] - 1] = True, False
    found = figures(scores, clicked, offsets)
    for row, (start, stop) in enumerate(itertools.pairwise(offsets.tolist())):
        ranked = clicked[start:stop][np.argsort(-scores[start:stop])].tolist()
        np.testing.assert_allclose(found[row], by_definition(ranked))


def test_equal_scores_are_worth_the_mean_over_their_orders() -> None:
    scores = np.array([1.0, 0.0, 0.0, 0.0, -1.0, 0.0])
    clicked = np.array([False, True, True, False, True, False])
    ranked = [np.flatnonzero(scores == value) for value in (1, 0, -1)]
    orders = [
        by_definition(clicked[[*ranked[0], *middle, *ranked[2]]].tolist())
        for middle in itertools.permutations(ranked[1].tolist())
    ]
    found = figures(scores, clicked, np.array([0, 6]))
    np.testing.assert_allclose(found[0], np.mean(orders, axis=0))


def test_constant_scores_have_half_the_area_whatever_the_order() -> None:
    assert impression_figures(np.zeros(7), CLICKED, OFFSETS)["auc"].tolist() == [0.5, 0.5]


def test_the_order_in_which_items_are_shown_does_not_matter() -> None:
    random = np.random.default_rng(1)
    scores, clicked = random.integers(0, 6, size=20).astype(float), np.arange(20) % 5 == 0
    offsets = np.array([0, 12, 20])
    expected = figures(scores, clicked, offsets)
    order = np.concatenate([random.permutation(12), 12 + random.permutation(8)])
    np.testing.assert_allclose(figures(scores[order], clicked[order], offsets), expected)


def test_chance_reaches_what_chance_should() -> None:
    random = np.random.default_rng(2)
    clicked = np.tile(np.arange(20) == 0, 4_000)
    found = figures(random.random(len(clicked)), clicked, np.arange(4_001) * 20).mean(axis=0)
    mrr = float(np.mean(1 / np.arange(1, 21)))
    np.testing.assert_allclose(found[:2], [0.5, mrr], atol=0.01)


@pytest.mark.parametrize("clicked", [np.zeros(7, bool), np.ones(7, bool)])
def test_an_impression_that_says_nothing_is_refused(clicked: NDArray[np.bool_]) -> None:
    with pytest.raises(ValueError, match="a click"):
        impression_figures(SCORES, clicked, OFFSETS)
    with pytest.raises(ValueError, match="finite"):
        impression_figures(np.full(7, np.nan), CLICKED, OFFSETS)


def test_an_interval_holds_the_mean_and_is_narrow_where_there_is_much() -> None:
    random = np.random.default_rng(3)
    low, high = bootstrap(random.normal(0.1, 1, size=10_000))
    assert 0.05 < low < 0.1 < high < 0.15
    assert bootstrap(np.full(10, 0.25)) == (0.25, 0.25)
