"""Learning what profiles say of items, in a world where they say who wants what."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ranking.profile_network import ProfileNetwork
from ranking.profile_training import (
    FittedProfiles,
    ProfileData,
    ProfileTraining,
    drawn_against,
    train_profiles,
)
from support.profiles import planted

TRAINING = ProfileTraining(hidden=32, batch_size=64, learning_rate=1e-2, epochs=15)


def found(data: ProfileData, network: ProfileNetwork) -> float:
    """Share of the likings among the ten best items."""
    with torch.inference_mode():
        scores = network.score_all(torch.from_numpy(data.profiles), torch.from_numpy(data.items))
    best = scores.topk(10, dim=1).indices.numpy()
    return float(np.mean([i in best[u] for u, i in zip(data.liked_by, data.liked, strict=True)]))


def judge_of(data: ProfileData) -> Callable[[ProfileNetwork], float]:
    return lambda network: found(data, network)


@pytest.fixture(scope="module")
def world() -> ProfileData:
    return planted()


@pytest.fixture(scope="module")
def learnt(world: ProfileData) -> FittedProfiles:
    return train_profiles(world, TRAINING, judge_of(world))


def test_a_planted_topic_is_found_for_people_that_were_not_learnt_from(
    world: ProfileData, learnt: FittedProfiles
) -> None:
    assert learnt.best == found(world, learnt.network) > 0.9
    assert learnt.best_epoch > 0
    with torch.inference_mode():
        weights = learnt.network.weights(torch.from_numpy(world.profiles))
    assert weights[:, 0].mean() > 0.6, "the short profile is the one that tells"


def test_with_profiles_of_others_nothing_is_left(
    world: ProfileData, learnt: FittedProfiles
) -> None:
    other = np.random.default_rng(1).permutation(len(world.profiles))
    swapped = ProfileData(
        profiles=world.profiles[other],
        items=world.items,
        liked_by=world.liked_by,
        liked=world.liked,
    )
    assert found(swapped, learnt.network) < 0.3, "chance finds 10 of 60 items"


def test_the_seed_decides_everything(world: ProfileData) -> None:
    short = ProfileTraining(hidden=8, epochs=2, batch_size=64)
    torch.manual_seed(5)
    one = train_profiles(world, short, judge_of(world))
    torch.manual_seed(6)
    two = train_profiles(world, short, judge_of(world))
    for a, b in zip(one.network.parameters(), two.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_learning_ends_without_gain_and_keeps_the_best(world: ProfileData) -> None:
    values = iter([0.0, 0.2, 0.5, 0.4, 0.4, 0.4, 0.9])
    told: list[int] = []
    fitted = train_profiles(
        world,
        ProfileTraining(hidden=4, patience=3),
        lambda _network: next(values),
        lambda progress: told.append(progress.epoch),
    )
    assert (fitted.epochs, fitted.best_epoch, fitted.best) == (5, 2, 0.5)
    assert told == [1, 2, 3, 4, 5]


def test_what_is_drawn_against_a_person_is_nothing_that_they_like(world: ProfileData) -> None:
    known = np.unique(world.liked_by * 60 + world.liked)
    drawn = drawn_against(known, world.liked_by, (60, 5), np.random.default_rng(0))
    assert drawn.shape == (len(world.liked_by), 5)
    assert not np.isin(world.liked_by[:, None] * 60 + drawn, known).any()
