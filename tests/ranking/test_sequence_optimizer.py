"""The average of the weights against a loop, and that it is only lent."""

from __future__ import annotations

import torch
from torch import nn

from ranking.sequence_optimizer import AVERAGE, AveragingAdamW


def stepped(
    averaged_steps: int, steps: int
) -> tuple[nn.Linear, AveragingAdamW, list[torch.Tensor]]:
    torch.manual_seed(0)
    network = nn.Linear(3, 2)
    optimizer = AveragingAdamW(network.parameters(), averaged_steps, lr=0.1)
    seen = []
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.randn(4, 3)).square().sum().backward()
        optimizer.step()
        seen.append(network.weight.detach().clone())
    return network, optimizer, seen


def test_the_average_reaches_back_further_as_steps_go_by_up_to_a_bound() -> None:
    network, optimizer, seen = stepped(4, 30)
    expected = seen[0]
    for number, weight in enumerate(seen, start=1):
        expected = expected + (weight - expected) / (1 + min(number / 3, 4))
    torch.testing.assert_close(optimizer.state[network.weight][AVERAGE], expected)


def test_averages_are_lent_and_given_back() -> None:
    network, optimizer, seen = stepped(4, 9)
    with optimizer.averaged(network) as weights:
        lent = weights["weight"].clone()
    torch.testing.assert_close(lent, optimizer.state[network.weight][AVERAGE])
    assert not torch.equal(lent, seen[-1])
    assert torch.equal(network.weight, seen[-1])


def test_without_averaging_it_is_plain() -> None:
    network, optimizer, seen = stepped(0, 5)
    assert AVERAGE not in optimizer.state[network.weight]
    with optimizer.averaged(network) as weights:
        assert torch.equal(weights["weight"], seen[-1])
