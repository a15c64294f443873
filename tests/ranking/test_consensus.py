"""Items that are alike agree; what comes out is a map that new items take, too."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from ranking.consensus import Consensus, ConsensusConfig, softmax
from support.aspects import planted_aspects


@pytest.mark.parametrize("width", [7, 59, 60, 61, 400])
def test_the_map_is_the_ridge_regression_that_scikit_learn_finds(width: int) -> None:
    rng = np.random.default_rng(0)
    items = rng.normal(size=(60, width)).astype(np.float32)
    shares = softmax(rng.normal(size=(60, 3)).astype(np.float32))
    config = ConsensusConfig(strength=0.7)
    readout = Consensus(items, config).learn(shares)
    centred = items - items.mean(axis=0)
    strength = config.strength * float((centred**2).sum()) / items.shape[1]
    model = Ridge(alpha=strength).fit(items, shares - shares.mean(axis=0))
    expected = model.predict(items)
    expected *= config.sharpness / expected.std()
    np.testing.assert_allclose(readout.scores(items), expected, atol=1e-3)


def test_many_directions_of_few_items_take_no_time() -> None:
    items = np.random.default_rng(0).normal(size=(100, 4_000)).astype(np.float32)
    consensus = Consensus(items, ConsensusConfig())
    assert consensus.learn(np.eye(2, dtype=np.float32)[np.arange(100) % 2]).weights.shape == (
        4_000,
        2,
    )
    assert consensus._inverse.shape == (100, 100)


def test_unknown_items_teach_nothing() -> None:
    rng = np.random.default_rng(1)
    items = rng.normal(size=(50, 5)).astype(np.float32)
    items[40:] = 0  # at the mean of nothing: they move neither the mean nor the gram but by count
    shares = np.eye(2, dtype=np.float32)[(items[:, 0] > 0).astype(int)]
    shares[40:] = 0
    labels, _ = Consensus(items, ConsensusConfig()).learn(shares).assign(items[:40])
    assert (labels == (items[:40, 0] > 0)).mean() > 0.9


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noisy_labels_are_put_right_by_what_items_share(seed: int) -> None:
    world = planted_aspects(seed)
    items = world.space("weak").items(world.views)
    truth = world.labels["weak"]
    rng = np.random.default_rng(seed)
    noisy = np.where(rng.random(len(truth)) < 0.4, rng.integers(0, 3, len(truth)), truth)
    labels, confidence = Consensus(items, ConsensusConfig()).settle(noisy, 3).assign(items)
    assert (noisy == truth).mean() < 0.8
    assert (labels == truth).mean() > 0.98
    assert confidence.min() >= 1 / 3 - 1e-6
    assert confidence.max() <= 1 + 1e-6


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        ConsensusConfig(strength=0)
