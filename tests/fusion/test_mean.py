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
    joint, weights = MaskedMean().fuse(views, present)
    for row in range(15):
        kept = [views[row, m] for m in range(4) if present[row, m]]
        expected = sum(kept) / len(kept)
        np.testing.assert_allclose(joint[row], expected / np.linalg.norm(expected), atol=1e-6)
        np.testing.assert_allclose(weights[row], present[row] / len(kept), atol=1e-6)


def test_absent_rows_are_ignored_whatever_they_hold() -> None:
    views = np.full((1, 4, 3), np.nan, dtype=np.float32)
    views[0, 1] = [0.0, 1.0, 0.0]
    joint, weights = MaskedMean().fuse(views, np.array([[False, True, False, False]]))
    np.testing.assert_array_equal(joint, [[0.0, 1.0, 0.0]])
    np.testing.assert_array_equal(weights, [[0.0, 1.0, 0.0, 0.0]])


def test_an_item_without_views_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one view"):
        MaskedMean().fuse(np.zeros((1, 4, 3), np.float32), np.zeros((1, 4), bool))


def test_shapes_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match=r"views\.shape"):
        MaskedMean().fuse(np.zeros((2, 4, 3), np.float32), np.ones((1, 4), bool))
