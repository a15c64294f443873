"""What showing an item is worth follows gains and losses, and bears being added to."""

from __future__ import annotations

import math

import numpy as np

from ranking.worth import log_worth, worth_of_actions


def test_the_logarithm_of_worth_rises_with_gain_and_falls_with_loss() -> None:
    gain, loss = np.linspace(0.1, 5, 20), np.linspace(0, 50, 20)
    np.testing.assert_allclose(log_worth(gain, np.zeros(20)), np.log(gain))
    assert (np.diff(log_worth(np.ones(20), loss)) < 0).all()
    assert (np.diff(log_worth(gain, np.full(20, 7.0))) > 0).all()


def test_actions_add_up_on_either_side() -> None:
    scores = np.array([[0.0, 1.0], [2.0, -1.0]], np.float32)
    found = worth_of_actions(scores, np.array([1.0, -2.0], np.float32))
    gains, losses = [1, math.exp(2)], [2 * math.e, 2 / math.e]
    expected = [2 * math.log(g) - math.log(g + x) for g, x in zip(gains, losses, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_without_anything_to_gain_the_least_loss_is_best() -> None:
    scores = np.array([[0.0], [1.0], [-1.0]], np.float32)
    found = worth_of_actions(scores, np.array([-1.0], np.float32))
    assert np.isfinite(found).all()
    assert np.argsort(-found).tolist() == [2, 0, 1]
