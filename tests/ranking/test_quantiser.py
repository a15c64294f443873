"""The dictionary: residuals, gradients, starts, and codes that tell clusters apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ranking.quantiser import Quantiser, QuantiserConfig, QuantiserTraining, fit_quantiser

CONFIG = QuantiserConfig(width=6, sizes=(8, 8))
QUICK = QuantiserTraining(num_steps=60, batch_size=128, reseed_every=20, learning_rate=1e-2)


def clusters(number: int = 400, centres: int = 8, width: int = 6, seed: int = 0) -> Tensor:
    """Unit vectors around some centres."""
    torch.manual_seed(seed)
    around = torch.nn.functional.normalize(torch.randn(centres, width), dim=-1)
    rows = around[torch.arange(number) % centres] + 0.1 * torch.randn(number, width)
    return torch.nn.functional.normalize(rows, dim=-1)


def started(config: QuantiserConfig = CONFIG) -> Quantiser:
    torch.manual_seed(1)
    quantiser = Quantiser(config)
    quantiser.start(clusters(), 0)
    return quantiser


@pytest.mark.parametrize("inner", [0, 12])
def test_no_gradient_reaches_the_vectors_and_each_level_learns(inner: int) -> None:
    quantiser = started(replace(CONFIG, inner=inner))
    vectors = clusters().requires_grad_()
    quantiser.loss(vectors).backward()  # type: ignore[no-untyped-call]
    assert vectors.grad is None
    for weight in quantiser.parameters():
        assert weight.grad is not None
        assert weight.grad.abs().sum() > 0


def test_an_entry_learns_from_its_own_residual_only() -> None:
    quantiser, vectors = started(), clusters()
    quantiser.loss(vectors).backward()  # type: ignore[no-untyped-call]
    codes = quantiser.codes(vectors)
    first, second = (table.detach() for table in quantiser.levels)
    seen = vectors - first[codes[:, 0]]
    wanted = torch.zeros_like(second)
    wanted.index_add_(0, codes[:, 1], 2 * (second[codes[:, 1]] - seen) / len(vectors))
    torch.testing.assert_close(quantiser.levels[1].grad, wanted)


def test_each_level_sees_what_the_ones_before_left_over() -> None:
    quantiser, vectors = started(QuantiserConfig(width=6, sizes=(4, 4, 4))), clusters()
    codes = quantiser.codes(vectors)
    rest = vectors
    for level, table in enumerate(quantiser.levels):
        nearest = torch.cdist(rest, table).argmin(dim=1)
        assert torch.equal(codes[:, level], nearest)
        rest = rest - table[nearest]
    torch.testing.assert_close(vectors - quantiser.reconstructed(codes), rest)


def test_an_entry_of_one_level_has_its_own_number() -> None:
    quantiser = started(replace(CONFIG, sizes=(8,)))
    assert quantiser.codes(quantiser.levels[0]).flatten().tolist() == list(range(8))


def test_more_levels_leave_less_over() -> None:
    vectors = clusters()
    errors = [
        started(QuantiserConfig(width=6, sizes=(4,) * number)).use(vectors).error_ratio
        for number in (1, 2, 3, 4)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.5 * errors[0]


def test_embeddings_are_entries_side_by_side_without_gradient() -> None:
    quantiser = started()
    codes = torch.tensor([[3, 5], [0, 0]])
    found = quantiser.embedding(codes)
    first, second = quantiser.levels
    torch.testing.assert_close(found[0], torch.cat([first[3], second[5]]))
    assert found.shape == (2, 12)
    assert not found.requires_grad


def test_a_start_uses_the_dictionary() -> None:
    use = started().use(clusters())
    assert all(perplexity > 4 for perplexity in use.perplexity)
    assert use.dead_ratio == (0.0, 0.0)
    assert use.num_codes > 16


def test_fewer_vectors_than_entries_are_all_told_apart() -> None:
    torch.manual_seed(0)
    quantiser, few = Quantiser(replace(CONFIG, sizes=(16,))), clusters(4, 4)
    quantiser.start(few, 0)
    assert quantiser.use(few).error_ratio < 1
    assert fit_quantiser(quantiser, few, QUICK).num_codes >= 3


def test_dead_entries_start_again_where_vectors_are() -> None:
    quantiser, vectors = started(replace(CONFIG, sizes=(8,))), clusters()
    with torch.no_grad():
        quantiser.levels[0][2:5] = 50.0
    counts = [torch.bincount(quantiser.codes(vectors)[:, 0], minlength=8)]
    assert quantiser.reseed(counts, vectors, np.random.default_rng(0)) == 3
    assert (torch.cdist(quantiser.levels[0][2:5], vectors).amin(dim=1) < 1e-2).all()


@pytest.mark.parametrize("inner", [0, 16])
def test_what_was_planted_is_told_apart(inner: int) -> None:
    vectors = clusters()
    quantiser = Quantiser(QuantiserConfig(width=6, sizes=(8, 4), inner=inner))
    use = fit_quantiser(quantiser, vectors, QUICK)
    assert use.perplexity[0] > 4
    codes = quantiser.codes(vectors)[:, 0].reshape(-1, 8)
    same = (codes == codes.mode(dim=0).values).float().mean()
    assert same > 0.8


def test_learning_is_the_same_every_time() -> None:
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        quantiser = Quantiser(CONFIG)
        fit_quantiser(quantiser, clusters(), QUICK)
        found.append(torch.cat([table.detach() for table in quantiser.levels]))
    assert torch.equal(*found)


def test_any_shape_is_quantised() -> None:
    quantiser, vectors = started(), clusters(24)
    flat = quantiser.codes(vectors)
    assert torch.equal(quantiser.codes(vectors.view(4, 6, 6)), flat.view(4, 6, 2))
    assert quantiser.codes(vectors[:0]).shape == (0, 2)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="counts"):
        QuantiserConfig(sizes=())
    with pytest.raises(ValueError, match="counts"):
        QuantiserTraining(reseed_every=0)
