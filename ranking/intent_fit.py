"""From events and settings to category intent: later moments decide when learning ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ranking.intent import CategoryIntent, CategorySource
from ranking.intent_baseline import fit_recency_frequency
from ranking.intent_config import IntentConfig, IntentTraining
from ranking.intent_cubes import Behaviour, Floats, moments_between, returning, wants_of
from ranking.intent_figures import Answers, gaps
from ranking.intent_settings import IntentSettings
from ranking.intent_training import IntentData, IntentProgress, chances, train_intent
from ranking.splits import VALIDATION_FROM

MOST_JUDGED = 5_000
"""Moments that what was learnt is held against the baseline on, at most."""
MOST_REGRESSED = 10_000
"""Moments that the baseline learns from, at most."""
OnProgress = Callable[[IntentProgress], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedIntent:
    """What learning gave."""

    intent: CategoryIntent
    """In its best state."""
    progress: IntentProgress
    """How the run went."""
    moments: tuple[int, int]
    """How many were learnt from, and how many it was judged by."""
    figures: Mapping[str, float]
    """On the moments it was chosen by; see ``intent_figures``."""
    baseline: Mapping[str, float]
    """Those of recency and frequency there."""
    gaps: Mapping[str, tuple[float, float]]
    """Interval, 95 %, of how much better it is than that, by figure."""


def fit_intent(
    behaviour: Behaviour,
    actions: tuple[str, ...],
    source: CategorySource,
    settings: IntentSettings,
    on_progress: OnProgress = lambda _progress: None,
) -> FittedIntent:
    """Learn category intent.

    Args:
        behaviour: who did what; the last fifth of the events, by time, decides when learning ends.
        actions: event types by the number of their channel.
        source: what the categories are.
        settings: shape and way of learning.
        on_progress: told before the first round and after each.

    Raises:
        ValueError: there are too few events for a moment to learn from and one to judge by.
    """
    data = data_of(behaviour, settings)
    shape = shape_of(settings, behaviour.num_categories, len(actions))
    training = IntentTraining(
        epochs=settings.epochs,
        patience=settings.patience,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
    )
    network, progress = train_intent(data, shape, training, on_progress)
    random = np.random.default_rng(settings.seed)
    some = data.learnt.some(MOST_JUDGED, random)
    judged = data.validation.some(MOST_JUDGED, random)
    regression = fit_recency_frequency(data, len(actions), MOST_REGRESSED, settings.seed)
    true = wants_of(behaviour, data.clock, judged)

    def answers(found: Floats) -> Answers:
        return Answers(users=judged.users, true=true, chances=found)

    own = answers(chances(network, behaviour, data.clock, judged))
    other = answers(regression.chances(data, judged))
    return FittedIntent(
        intent=CategoryIntent(
            network=network,
            clock=data.clock,
            source=source,
            actions=actions,
            usual=chances(network, behaviour, data.clock, some).mean(axis=0),
        ),
        progress=progress,
        moments=(len(data.learnt), len(data.validation)),
        figures=own.figures(),
        baseline=other.figures(),
        gaps=gaps(own, other, draws=200),
    )


def shape_of(settings: IntentSettings, num_categories: int, num_actions: int) -> IntentConfig:
    """Give the network's shape."""
    return IntentConfig(
        num_categories=num_categories,
        num_actions=num_actions,
        length=settings.length,
        scales=settings.scales,
        width=settings.width,
        num_layers=settings.num_layers,
        dropped_ratio=settings.dropped_ratio,
        pyramid=settings.pyramid,
        recurrence=settings.recurrence,
        gate=settings.gate,
        graph=settings.graph,
    )


def data_of(behaviour: Behaviour, settings: IntentSettings) -> IntentData:
    """Roll moments over the events, and cut them by time."""
    times, clock = np.sort(behaviour.events.times_us), settings.clock
    if not len(times):
        raise ValueError("there are no events")
    start, end = int(times[0]) + 1, int(times[-1]) + 1
    turn = int(times[int(VALIDATION_FROM * len(times))])
    learnt = moments_between(behaviour, clock, start, turn)
    later = moments_between(behaviour, clock, turn, end)
    if settings.asked == "returning":
        learnt = learnt.only(returning(behaviour, clock, learnt))
        later = later.only(returning(behaviour, clock, later))
    data = IntentData(behaviour=behaviour, clock=clock, learnt=learnt, validation=later)
    if not wants_of(behaviour, clock, later).any():
        raise ValueError(
            f"{len(learnt)} moments to learn from and {len(later)} later ones, none of which is "
            "followed by anything wanted"
        )
    return data
