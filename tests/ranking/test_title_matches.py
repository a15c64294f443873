"""Matching and pruning on a planted world: what a reader's group goes on to like is kept."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.base import unit
from ingest.histories import Histories, gather_histories
from ranking.match_network import MatchNetwork, MatchTraining, learn_matches
from ranking.title_matches import best_groups, matches_of, pairs_of, worth_of
from ranking.user_groups import Groups, taste_groups, tastes_of

K, ITEMS, WIDTH = 8, 160, 24


def quiet(share: float, words: str) -> None:
    assert 0 <= share <= 1
    assert words


def planted(seed: int = 0) -> tuple[Histories, np.ndarray]:
    """Readers of group g like items of topic g at first, and of topic g + 1 later.

    So a cosine of tastes and items points at the wrong topic, while likings teach the right one.
    """
    draw = np.random.default_rng(seed)
    topic = np.arange(ITEMS) % K
    vectors = unit(np.eye(WIDTH)[topic] + 0.15 * draw.normal(size=(ITEMS, WIDTH)))
    events = []
    for reader in range(160):
        group = reader % K
        early = draw.choice(np.flatnonzero(topic == group), 8, replace=False)
        late = draw.choice(np.flatnonzero(topic == (group + 1) % K), 4, replace=False)
        events += [
            (f"r{reader:03}", f"i{item:03}", place) for place, item in enumerate([*early, *late])
        ]
    return gather_histories(events), vectors


def kept(worth: np.ndarray, histories: Histories, vectors: np.ndarray, most: int) -> float:
    """Share of later likings whose group is among the best."""
    groups = taste_groups(tastes_of(early(histories), vectors), K, seed=0)
    later = histories.only(histories.places_from_end < 2)
    of_reader = np.argmax(tastes_of(early(histories), vectors).vectors @ groups.centres.T, axis=1)
    own = of_reader[later.user_of_event]
    return float((best_groups(worth[later.items], most) == own[:, None]).any(axis=1).mean())


def early(histories: Histories) -> Histories:
    return histories.only(histories.places_from_end >= 4)


def test_what_likings_teach_beats_the_cosine_and_chance() -> None:
    histories, vectors = planted()
    groups = taste_groups(tastes_of(early(histories), vectors), K, seed=0)
    pairs = pairs_of(histories.only(histories.places_from_end >= 2), vectors, most=4)
    training = MatchTraining(epochs=8, width=32, batch_size=32, learning_rate=4e-3)
    network = learn_matches(pairs, vectors, groups, training, quiet)
    assert network is not None
    learnt = kept(worth_of(matches_of(vectors, groups, network), groups), histories, vectors, 2)
    cosine = kept(matches_of(vectors, groups), histories, vectors, 2)
    assert learnt > 0.8
    assert cosine < 0.5


def test_the_same_seed_teaches_the_same_and_leaves_random_numbers_alone() -> None:
    import torch

    histories, vectors = planted()
    groups = taste_groups(tastes_of(histories, vectors), K, seed=0)
    pairs = pairs_of(histories, vectors, most=3)
    before = torch.get_rng_state()
    found = [
        learn_matches(pairs, vectors, groups, MatchTraining(epochs=1, width=8, seed=5), quiet)
        for _ in range(2)
    ]
    assert torch.equal(before, torch.get_rng_state())
    assert found[0] is not None
    assert found[1] is not None
    assert np.array_equal(
        found[0].matches(vectors, groups.centres), found[1].matches(vectors, groups.centres)
    )


def test_where_the_cosine_cannot_be_bettered_it_stays() -> None:
    topic = np.arange(24) % 4
    vectors = np.eye(WIDTH, dtype=np.float32)[topic]
    events = [
        (f"r{reader:02}", f"i{item:02}", item)
        for reader in range(40)
        for item in np.flatnonzero(topic == reader % 4).tolist()
    ]
    histories = gather_histories(events)
    groups = taste_groups(tastes_of(histories, vectors), 4, seed=0)
    pairs, training = pairs_of(histories, vectors), MatchTraining(epochs=2, width=8)
    assert learn_matches(pairs, vectors, groups, training, quiet) is None
    assert np.allclose(matches_of(vectors, groups), 10 * (vectors @ groups.centres.T))


def test_matches_of_many_pairs_are_those_of_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    _, vectors = planted()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MatchNetwork(vectors[:20], vectors, MatchTraining(width=8))
        torch.nn.init.normal_(network.out.weight)
    centres = vectors[:3]
    whole = network.matches(vectors, centres)
    monkeypatch.setattr("ranking.match_network.PASS", 10)
    assert np.allclose(whole, network.matches(vectors, centres), atol=1e-5)
    with torch.inference_mode():
        alone = network(torch.from_numpy(centres[1:2]), torch.from_numpy(vectors[7:8]))
    assert whole[7, 1] == pytest.approx(float(alone[0]), abs=1e-4)
    assert network.matches(vectors[:0], centres).shape == (0, 3)


def test_pairs_tell_the_taste_before_and_never_the_item_itself() -> None:
    histories = gather_histories([("u", "a", 1), ("u", "b", 2), ("u", "c", 3), ("w", "a", 1)])
    pairs = pairs_of(histories, np.eye(3, dtype=np.float32))
    assert pairs.items.tolist() == [1, 2]
    assert pairs.readers.tolist() == [0, 0]
    assert np.allclose(pairs.tastes, unit(np.array([[1.0, 0, 0], [1, 1, 0]])))
    assert len(pairs_of(histories, np.eye(3, dtype=np.float32), most=1)) == 1
    assert len(pairs.of(np.array([1]))) == 0


def test_worth_adds_how_many_would_see_a_title() -> None:
    groups = Groups(centres=np.eye(2, dtype=np.float32), share=np.array([0.9, 0.1], np.float32))
    matches = np.array([[1.0, 2.0], [1.0, 5.0]], np.float32)
    assert best_groups(matches, 1).tolist() == [[1], [1]]
    assert best_groups(worth_of(matches, groups), 1).tolist() == [[0], [1]]
    assert best_groups(matches, 5).shape == (2, 2)
