"""Metrics against naive versions and cases that can be done in the head."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.metrics import (
    auroc,
    coverage,
    diversity,
    found_at_k,
    hit_at_k,
    ndcg_at_k,
    novelty,
    ranks_of,
    recall_at_k,
    reciprocal_rank,
)
from retrieval.scoring import top_k

scores = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12)


def made(seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    """Scores (9, 30) and one to four hidden items per row."""
    draw = np.random.default_rng(seed)
    table = np.stack([draw.permutation(30) for _ in range(9)]).astype(np.float32)
    targets = np.full((9, 4), -1)
    for row in targets:
        number = draw.integers(1, 5)
        row[:number] = draw.permutation(30)[:number]
    return (np.floor(table / 7) if ties else table), targets


@pytest.mark.parametrize(
    ("ranked", "relevant", "k", "expected"),
    [
        ("abc", "a", 1, 1.0),
        ("abc", "b", 1, 0.0),
        ("abc", "bc", 2, 0.5),
        ("abc", "abcdef", 2, 1.0),
        ("", "a", 3, 0.0),
    ],
)
def test_recall_by_hand(ranked: str, relevant: str, k: int, expected: float) -> None:
    assert recall_at_k(list(ranked), set(relevant), k) == expected


@pytest.mark.parametrize(("relevant", "k"), [(set(), 1), ({"a"}, 0)])
def test_recall_of_nothing_is_refused(relevant: set[str], k: int) -> None:
    with pytest.raises(ValueError, match="recall needs"):
        recall_at_k(["a"], relevant, k)


@given(scores, scores)
def test_auroc_counts_pairs(matched: list[float], unmatched: list[float]) -> None:
    won = sum((a > b) + (a == b) / 2 for a in matched for b in unmatched)
    assert auroc(matched, unmatched) == pytest.approx(won / (len(matched) * len(unmatched)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_ranks_are_means_over_every_order_of_equal_items(seed: int, ties: bool) -> None:
    table, targets = made(seed, ties)
    found = ranks_of(table, targets)
    for line, hidden, ranks in zip(table, targets, found, strict=True):
        for item, rank in zip(hidden, ranks, strict=True):
            if item == -1:
                assert math.isnan(rank)
                continue
            best = 1 + sum(other > line[item] for other in line)
            worst = sum(other >= line[item] for other in line)
            assert rank == (best + worst) / 2


def test_a_scorer_that_knows_nothing_gains_nothing() -> None:
    ranks = ranks_of(np.zeros((1, 99), np.float32), np.array([[0]]))
    assert ranks[0, 0] == 50


def test_a_hidden_item_that_may_not_be_given_is_never_found() -> None:
    table = np.array([[1, -np.inf, -np.inf]], np.float32)
    ranks = ranks_of(table, np.array([[1, -1]]))
    assert math.isinf(ranks[0, 0])
    assert hit_at_k(ranks, 3)[0] == found_at_k(ranks, 3)[0] == ndcg_at_k(ranks, 3)[0] == 0
    assert reciprocal_rank(ranks)[0] == 0


def test_scores_must_be_numbers() -> None:
    with pytest.raises(ValueError, match="must be a number"):
        ranks_of(np.array([[np.nan, 1]], np.float32), np.array([[0]]))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3, 10])
def test_accuracy_agrees_with_reading_the_lists(seed: int, k: int) -> None:
    table, targets = made(seed, ties=False)
    ranks = ranks_of(table, targets)
    for row, line in enumerate(table):
        ranked = sorted(range(30), key=lambda item: -line[item])
        hidden = {item for item in targets[row] if item != -1}
        hits = [item in hidden for item in ranked[:k]]
        gain = sum(hit / math.log2(place + 2) for place, hit in enumerate(hits))
        ideal = sum(1 / math.log2(place + 2) for place in range(min(k, len(hidden))))
        first = next(place for place, item in enumerate(ranked, 1) if item in hidden)
        assert hit_at_k(ranks, k)[row] == any(hits)
        assert found_at_k(ranks, k)[row] == pytest.approx(sum(hits) / len(hidden))
        assert ndcg_at_k(ranks, k)[row] == pytest.approx(gain / ideal)
        assert reciprocal_rank(ranks)[row] == pytest.approx(1 / first)


def test_the_best_order_has_an_ndcg_of_one() -> None:
    assert ndcg_at_k(np.array([[2.0, 1.0, 3.0]]), 2)[0] == pytest.approx(1)
    assert ndcg_at_k(np.array([[2.0, 1.0, np.nan]]), 10)[0] == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 4, 30, 40])
def test_the_best_come_first_and_equal_ones_by_number(seed: int, k: int) -> None:
    table, _ = made(seed, ties=True)
    table[:, ::5] = -np.inf
    for line, found in zip(table, top_k(table, k), strict=True):
        ranked = sorted(range(30), key=lambda item: (-line[item], item))
        expected = [item for item in ranked if line[item] > -np.inf][:k]
        assert found.tolist() == expected + [-1] * (k - len(expected))


def test_coverage_and_novelty_by_hand() -> None:
    lists = np.array([[0, 1], [1, -1]])
    assert coverage(lists, 4) == 0.5
    # One of 8 users has item 0 (3 bits); nobody has item 1, which counts as one.
    assert novelty(lists, np.array([4, 0, 9, 9]), 8) == pytest.approx((1 + 3 + 3) / 3)


def test_diversity_is_the_mean_over_pairs() -> None:
    vectors = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lists = np.array([[0, 1, 2], [3, 4, -1], [5, -1, -1]])
    by_list = [
        np.mean([1 - vectors[a] @ vectors[b] for a, b in combinations(members, 2)])
        for members in ([0, 1, 2], [3, 4])
    ]
    assert diversity(lists, vectors) == pytest.approx(np.mean(by_list), abs=1e-6)
    assert diversity(np.array([[0, 0]]), vectors) == pytest.approx(0, abs=1e-6)
