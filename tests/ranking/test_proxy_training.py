"""Training on a planted world: candidates halve to the clusters, and nothing true is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score as nmi

from ranking.kmeans import kmeans
from ranking.proxy_config import ProxyConfig, ProxyTraining
from ranking.proxy_training import refresh_scores, train_proxies
from support.aspects import planted_aspects

TRAINING = ProxyTraining(
    epochs=6,
    batch=128,
    learning_rate=5e-4,
    query_rate=1e-3,
    network=ProxyConfig(tau_proxy=1.0, inner=16),
)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_stated_aspect_is_found_and_the_other_is_not(seed: int) -> None:
    world = planted_aspects(seed)
    space = world.space("weak")
    found = train_proxies(space.items(world.views), space, 3, TRAINING)
    labels, _ = kmeans(found.fused, 3, seed)
    assert nmi(world.labels["weak"], labels) > 0.95
    assert nmi(world.labels["strong"], labels) < 0.05
    assert found.spread_kept > 0.05


def test_candidates_halve_down_to_the_number_of_clusters() -> None:
    world = planted_aspects(0, num_items=120)
    space = world.space("strong")  # 16 candidates
    items = space.items(world.views)
    for refreshes, left in ((0, 16), (1, 8), (2, 4), (3, 4)):
        config = replace(TRAINING, epochs=4, most_steps=4, refreshes=refreshes)
        assert len(train_proxies(items, space, 4, config).words) == left


def test_free_proxies_train_and_inputs_stay_as_they_were() -> None:
    world = planted_aspects(1, num_items=240)
    space = world.space("weak")
    items = space.items(world.views)
    before = items.copy(), space.words.copy(), space.anchors.copy()
    free = replace(
        TRAINING, refresh="mean", network=ProxyConfig(tau_proxy=1.0, inner=16, proxies="free")
    )
    found = train_proxies(items, space, 3, free)
    for array, kept in zip((items, space.words, space.anchors), before, strict=True):
        np.testing.assert_array_equal(array, kept)
    assert nmi(world.labels["weak"], kmeans(found.fused, 3, 0)[0]) > 0.8


def test_one_seed_gives_one_result() -> None:
    world = planted_aspects(2, num_items=120)
    space = world.space("weak")
    items = space.items(world.views)
    config = replace(TRAINING, epochs=2)
    first, second = (train_proxies(items, space, 3, config) for _ in range(2))
    np.testing.assert_array_equal(first.fused, second.fused)


def test_coverage_keeps_a_word_per_cluster_where_the_mean_prefers_the_bland() -> None:
    centres = np.eye(3, dtype=np.float32)
    bland = np.ones((3, 3), np.float32) + 0.1 * np.eye(3, dtype=np.float32)
    words = np.vstack([bland, np.eye(3)]).astype(np.float32)
    sizes = np.full(3, 1 / 3)
    assert refresh_scores(centres, sizes, words, "mean", 3) == [0, 1, 2]
    assert set(refresh_scores(centres, sizes, words, "coverage", 4)) >= {3, 4, 5}
