"""Partitions under a stated aspect, end to end on planted worlds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score as nmi

from ranking.base import Partition
from ranking.clustering import (
    ClusterConfig,
    ClusterError,
    _without_crumbs,
    partition,
    refit,
)
from ranking.consensus import Consensus, ConsensusConfig
from ranking.kmeans import kmeans
from ranking.proxy_config import ProxyConfig, ProxyTraining
from support.aspects import World, planted_aspects

CONFIG = ClusterConfig()


def _grouped(world: World, aspect: str, number: int | None, config: ClusterConfig) -> Partition:
    return partition(world.views, world.words[aspect], world.vectors[aspect], number, config)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_changing_the_aspect_changes_the_partition(seed: int) -> None:
    world = planted_aspects(seed, noise=0.12)
    config = replace(CONFIG, seed=seed)
    found = {name: _grouped(world, name, k, config) for name, k in (("weak", 3), ("strong", 4))}
    for name, other in (("weak", "strong"), ("strong", "weak")):
        assert nmi(world.labels[name], found[name].labels) > 0.95
        assert nmi(world.labels[other], found[name].labels) < 0.05
    assert nmi(found["weak"].labels, found["strong"].labels) < 0.05
    raw, _ = kmeans(world.views.blocks["joint"].vectors, 3, seed)
    assert nmi(world.labels["weak"], raw) < 0.7


def test_clusters_are_named_by_the_words_of_their_items() -> None:
    world = planted_aspects(3)
    found = _grouped(world, "strong", 4, CONFIG)
    for cluster, name in enumerate(found.names):
        inside = world.labels["strong"][found.labels == cluster]
        assert name == f"strong {np.bincount(inside).argmax()}"
    assert found.confidence.min() >= 0.25 - 1e-6


def test_the_number_of_clusters_is_found_where_it_is_clear() -> None:
    world = planted_aspects(4)
    assert _grouped(world, "strong", None, CONFIG).num_clusters == 4
    assert _grouped(world, "weak", None, CONFIG).num_clusters == 3


def test_no_crumbs_are_left_where_the_number_of_clusters_is_chosen() -> None:
    world = planted_aspects(13, noise=0.12)
    items = world.space("strong").items(world.views)
    labels = world.labels["strong"].copy()
    labels[labels == 0] = 3
    labels[np.flatnonzero(labels == 3)[:1]] = 0  # a cluster of one
    consensus = Consensus(items, ConsensusConfig(rounds=1))
    crumbs = consensus.settle(labels, 4)
    left = _without_crumbs(consensus, crumbs)
    sizes = np.bincount(left.assign(items)[0])
    assert left.weights.shape[1] < 4
    assert sizes.min() >= 2


def test_a_large_library_is_learnt_from_a_sample_and_assigned_whole() -> None:
    world = planted_aspects(5, num_items=900)
    found = _grouped(world, "weak", 3, replace(CONFIG, most_items=200))
    assert len(found.labels) == len(found.confidence) == 900
    assert nmi(world.labels["weak"], found.labels) > 0.95


def test_trained_proxies_find_the_aspect_too() -> None:
    world = planted_aspects(6)
    stages: dict[str, float] = {}
    found = partition(
        world.views,
        world.words["weak"],
        world.vectors["weak"],
        3,
        replace(CONFIG, training=ProxyTraining(epochs=10, batch=128)),
        lambda stage, share: stages.update({stage: share}),
    )
    assert nmi(world.labels["weak"], found.labels) > 0.95
    assert stages["proxies"] == stages["assign"] == 1.0


def test_proxies_that_collapse_in_training_are_told() -> None:
    world = planted_aspects(6)
    heavy = ProxyTraining(
        epochs=40, batch=128, query_rate=0.1, refreshes=0, network=ProxyConfig(interest=1000.0)
    )
    found = _grouped(world, "weak", 3, replace(CONFIG, training=heavy))
    assert "all alike" in found.note
    assert not _grouped(world, "weak", 3, CONFIG).note


@pytest.mark.parametrize("part", ["consensus", "text", "visual", "gates"])
def test_every_part_can_be_left_out(part: str) -> None:
    world = planted_aspects(7)
    found = _grouped(world, "strong", 4, replace(CONFIG, ablate=(part,)))  # type: ignore[arg-type]
    assert nmi(world.labels["strong"], found.labels) > 0.9


def test_without_words_the_stronger_aspect_wins() -> None:
    world = planted_aspects(8)
    found = _grouped(world, "weak", 4, replace(CONFIG, ablate=("proxies",)))
    assert nmi(world.labels["strong"], found.labels) > nmi(world.labels["weak"], found.labels)


def test_a_refit_keeps_clusters_and_pins() -> None:
    world = planted_aspects(9)
    found = _grouped(world, "weak", 3, CONFIG)
    labels = found.labels.copy()
    labels[:50] = -1
    stray = int(np.flatnonzero(found.labels[50:] == 0)[0]) + 50
    labels[stray] = 1
    pinned = np.zeros(len(labels), bool)
    pinned[stray] = True
    readout = refit(world.views, found.space, labels, 3, pinned, CONFIG)
    again, _ = readout.assign(found.space.items(world.views))
    assert (again == found.labels).mean() > 0.99


def test_too_few_items_and_idle_ablations_are_refused_with_the_way_out() -> None:
    world = planted_aspects(10, num_items=3)
    with pytest.raises(ClusterError, match="3 items cannot make 5"):
        _grouped(world, "weak", 5, CONFIG)
    with pytest.raises(ClusterError, match="not trained"):
        ClusterConfig(ablate=("refresh",))


def test_items_that_words_cannot_reach_are_refused() -> None:
    world = planted_aspects(11)
    with pytest.raises(ClusterError, match="cannot be compared"):
        partition(world.views, ["a", "b"], {"text_native": np.eye(2, dtype="f4")}, 2, CONFIG)


def test_more_clusters_than_words_still_have_names() -> None:
    world = planted_aspects(12)
    vectors = {"joint": world.vectors["weak"]["joint"][:3]}
    found = partition(world.views, ["a", "b", "c"], vectors, 5, CONFIG)
    assert len(set(found.names)) == 5
