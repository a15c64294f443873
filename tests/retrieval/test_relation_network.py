"""The few-shot network: what it must not depend on, and a relation it must solve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from retrieval.relation_graph import NONE
from retrieval.relation_network import (
    Episode,
    FewShotNetwork,
    NeighbourEncoder,
    NetworkConfig,
    ReferenceReader,
    Surroundings,
)
from retrieval.relation_tasks import held_pairs, tasks_of
from retrieval.relation_training import FewShotTraining, train_completing
from retrieval.relation_trials import described, held_ranks, looked_up, pair_scores
from support.relations import copied_graph, scene_of

WIDTH = 8


@pytest.fixture
def around() -> Surroundings:
    """Twelve entities with up to five neighbours; the last has none."""
    draws = torch.Generator().manual_seed(0)
    neighbours = torch.stack(
        [torch.randint(6, (12, 5), generator=draws), torch.randint(12, (12, 5), generator=draws)],
        dim=-1,
    )
    neighbours[::2, 3:] = NONE
    neighbours[11] = NONE
    return Surroundings(
        vectors=torch.randn(12, WIDTH, generator=draws),
        symbols=torch.randn(6, WIDTH, generator=draws),
        neighbours=neighbours,
        kind="complex",
    )


def network_of(**changes: bool) -> FewShotNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return FewShotNetwork(NetworkConfig(width=WIDTH, **changes)).eval()


@pytest.mark.parametrize("own_vector", [False, True])
def test_the_order_of_neighbours_does_not_matter(around: Surroundings, own_vector: bool) -> None:
    encoder = network_of(own_vector=own_vector).neighbours
    entities, turned = torch.arange(12), around.neighbours.flip(1)
    torch.testing.assert_close(
        encoder(around, entities), encoder(replace(around, neighbours=turned), entities)
    )


def test_padding_is_not_attended_to(around: Surroundings) -> None:
    encoder, entities = network_of().neighbours, torch.arange(12)
    wider = torch.cat([around.neighbours, torch.full((12, 30, 2), NONE)], 1)
    torch.testing.assert_close(
        encoder(around, entities), encoder(replace(around, neighbours=wider), entities)
    )
    # What NONE happens to index must not matter either.
    changed = around.vectors.clone()
    changed[NONE] += 100
    own = torch.arange(0, 10, 2)
    held = around.neighbours[own]
    held = torch.where(held == 11, 0, held)  # nobody has the last one for a neighbour
    apart = replace(around, neighbours=around.neighbours.index_copy(0, own, held))
    torch.testing.assert_close(encoder(apart, own), encoder(replace(apart, vectors=changed), own))


def test_who_has_no_neighbours_is_described_by_the_own_vector(around: Surroundings) -> None:
    encoder = NeighbourEncoder(WIDTH, own_vector=False)
    alone = torch.tensor([11])
    torch.testing.assert_close(encoder(around, alone), torch.tanh(around.vectors[alone]))


def test_attention_over_references_is_a_softmax_over_them() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        reader = ReferenceReader(WIDTH)
        references = torch.randn(4, 2 * WIDTH)
    read, loss = reader(references)
    kept = reader.read(references)[0] + references
    assert (read >= kept.min(0).values).all()
    assert (read <= kept.max(0).values).all()  # a mean with weights, not a sum
    loss.backward()
    slope = reader.rebuild.weight_ih.grad
    assert slope is not None  # what rebuilds learns, too
    assert slope.abs().sum() > 0
    turned, _ = reader(references.flip(0))
    assert (turned - read).norm() < 0.5 * read.norm()


@pytest.mark.parametrize("shots", [1, 3, 5])
@pytest.mark.parametrize("departures", [False, True])
def test_any_number_of_references_scores_pairs_one_by_one(
    around: Surroundings, shots: int, departures: bool
) -> None:
    network = network_of(own_vector=departures, expected_tail=departures, kindred=departures)
    draw = np.random.default_rng(shots)
    references = draw.integers(0, 12, (shots, 2))
    heads, tails = np.array([0, 5, 11]), np.arange(12)
    known = (around, described(network, around))
    every = pair_scores(network, known, references, heads, tails)
    assert every.shape == (3, 12)
    assert np.isfinite(every).all()
    # A score depends neither on the other tails nor on the other heads.
    alone = pair_scores(network, known, references, heads[1:2], tails[4:5], candidates=tails)
    np.testing.assert_allclose(alone[0, 0], every[1, 4], rtol=1e-4, atol=1e-4)


def test_an_episode_looks_its_own_entities_up(around: Surroundings) -> None:
    network = network_of()
    episode = Episode(
        references=torch.tensor([[3, 4]]),
        heads=torch.tensor([7]),
        tails=torch.tensor([[9, 2]]),
        candidates=torch.tensor([2, 9]),
    )
    look = looked_up(network, around, episode)
    known = described(network, around)
    torch.testing.assert_close(look(episode.tails), known[episode.tails])


def test_a_relation_that_repeats_a_known_one_is_solved() -> None:
    graph = copied_graph()
    copies = [row for row, name in enumerate(graph.relations) if name.startswith("copy")]
    scene, every = scene_of(graph), np.arange(len(graph.entities))
    tasks = tasks_of(graph, copies[:4], every)
    dev = held_pairs(tasks_of(graph, copies[4:5], every), 12, 1, seed=1)
    test = held_pairs(tasks_of(graph, copies[5:], every), 12, 2, seed=0)
    training = FewShotTraining(
        steps=60, check_every=30, num_asked=12, learning_rate=0.02, margin=5.0
    )
    reached = {}
    for kindred in (True, False):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = FewShotNetwork(NetworkConfig(width=32, kindred=kindred))
        progress = train_completing(network, scene, tasks, dev, training)
        assert progress.best == max(progress.looks)
        for shots in (1, 3, 5):
            found = held_ranks(network, scene.around(), test, shots)
            reached[kindred, shots] = np.mean([(1 / ranks).mean() for ranks in found])
    assert min(reached[True, shots] for shots in (1, 3, 5)) > 0.8
    assert max(reached[False, shots] for shots in (1, 3, 5)) < 0.5  # what each entity is, only
