"""Category intent in service: kept, read back, items rated by what is wanted above usual."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ranking.intent import CategoryIntent, CategorySource, IntentSignal
from ranking.intent_config import DAY_US, Clock, IntentConfig, IntentTraining
from ranking.intent_cubes import cubes_of
from ranking.intent_training import chances, train_intent
from ranking.signals import Deeds
from retrieval.fitted import FittedError, FittedFile
from support.intent import data_between, weekly

CATEGORIES, DAYS = 4, (14, 60, 75, 90)


@pytest.fixture(scope="module")
def intent() -> CategoryIntent:
    clock = Clock(length=14, horizon=1)
    data, _ = data_between(weekly(40, 90, CATEGORIES), clock, DAYS)
    config = IntentConfig(
        num_categories=CATEGORIES, length=14, scales=(1, 7), width=8, num_layers=1
    )
    training = IntentTraining(
        epochs=3, num_steps=40, batch_size=32, learning_rate=2e-2, most_validated=200
    )
    network, _ = train_intent(data, config, training)
    usual = chances(network, data.behaviour, clock, data.validation).mean(axis=0)
    return CategoryIntent(
        network=network,
        clock=clock,
        source=CategorySource(by="tags", names=("a", "b", "c", "d")),
        actions=("like",),
        usual=usual,
    )


def weekly_deeds(category: int, kind: str = "like") -> Deeds:
    """Something of one category every seventh day, the last a week before the moment of asking."""
    days = np.arange(0, 28, 7)
    return Deeds(
        user_id="u",
        items=np.full(len(days), category),
        types=(kind,) * len(days),
        times_us=days * DAY_US + DAY_US // 2,
        asked_us=28 * DAY_US,
    )


def signal_of(intent: CategoryIntent) -> IntentSignal:
    """Of six items: one per category, one of two, and one of none."""
    membership = np.zeros((6, CATEGORIES), np.float32)
    membership[range(CATEGORIES), range(CATEGORIES)] = 1
    membership[4, :2] = 1
    return IntentSignal(intent=intent, membership=membership)


def test_items_of_what_is_due_are_rated_above_others(intent: CategoryIntent) -> None:
    signal = signal_of(intent)
    for category in range(CATEGORIES):
        rated = signal.rate(weekly_deeds(category), np.arange(6))
        assert rated[:CATEGORIES].argmax() == category
        assert rated[5] == 0
        assert rated[category] > 0
    rated = signal.rate(weekly_deeds(0), np.arange(6))
    assert rated[4] == pytest.approx((rated[0] + rated[1]) / 2, rel=1e-5)
    alone = signal.rate(weekly_deeds(0), np.array([4]))
    assert alone == pytest.approx(rated[[4]], rel=1e-5)


def test_who_is_not_known_rates_all_alike(intent: CategoryIntent) -> None:
    signal = signal_of(intent)
    nobody = Deeds(
        user_id="",
        items=np.zeros(0, np.int64),
        types=(),
        times_us=np.zeros(0, np.int64),
        asked_us=0,
    )
    for deeds in (nobody, weekly_deeds(0, "skip"), weekly_deeds(5)):
        assert not signal.rate(deeds, np.arange(6)).any()


def test_what_happens_at_the_moment_of_asking_has_happened(intent: CategoryIntent) -> None:
    signal = signal_of(intent)
    deeds = weekly_deeds(0)
    now = replace(deeds, times_us=deeds.times_us + (deeds.asked_us - deeds.times_us[-1]))
    found = intent.chances(now, signal.membership)
    earlier = intent.chances(replace(now, asked_us=now.asked_us - 1), signal.membership)
    assert not np.allclose(found, earlier)


def test_it_is_kept_and_read_back(intent: CategoryIntent, tmp_path: Path) -> None:
    path = tmp_path / "intent.safetensors"
    intent.save(path)
    again = CategoryIntent.load(path)
    assert (again.source, again.clock, again.actions) == (
        intent.source, intent.clock, intent.actions,
    )  # fmt: skip
    one, other = signal_of(intent), signal_of(again)
    assert one.name == other.name
    deeds, items = weekly_deeds(1), np.arange(6)
    np.testing.assert_array_equal(one.rate(deeds, items), other.rate(deeds, items))


def test_files_of_something_else_are_refused(intent: CategoryIntent, tmp_path: Path) -> None:
    with pytest.raises(FittedError):
        CategoryIntent.load(tmp_path / "nothing.safetensors")
    file = intent.file
    FittedFile(
        kind="intent",
        config={**file.config, "clock": {"days": 1}},
        item_ids=(),
        arrays=file.arrays,
    ).write(tmp_path / "other.safetensors")
    with pytest.raises(FittedError, match="unknown settings"):
        CategoryIntent.load(tmp_path / "other.safetensors")


def test_it_answers_as_in_learning(intent: CategoryIntent) -> None:
    data, _ = data_between(weekly(40, 90, CATEGORIES), intent.clock, DAYS)
    moment = data.validation.only(np.array([5]))
    user, now = int(moment.users[0]), int(moment.times_us[0])
    events = data.behaviour.events
    history = events.history(user)
    before = history.times_us < now
    deeds = Deeds(
        user_id="u",
        items=history.items[before],
        types=("like",) * int(before.sum()),
        times_us=history.times_us[before],
        asked_us=now - 1,
    )
    expected = chances(intent.network, data.behaviour, data.clock, moment)[0]
    found = intent.chances(deeds, data.behaviour.membership)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert cubes_of(data.behaviour, data.clock, moment, 1).any()
