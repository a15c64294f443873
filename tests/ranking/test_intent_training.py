"""Learning category intent in planted worlds: what each part is for shows, and baselines lose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ranking.intent_baseline import fit_recency_frequency
from ranking.intent_config import DAY_US, Clock, IntentConfig, IntentTraining
from ranking.intent_cubes import Floats, cubes_of, wants_of
from ranking.intent_figures import Answers
from ranking.intent_training import IntentData, IntentProgress, chances, train_intent
from support.intent import behaviour_of, data_between, lagged, weekly

TRAINING = IntentTraining(
    epochs=4, patience=4, num_steps=40, batch_size=32, learning_rate=2e-2, most_validated=200
)
DAYS = (14, 60, 75, 90)


def answers(test: IntentData, found: Floats) -> Answers:
    moments = test.validation
    return Answers(
        users=moments.users, true=wants_of(test.behaviour, test.clock, moments), chances=found
    )


def weekly_world(seed: int) -> tuple[IntentData, IntentData, IntentConfig]:
    clock = Clock(length=14, horizon=1)
    data, test = data_between(weekly(40, 90, 4, seed), clock, DAYS)
    config = IntentConfig(
        num_categories=4, length=14, scales=(1, 7), width=8, num_layers=1, dropped_ratio=0.0
    )
    return data, test, config


def test_a_weekly_habit_opens_the_weekly_scale_and_beats_recency_and_frequency() -> None:
    data, test, config = weekly_world(0)
    network, progress = train_intent(data, config, TRAINING)
    cube = cubes_of(test.behaviour, test.clock, test.validation, 1)
    with torch.no_grad():
        daily, by_week = network.encode(torch.from_numpy(cube)).gates.mean(dim=0).tolist()
    assert by_week > daily + 0.05
    own = answers(test, chances(network, test.behaviour, test.clock, test.validation)).figures()
    regression = fit_recency_frequency(data, 1, 2_000, 0)
    other = answers(test, regression.chances(test, test.validation)).figures()
    assert own["micro_ap"] > other["micro_ap"] + 0.05
    assert own["micro_auc"] > other["micro_auc"]
    assert progress.best_epoch > 0


def test_without_the_graph_what_follows_another_category_is_not_foretold() -> None:
    clock = Clock(length=8, horizon=1)
    data, test = data_between(lagged(40, 90, 2, 5), clock, DAYS)
    config = IntentConfig(
        num_categories=4, length=8, scales=(1, 2, 4), width=8, num_layers=1, dropped_ratio=0.0
    )
    ink = []
    for graph in (True, False):
        network, _ = train_intent(data, replace(config, graph=graph), TRAINING)
        found = chances(network, test.behaviour, test.clock, test.validation)
        told = answers(test, found)
        only = Answers(users=told.users, true=told.true[:, 1::2], chances=told.chances[:, 1::2])
        ink.append(only.figures()["macro_auc"])
    assert ink[0] > 0.9
    assert ink[1] < 0.7


def test_a_run_repeats_itself_and_leaves_the_random_state_alone() -> None:
    data, _, config = weekly_world(1)
    short = replace(TRAINING, epochs=2, num_steps=5)
    told: list[IntentProgress] = []
    before = torch.get_rng_state()
    one, progress = train_intent(data, config, short, told.append)
    assert torch.equal(torch.get_rng_state(), before)
    other, _ = train_intent(data, config, short)
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    assert [step.epoch for step in told] == [0, 1, 2]
    assert progress.best == max(step.last for step in told)
    different, _ = train_intent(data, config, replace(short, seed=1))
    assert not torch.equal(one.score.weight, different.score.weight)


def test_what_it_says_stays_a_chance_though_rare_ones_count_more() -> None:
    draw = np.random.default_rng(0)
    acts = [
        (user, item, day)
        for user in range(40)
        for day in range(90)
        for item, often in enumerate((0.3, 0.03))
        if draw.random() < often
    ]
    clock = Clock(length=4, horizon=1)
    data, test = data_between(behaviour_of(acts, 2), clock, DAYS)
    config = IntentConfig(
        num_categories=2, length=4, scales=(1, 2), width=4, num_layers=1, dropped_ratio=0.0
    )
    network, _ = train_intent(data, config, replace(TRAINING, epochs=3, learning_rate=3e-3))
    found = chances(network, test.behaviour, test.clock, test.validation).mean(axis=0)
    assert found == pytest.approx([0.3, 0.03], rel=0.3)


def test_data_and_shape_must_fit() -> None:
    data, _, config = weekly_world(0)
    with pytest.raises(ValueError, match="for other data"):
        train_intent(data, replace(config, num_categories=3), TRAINING)
    none = data.learnt.only(data.learnt.times_us < DAY_US)
    with pytest.raises(ValueError, match="moments to learn from"):
        train_intent(replace(data, learnt=none), config, TRAINING)
