"""Choosing a page, against a slow reference; quotas that hold and give way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ranking.feed_config import VarietyConfig
from ranking.feed_selector import NO_LIMIT, Quotas, quotas, select
from ranking.shelf import NO_INTEREST
from support.feed import planted_shelf

SHELF = planted_shelf(num_items=90, num_interests=6)
OWNER = np.arange(90, dtype=np.int32) % 6


def free(num_interests: int = 6) -> Quotas:
    return Quotas(most=np.full(num_interests + 1, NO_LIMIT), least=0)


def bounded(most: int, least: int) -> Quotas:
    return Quotas(most=np.append(np.full(6, most), NO_LIMIT), least=least)


def slow_choice(
    scores: NDArray[np.float64], vectors: NDArray[np.float32], size: int, strength: float
) -> list[int]:
    """Maximal marginal relevance by its definition, in plain loops."""
    rows = vectors.astype(np.float64)
    pairs = [rows[a] @ rows[b] for a in range(len(rows)) for b in range(len(rows)) if a != b]
    usual = min(max(float(np.mean(pairs)), 0), 0.99)
    chosen: list[int] = []
    while len(chosen) < min(size, len(scores)):
        best, best_value = -1, -np.inf
        for place in range(len(scores)):
            if place in chosen:
                continue
            alike = [(rows[place] @ rows[other] - usual) / (1 - usual) for other in chosen]
            value = scores[place] - strength * min(max([0.0, *alike]), 1)
            if value > best_value:
                best, best_value = place, value
        chosen.append(best)
    return chosen


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("strength", [0.0, 0.5, 3.0])
def test_without_quotas_it_is_maximal_marginal_relevance(seed: int, strength: float) -> None:
    scores = np.random.default_rng(seed).normal(size=90)
    chosen = select(scores, SHELF.vectors, OWNER, free(), 12, strength)
    assert chosen.places.tolist() == slow_choice(scores, SHELF.vectors, 12, strength)
    assert (chosen.alike >= 0).all()
    assert (chosen.alike <= 1).all()
    # What each was chosen by never rises.
    assert (np.diff(scores[chosen.places] - strength * chosen.alike) <= 1e-9).all()


def test_no_strength_gives_the_order_of_scores() -> None:
    scores = np.random.default_rng(3).normal(size=90)
    chosen = select(scores, SHELF.vectors, OWNER, free(), 90, 0.0)
    np.testing.assert_array_equal(chosen.places, np.argsort(-scores, kind="stable"))


def test_a_copy_comes_after_what_is_different() -> None:
    vectors = np.eye(3, 4, dtype=np.float32)[[0, 0, 1, 2]]
    chosen = select(np.array([3.0, 2.9, 2.5, 2.4]), vectors, OWNER[:4], free(), 4, 1.0)
    assert chosen.places.tolist() == [0, 2, 3, 1]
    np.testing.assert_allclose(chosen.alike, [0, 0, 0, 1])


@pytest.mark.parametrize(("most", "least"), [(3, 0), (2, 6), (5, 4), (10, 6)])
def test_quotas_hold(most: int, least: int) -> None:
    scores = 5.0 * (OWNER == 2) + np.random.default_rng(0).normal(size=90)
    counts = np.bincount(
        OWNER[select(scores, SHELF.vectors, OWNER, bounded(most, least), 10, 0.5).places],
        minlength=6,
    )
    assert counts.sum() == 10
    assert counts.max() <= most
    assert np.count_nonzero(counts) >= least


def test_quotas_give_way_evenly_rather_than_leave_a_page_short() -> None:
    owner = np.where(np.arange(90) < 60, 0, 1).astype(np.int32)
    chosen = select(np.arange(90.0), SHELF.vectors, owner, bounded(2, 3), 10, 0.0)
    assert np.bincount(owner[chosen.places]).tolist() == [5, 5]


def test_items_in_no_interest_fill_pages_without_bound() -> None:
    owner = np.full(90, NO_INTEREST, np.int32)
    chosen = select(np.arange(90.0), SHELF.vectors, owner, bounded(1, 3), 10, 0.0)
    assert chosen.places.tolist() == list(range(89, 79, -1))


@pytest.mark.parametrize("num", [0, 1, 4])
def test_few_candidates_give_all_of_them(num: int) -> None:
    chosen = select(np.zeros(num), SHELF.vectors[:num], OWNER[:num], bounded(1, 3), 10, 1.0)
    assert sorted(chosen.places.tolist()) == list(range(num))


def test_who_is_unknown_gets_an_even_page_and_who_is_known_the_settings() -> None:
    boost, config = np.ones(5, np.float32), VarietyConfig(most_share=0.6, least_interests=2)
    unknown, known = quotas(10, 0, boost, config), quotas(10, 10_000, boost, config)
    assert (unknown.most[:-1].tolist(), unknown.least) == ([2] * 5, 5)
    assert (known.most[:-1].tolist(), known.least) == ([6] * 5, 2)
    between = [quotas(10, likes, boost, config) for likes in (0, 1, 3, 10)]
    assert (np.diff([one.most[0] for one in between]) >= 0).all()
    assert (np.diff([one.least for one in between]) <= 0).all()


def test_what_an_unknown_person_asked_for_gets_more_of_the_page() -> None:
    bounds = quotas(10, 0, np.array([3, 1, 1, 0], np.float32), VarietyConfig())
    assert bounds.most[:-1].tolist() == [6, 2, 2, 1]
    assert bounds.least == 3


def test_two_interests_may_each_fill_a_page() -> None:
    assert quotas(10, 1_000_000, np.ones(2, np.float32), VarietyConfig()).most[0] == 10
