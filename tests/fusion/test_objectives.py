"""Losses against loops, and taking modalities away."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from fusion.mean import MaskedMean
from fusion.objectives import anchor, contrast, thinned, without
from support.fusion import every_subset


def test_contrast_equals_a_loop() -> None:
    torch.manual_seed(0)
    left, right = (functional.normalize(torch.randn(5, 3), dim=-1) for _ in range(2))
    often = torch.tensor([-1.0, -2.0, -3.0, -1.0, -2.0])
    same = torch.zeros(5, 5, dtype=torch.bool)
    same[0, 3] = same[2, 2] = True
    total = 0.0
    for row in range(5):
        scores = [
            math.exp(float(left[row] @ right[column]) / 0.1 - float(often[column]))
            for column in range(5)
            if not (same[row, column] and row != column)
        ]
        own = math.exp(float(left[row] @ right[row]) / 0.1 - float(often[row]))
        total -= math.log(own / sum(scores))
    assert float(contrast(left, right, 0.1, same, often)) == pytest.approx(total / 5, rel=1e-5)


def test_a_frequent_partner_is_pushed_away_less() -> None:
    left = functional.normalize(torch.randn(4, 8), dim=-1)
    right = functional.normalize(torch.randn(4, 8), dim=-1).requires_grad_()
    pushes = []
    for frequent in (0.0, 3.0):
        often = torch.tensor([0.0, frequent, 0.0, 0.0])
        scores = left[:1] @ right.T - often
        loss = functional.cross_entropy(scores, torch.tensor([0]))
        [gradient] = torch.autograd.grad(loss, right)
        pushes.append(float(gradient[1].norm()))
    assert pushes[1] < pushes[0]


def test_the_masked_mean_is_its_own_anchor() -> None:
    tokens, present = every_subset(2, 6)
    joint, _ = MaskedMean().fuse(tokens, present)
    arrays = (torch.from_numpy(array) for array in (joint, tokens, present))
    assert float(anchor(*arrays)) == pytest.approx(0.0, abs=1e-6)
    arrays = (torch.from_numpy(array) for array in (-joint, tokens, present))
    assert float(anchor(*arrays)) == pytest.approx(2.0, abs=1e-6)


def test_thinning_takes_whole_modalities_and_never_all() -> None:
    _, present = every_subset(3, 4)
    present = np.tile(present, (200, 1, 1))
    kept = thinned(present, 0.5, np.random.default_rng(0))
    assert kept.any(axis=(1, 2)).all()
    assert not (kept & ~present).any()
    gone = np.asarray(present.any(axis=2) & ~kept.any(axis=2))
    assert (kept == (present & ~gone[..., None])).all()
    several = present[:, :, 0].sum(axis=1) == 4
    assert np.mean(gone[several]) == pytest.approx(0.5 - 0.5**4, abs=0.03)


def test_without_takes_one_modality() -> None:
    _, present = every_subset(3, 4)
    rest = without(present, 2)
    assert not rest[:, 2].any()
    np.testing.assert_array_equal(np.delete(rest, 2, axis=1), np.delete(present, 2, axis=1))
