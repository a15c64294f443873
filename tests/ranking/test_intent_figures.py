"""Figures of foretold categories against scikit-learn's, and intervals over people."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ranking.intent_figures import Answers, Curve, average_precision, gaps


def answers(seed: int = 0, strength: float = 1.0) -> Answers:
    draw = np.random.default_rng(0)
    true = draw.random((60, 5)) < 0.3
    noise = np.random.default_rng(seed).normal(size=true.shape)
    scores = np.round(strength * true + noise, 1).astype(np.float32)  # with ties
    return Answers(users=draw.integers(12, size=60), true=true, chances=scores)


def test_figures_are_those_of_scikit_learn() -> None:
    one = answers()
    found = one.figures()
    assert found["micro_auc"] == pytest.approx(roc_auc_score(one.true.ravel(), one.chances.ravel()))
    expected = average_precision_score(one.true.ravel(), one.chances.ravel())
    assert found["micro_ap"] == pytest.approx(expected)
    assert average_precision(one.true, one.chances) == pytest.approx(expected)
    assert found["macro_auc"] == pytest.approx(roc_auc_score(one.true, one.chances))
    assert found["macro_ap"] == pytest.approx(average_precision_score(one.true, one.chances))
    own: dict[int, list[float]] = {}
    for user, true, scores in zip(one.users.tolist(), one.true, one.chances, strict=True):
        if true.any() and not true.all():
            own.setdefault(user, []).append(average_precision_score(true, scores))
    expected = np.mean([np.mean(each) for each in own.values()])
    assert found["user_ap"] == pytest.approx(expected)


def test_people_who_count_twice_count_as_if_they_were_two() -> None:
    one = answers()
    weights = np.ones(len(one.people))
    weights[3] = 2
    again = one.users == one.people[3]
    twice = Answers(
        users=np.concatenate([one.users, np.full(again.sum(), 99)]),
        true=np.concatenate([one.true, one.true[again]]),
        chances=np.concatenate([one.chances, one.chances[again]]),
    )
    found, expected = one.figures(weights), twice.figures()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name


def test_intervals_hold_the_difference_and_tell_better_from_worse() -> None:
    one, other = answers(1, 3.0), answers(2, 0.5)
    difference = one.figures()["micro_auc"] - other.figures()["micro_auc"]
    low, high = gaps(one, other, draws=100)["micro_auc"]
    assert 0 < low < difference < high
    assert all(low == high == 0 for low, high in gaps(one, one, draws=5).values())
    moved = Answers(users=one.users + 1, true=one.true, chances=one.chances)
    with pytest.raises(ValueError, match="the same questions"):
        gaps(one, moved)


def test_where_nothing_is_wanted_nothing_can_be_told() -> None:
    none, scores = np.zeros((3, 2), bool), np.ones((3, 2), np.float32)
    assert average_precision(none, scores) == 0
    area, _ = Curve.of(scores[0], none[0], np.zeros(2, np.int64)).read(np.ones(1))
    assert np.isnan(area)
