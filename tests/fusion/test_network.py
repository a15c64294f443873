"""The network's laws: where it starts, what its gates do, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from fusion.mean import MaskedMean
from fusion.network import FusionNetwork, GatedLayer, laid_out
from fusion.weights import NetworkConfig
from support.fusion import every_subset, first_layer, run, shaken

WIDTH = 8
CONFIG = NetworkConfig(width=WIDTH, num_layers=2, num_heads=2)


def test_before_learning_it_is_the_masked_mean_whatever_the_parts() -> None:
    tokens, present = every_subset(3, WIDTH)
    joint, shares = run(FusionNetwork(CONFIG).eval(), tokens, present)
    expected, weights = MaskedMean().fuse(tokens, present)
    np.testing.assert_allclose(joint, expected, atol=1e-6)
    np.testing.assert_allclose(shares, weights, atol=1e-6)


@pytest.mark.parametrize("gated", [True, False])
def test_every_subset_gives_a_unit_vector_and_shares_that_add_to_one(gated: bool) -> None:
    tokens, present = every_subset(3, WIDTH)
    config = NetworkConfig(width=WIDTH, num_heads=2, gated=gated)
    joint, shares = run(shaken(config), tokens, present)
    np.testing.assert_allclose(np.linalg.norm(joint, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)
    assert (shares[~present[:, :, 0]] == 0).all()
    assert (shares[present[:, :, 0]] > 0).all()


def test_what_stands_in_absent_places_does_not_matter() -> None:
    tokens, present = every_subset(3, WIDTH)
    network = shaken(CONFIG)
    joint, _ = run(network, tokens, present)
    spoilt = np.where(present[..., None], tokens, np.nan).astype(np.float32)
    np.testing.assert_array_equal(run(network, spoilt, present)[0], joint)


def test_an_item_does_not_depend_on_its_batch_mates_nor_on_their_length() -> None:
    tokens, present = every_subset(4, WIDTH)
    network = shaken(CONFIG)
    together, shares = run(network, tokens, present)
    for row in range(len(tokens)):
        longest = int(present[row].any(axis=0).nonzero()[0].max()) + 1
        one = (slice(row, row + 1), slice(None), slice(longest))
        joint, share = run(network, tokens[one], present[one])
        np.testing.assert_allclose(joint[0], together[row], atol=1e-6)
        np.testing.assert_allclose(share[0], shares[row], atol=1e-6)


def test_closed_gates_let_nothing_in() -> None:
    tokens, present = (torch.from_numpy(array) for array in every_subset(3, WIDTH))
    layer = first_layer(shaken(CONFIG))
    with torch.no_grad():
        layer.gate.weight.zero_()
        layer.gate.bias.fill_(-30.0)
        found = layer(tokens[present], present)
    torch.testing.assert_close(found, tokens[present], atol=1e-6, rtol=0)


def test_open_gates_are_plain_residual_attention() -> None:
    tokens, present = (torch.from_numpy(array) for array in every_subset(3, WIDTH))
    layer = first_layer(shaken(CONFIG))
    with torch.no_grad():
        layer.gate.weight.zero_()
        layer.gate.bias.fill_(30.0)
        found = laid_out(layer(tokens[present], present), present)
        for item in range(len(tokens)):
            for modality in range(4):
                for slot in range(3):
                    if present[item, modality, slot]:
                        expected = tokens[item, modality, slot] + _attended(
                            layer, tokens[item], present[item], modality, slot
                        )
                        torch.testing.assert_close(
                            found[item, modality, slot], expected, atol=1e-5, rtol=0
                        )


def _attended(
    layer: GatedLayer, tokens: torch.Tensor, present: torch.Tensor, modality: int, slot: int
) -> torch.Tensor:
    """What one token finds, head by head and key by key."""
    others = [(m, t) for m in range(4) for t in range(3) if m != modality and bool(present[m, t])]
    if not others:
        return torch.zeros(WIDTH)
    asked = layer.ask(tokens[modality, slot] + layer.kind[modality]).chunk(2)
    keys = [layer.key(tokens[m, t] + layer.kind[m]).chunk(2) for m, t in others]
    values = [layer.value(tokens[m, t]).chunk(2) for m, t in others]
    heads = []
    for head in range(2):
        scores = torch.stack([asked[head] @ key[head] for key in keys]) / (WIDTH / 2) ** 0.5
        weights = functional.softmax(scores, dim=0)
        found = [w * value[head] for w, value in zip(weights, values, strict=True)]
        heads.append(torch.stack(found).sum(dim=0))
    joined: torch.Tensor = layer.out(torch.cat(heads))
    return joined


def test_gradients_through_the_gate_agree_with_finite_differences() -> None:
    tokens, present = every_subset(2, 4)
    network = shaken(NetworkConfig(width=4, num_heads=2)).double()
    rows, there = torch.from_numpy(tokens).double(), torch.from_numpy(present)
    wanted = torch.randn(15, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def loss() -> torch.Tensor:
        joint: torch.Tensor = network(rows, there)[0]
        return (joint * wanted).sum()

    gate = first_layer(network).gate.weight
    loss().backward()  # type: ignore[no-untyped-call]
    assert gate.grad is not None
    for place in [(0, 0), (1, 5), (3, 7)]:
        ends = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                gate[place] += step
                ends.append(float(loss()))
                gate[place] -= step
        slope = (ends[0] - ends[1]) / 2e-6
        assert abs(slope) > 1e-4
        assert float(gate.grad[place]) == pytest.approx(slope, rel=1e-4)


def test_a_longer_view_has_a_larger_share() -> None:
    tokens, present = every_subset(1, WIDTH)
    network = FusionNetwork(CONFIG).eval()
    with torch.no_grad():
        network.map[0] += torch.eye(WIDTH)
    _, shares = run(network, tokens, present)
    np.testing.assert_allclose(shares[-1], [0.4, 0.2, 0.2, 0.2], atol=1e-6)
