"""Losses against loops that spell them out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ranking import sequence_loss
from ranking.sequence_loss import (
    binary_loss,
    corrected,
    log_total,
    positive_weight,
    softmax_loss,
)


def case(num_actions: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    true, drawn = torch.randn(4, num_actions), torch.randn(4, 5, num_actions)
    actions = torch.tensor([0, num_actions - 1, 0, num_actions - 1])
    same = torch.zeros(4, 5, dtype=torch.bool)
    same[1, 2] = same[3, 0] = same[3, 4] = True
    return true, actions, drawn, same


@pytest.mark.parametrize("num_actions", [1, 3])
def test_softmax_against_a_loop(num_actions: int) -> None:
    true, actions, drawn, same = case(num_actions)
    log_expected = torch.randn(5)
    losses = []
    for p in range(4):
        total = sum(math.exp(true[p, a]) for a in range(num_actions))
        for m in range(5):
            if not same[p, m]:
                expected = math.exp(log_expected[m])
                total += sum(math.exp(drawn[p, m, a]) / expected for a in range(num_actions))
        losses.append(math.log(total) - float(true[p, actions[p]]))
    found = softmax_loss(true, actions, corrected(drawn, log_expected), same)
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize("num_actions", [1, 3])
def test_binary_against_a_loop(num_actions: int) -> None:
    true, actions, drawn, same = case(num_actions)

    def log_sigmoid(value: float) -> float:
        return -math.log1p(math.exp(-value))

    losses = []
    for p in range(4):
        loss = -0.4 * log_sigmoid(float(true[p, actions[p]]))
        loss -= sum(log_sigmoid(-float(true[p, a])) for a in range(num_actions) if a != actions[p])
        for m in range(5):
            if not same[p, m]:
                loss -= sum(log_sigmoid(-float(value)) for value in drawn[p, m])
        losses.append(loss)
    found = binary_loss(true, actions, drawn, same, 0.4)
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)


def test_calibration_lies_between_nothing_and_the_share_drawn() -> None:
    assert positive_weight(256, 10_001, 0.0) == pytest.approx(1)
    assert positive_weight(256, 10_001, 1.0) == pytest.approx(0.0256)
    assert positive_weight(10_000, 10_001, 0.75) == pytest.approx(1)


def test_a_corrected_draw_stands_for_the_whole_catalogue() -> None:
    """The mean of what is drawn by popularity, corrected, is the sum over all others."""
    scores, chance = torch.randn(12), torch.softmax(torch.randn(12), dim=0)
    drawn = torch.multinomial(chance, 200_000, replacement=True)
    log_expected = (len(drawn) * chance[drawn]).log()
    found = corrected(scores[drawn][None, :, None], log_expected).exp().sum()
    assert float(found) == pytest.approx(float(scores.exp().sum()), rel=0.02)
    plain = scores[drawn].exp().mean() * 12
    assert float(plain) != pytest.approx(float(scores.exp().sum()), rel=0.05)


@pytest.mark.parametrize("num_actions", [1, 3])
@pytest.mark.parametrize("most", [1, 30, 2**20])
def test_a_total_in_parts_has_the_value_and_gradient_of_one_kept_whole(
    num_actions: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence_loss, "MOST_SCORES", most)
    torch.manual_seed(0)
    asked = torch.randn(4, num_actions, 7, requires_grad=True)
    met, log_expected = torch.randn(5, 6, requires_grad=True), torch.randn(5)
    same = torch.zeros(4, 5, dtype=torch.bool)
    same[1, 2] = same[3, 0] = same[3, 4] = True
    same[0] = True
    scores = asked[..., :-1] @ met.T + asked[..., -1:] - log_expected
    whole = scores.masked_fill(same[:, None], -torch.inf).flatten(1).logsumexp(dim=1)
    found = log_total(asked, met, log_expected, same.nonzero())
    torch.testing.assert_close(found, whole)
    weight = torch.tensor([0.0, 1.0, -2.0, 0.5])
    for one, other in zip(
        torch.autograd.grad((found[1:] * weight[1:]).sum(), [asked, met]),
        torch.autograd.grad((whole[1:] * weight[1:]).sum(), [asked, met]),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_short_numbers_give_nearly_the_same_total() -> None:
    torch.manual_seed(0)
    asked, met = torch.randn(6, 1, 17), torch.randn(40, 16)
    none = torch.zeros(0, 2, dtype=torch.int64)
    exact = log_total(asked, met, torch.zeros(40), none)
    short = log_total(asked, met.bfloat16(), torch.zeros(40), none)
    torch.testing.assert_close(short, exact, atol=0.05, rtol=0)
