"""k-means and the number of clusters."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.kmeans import choose_num_clusters, kmeans


@pytest.mark.parametrize("number", [2, 4, 7])
def test_clear_groups_are_found_and_counted(number: int) -> None:
    rng = np.random.default_rng(number)
    centres = 10 * rng.normal(size=(number, 8))
    truth = np.arange(40 * number) % number
    rows = (centres[truth] + rng.normal(size=(len(truth), 8))).astype(np.float32)
    labels, found = kmeans(rows, number, seed=0)
    assert len({(int(a), int(b)) for a, b in zip(truth, labels, strict=True)}) == number
    assert found.shape == (number, 8)
    assert choose_num_clusters(rows, 12, seed=0) == number


def test_two_rows_make_two_clusters() -> None:
    rows = np.eye(3, 4, dtype=np.float32)
    assert choose_num_clusters(rows, 12, seed=0) == 2
