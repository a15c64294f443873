"""Scores of actions add up to a worth, whatever the signs and however far they are apart."""

from __future__ import annotations

import math

import numpy as np
import torch

from ranking.action_worth import worth_of_actions
from ranking.worth import log_worth


def test_actions_add_up_on_either_side() -> None:
    scores = torch.tensor([[0.0, 1.0, 0.5], [2.0, -1.0, 3.0]])
    found = worth_of_actions(scores, torch.tensor([1.0, -2.0, 0.0]))
    gains, losses = [1, math.exp(2)], [2 * math.e, 2 / math.e]
    expected = [2 * math.log(g) - math.log(g + x) for g, x in zip(gains, losses, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(found, log_worth(np.array(gains), np.array(losses)), rtol=1e-6)


def test_without_anything_to_gain_the_least_loss_is_best() -> None:
    scores = torch.tensor([[0.0], [1.0], [-1.0]])
    found = worth_of_actions(scores, torch.tensor([-1.0]))
    assert torch.isfinite(found).all()
    assert torch.argsort(-found).tolist() == [2, 0, 1]


def test_scores_far_apart_are_told_apart() -> None:
    scores = torch.tensor([[-200.0, -300.0], [-201.0, -300.0], [150.0, 100.0]])
    found = worth_of_actions(scores, torch.tensor([1.0, -1.0]))
    np.testing.assert_allclose(found, [-200, -201, 150], rtol=1e-5)
