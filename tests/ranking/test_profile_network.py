"""Attention over two profiles and the scorer: what must hold whatever was learnt."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ranking.profile_network import ProfileNetwork, ProfileShape


@pytest.fixture
def network() -> ProfileNetwork:
    torch.manual_seed(0)
    return ProfileNetwork(ProfileShape(width=6, hidden=8)).eval()


def test_equal_profiles_weigh_one_half_each(network: ProfileNetwork) -> None:
    one = torch.randn(5, 1, 6)
    both = one.repeat(1, 2, 1)
    assert torch.allclose(network.weights(both), torch.full((5, 2), 0.5))
    assert torch.allclose(network.person(both), one[:, 0])


def test_swapping_profiles_swaps_their_weights_and_leaves_the_person(
    network: ProfileNetwork,
) -> None:
    both = torch.randn(5, 2, 6)
    weights = network.weights(both)
    assert torch.allclose(weights.sum(dim=1), torch.ones(5))
    assert (weights[:, 0] - weights[:, 1]).abs().max() > 1e-3
    assert torch.allclose(network.weights(both.flip(1)), weights.flip(1))
    assert torch.allclose(network.person(both.flip(1)), network.person(both), atol=1e-6)


def test_both_profiles_teach_the_shared_layer_and_texts_learn_nothing(
    network: ProfileNetwork,
) -> None:
    both = torch.randn(1, 2, 6)

    def slope(*learning: int) -> Tensor:
        """Of the short profile's weight, where only these profiles pass a gradient back."""
        heard = [network.weigh(torch.relu(network.read(both[:, place]))) for place in (0, 1)]
        given = [one if place in learning else one.detach() for place, one in enumerate(heard)]
        weight = torch.softmax(torch.cat(given, dim=1), dim=1)[0, 0]
        [found] = torch.autograd.grad(weight, [network.read.weight])
        return found

    [whole] = torch.autograd.grad(network.weights(both)[0, 0], [network.read.weight])
    assert slope(0).abs().sum() > 0
    assert slope(1).abs().sum() > 0
    assert torch.allclose(slope(0) + slope(1), whole, atol=1e-6)
    logits = network.logits(both, torch.randn(4, 6), torch.tensor([[0, 1, 2]]))
    torch.autograd.backward(logits.square().sum())
    assert both.grad is None
    assert all(one.grad is not None for one in network.parameters())


def test_scoring_all_is_the_difference_of_the_logits_of_every_pair(network: ProfileNetwork) -> None:
    profiles, items = torch.randn(3, 2, 6), torch.randn(7, 6)
    logits = network.logits(profiles, items, torch.arange(7).repeat(3, 1))
    assert torch.allclose(
        network.score_all(profiles, items), logits[..., 1] - logits[..., 0], atol=1e-5
    )


def test_the_scorer_is_one_layer_on_person_and_item_side_by_side(network: ProfileNetwork) -> None:
    profiles, items = torch.randn(1, 2, 6), torch.randn(2, 6)
    side_by_side = torch.cat([network.person(profiles).repeat(2, 1), items], dim=1)
    joint = torch.cat([network.of_person.weight, network.of_item.weight], dim=1)
    hidden = torch.relu(side_by_side @ joint.T + network.of_person.bias)
    expected = network.judge(hidden)
    assert torch.allclose(
        network.logits(profiles, items, torch.tensor([[0, 1]]))[0], expected, atol=1e-6
    )
