"""The network of category intent: permuted categories, parts switched off, its smallest form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ranking.intent_config import IntentConfig
from ranking.intent_network import IntentNetwork

CATEGORIES, ACTIONS, LENGTH = 5, 2, 8
PARTS = ("pyramid", "recurrence", "gate", "graph")


def network_of(seed: int = 0, **changes: object) -> IntentNetwork:
    settings: dict[str, object] = {
        "num_categories": CATEGORIES, "num_actions": ACTIONS, "length": LENGTH,
        "scales": (1, 2, 4), "width": 6, "dropped_ratio": 0.0,
    }  # fmt: skip
    torch.manual_seed(seed)
    config = IntentConfig(**(settings | changes))  # type: ignore[arg-type]
    count = config.num_categories
    network = IntentNetwork(config, 0.2 + 3 * torch.rand(count, count), torch.randn(count))
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return network.eval()


def cube_of(*shape: int, seed: int = 1) -> Tensor:
    """Sparse counts: in some categories nothing was done."""
    random = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, 4, shape, generator=random) * (
        torch.rand(*shape[:1], 1, shape[2], 1, generator=random) < 0.7
    )
    return torch.log1p(counts.float())


@pytest.mark.parametrize("off", ["", *PARTS])
def test_permuted_categories_permute_the_answers(off: str) -> None:
    network = network_of(**({off: False} if off else {}))
    cube, order = cube_of(3, LENGTH, CATEGORIES, ACTIONS), torch.tensor([3, 0, 4, 2, 1])
    other = network_of(**({off: False} if off else {}))
    with torch.no_grad():
        other.bias.copy_(network.bias[order])
        other.log_lift.copy_(network.log_lift[order][:, order])
        found, moved = network(cube), other(cube[:, :, order])
    assert found.shape == (3, CATEGORIES)
    torch.testing.assert_close(moved, found[:, order])


@pytest.mark.parametrize("off", PARTS)
def test_every_part_matters_and_may_be_left_out(off: str) -> None:
    whole, without = network_of(), network_of(**{off: False})
    kept = {
        name: value
        for name, value in whole.state_dict().items()
        if name in without.state_dict() and value.shape == without.state_dict()[name].shape
    }
    without.load_state_dict(kept, strict=False)
    cube = cube_of(3, LENGTH, CATEGORIES, ACTIONS)
    with torch.no_grad():
        assert not torch.allclose(whole(cube), without(cube), atol=1e-4)


def test_one_bin_one_scale_is_a_plain_network_per_category() -> None:
    network = network_of(
        num_categories=1, length=1, scales=(1,), recurrence=False, num_actions=ACTIONS
    )
    cube = cube_of(6, 1, 1, ACTIONS) + 0.1
    first, second = network.enter, network.encoders[0]
    assert isinstance(second, torch.nn.Linear)
    hidden = torch.tanh((cube[:, 0, 0] @ first.weight.T + first.bias) @ second.weight.T
                        + second.bias)  # fmt: skip
    with torch.no_grad():
        plain = (hidden @ network.score.weight.T)[:, 0] + network.bias
        torch.testing.assert_close(network(cube)[:, 0], plain)


def test_one_step_of_the_recurrent_encoder_is_a_gated_layer() -> None:
    network = network_of(length=1, scales=(1,), graph=False)
    cube = cube_of(4, 1, CATEGORIES, ACTIONS)
    cell = network.encoders[0]
    assert isinstance(cell, torch.nn.GRU)
    of = dict(cell.named_parameters())
    with torch.no_grad():
        lines = network.enter(cube[:, 0])  # (B, C, D)
        inner = lines @ of["weight_ih_l0"].T + of["bias_ih_l0"]
        read, kept, new = inner.chunk(3, dim=-1)
        of_before = of["bias_hh_l0"].chunk(3)
        state = torch.tanh(new + torch.sigmoid(read + of_before[0]) * of_before[2])
        state = (1 - torch.sigmoid(kept + of_before[1])) * state
        plain = (state @ network.score.weight.T)[..., 0] + network.bias
        torch.testing.assert_close(network(cube), plain)


def test_what_a_person_did_changes_nobody_elses_answers() -> None:
    network = network_of()
    cube = cube_of(4, LENGTH, CATEGORIES, ACTIONS)
    with torch.no_grad():
        together = network(cube)
        alone = torch.cat([network(cube[row : row + 1]) for row in range(4)])
    torch.testing.assert_close(together, alone)


def test_nothing_done_at_all_is_answered_as_well() -> None:
    network = network_of()
    with torch.no_grad():
        found = network(torch.zeros(2, LENGTH, CATEGORIES, ACTIONS))
    assert found.isfinite().all()
    torch.testing.assert_close(found[0], found[1])


def test_gates_are_shares_of_their_own() -> None:
    encoded = network_of().encode(cube_of(3, LENGTH, CATEGORIES, ACTIONS))
    assert encoded.gates.shape == (3, 3)
    assert ((encoded.gates > 0) & (encoded.gates < 1)).all()
    assert (network_of(gate=False).encode(cube_of(3, LENGTH, CATEGORIES, ACTIONS)).gates == 1).all()


@pytest.mark.parametrize(
    "changes", [{"scales": (2, 4)}, {"scales": (1, 3)}, {"scales": (1, 2, 3)}, {"width": 0}]
)
def test_shapes_that_do_not_fit_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected 1 or more|scales begin with 1"):
        network_of(0, **changes)
