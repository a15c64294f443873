"""The masked mean against a loop over items and modalities."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from encoders.base import unit
from fusion.mean import MaskedMean


def test_mean_equals_a_loop_for_every_subset_of_views() -> None:
    random = np.random.default_rng(0)
    present = np.array([row for row in product([False, True], repeat=4) if any(row)])
    views = unit(random.normal(size=(15, 4, 8)))
    joint, weights = MaskedMean().fuse(views[:, :, None], present[:, :, None])
    for row in range(15):
        kept = [views[row, m] for m in range(4) if present[row, m]]
        expected = sum(kept) / len(kept)
        np.testing.assert_allclose(joint[row], expected / np.linalg.norm(expected), atol=1e-6)
        np.testing.assert_allclose(weights[row], present[row] / len(kept), atol=1e-6)


def test_absent_rows_are_ignored_whatever_they_hold() -> None:
    views = np.full((1, 4, 3), np.nan, dtype=np.float32)
    views[0, 1] = [0.0, 1.0, 0.0]
    present = np.array([[False, True, False, False]])[..., None]
    joint, weights = MaskedMean().fuse(views[:, :, None], present)
    np.testing.assert_array_equal(joint, [[0.0, 1.0, 0.0]])
    np.testing.assert_array_equal(weights, [[0.0, 1.0, 0.0, 0.0]])


def test_an_item_without_views_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one view"):
        MaskedMean().fuse(np.zeros((1, 4, 1, 3), np.float32), np.zeros((1, 4, 1), bool))


def test_shapes_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match=r"tokens\.shape"):
        MaskedMean().fuse(np.zeros((2, 4, 1, 3), np.float32), np.ones((1, 4, 1), bool))


def test_a_part_without_its_whole_is_refused() -> None:
    present = np.array([[[True, False], [False, True]]])
    with pytest.raises(ValueError, match="whole"):
        MaskedMean().fuse(np.zeros((1, 2, 2, 3), np.float32), present)


def test_parts_do_not_count() -> None:
    random = np.random.default_rng(0)
    tokens = unit(random.normal(size=(5, 4, 3, 8)))
    present = np.ones((5, 4, 3), bool)
    with_parts, _ = MaskedMean().fuse(tokens, present)
    alone, _ = MaskedMean().fuse(tokens[:, :, :1], present[:, :, :1])
    np.testing.assert_array_equal(with_parts, alone)
