"""From events to lifecycles in service: what was known at a day, judged by what came after.

Everything up to a day is read without labels; the head learns what people liked on later days.
Some people are held out of the head: there it is told how well it finds what they took up, beside
how often anybody takes a topic up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.lifecycle import Lexicon, LifecycleLog, Numbers, WindowBounds, tokens_of, windows_of
from ranking.lifecycle_head import (
    HeadTraining,
    Marks,
    TakenUp,
    TopicHead,
    area,
    fit_head,
    scores_of,
)
from ranking.lifecycle_masking import Masking
from ranking.lifecycle_model import LifecycleModel, Topics
from ranking.lifecycle_network import LifecycleShape, lifecycles_of
from ranking.lifecycle_settings import LifecycleSettings
from ranking.pretrain import Guessing, Pretraining, pretrain, vectors_of
from ranking.ranker_fit import device_named, fitting_batch

KNOWN_RATIO = 0.8
"""Share of the events that come up to the day at which people are read."""
JUDGES_RATIO = 0.3
"""Share of people who judge."""
FEWEST_PEOPLE = 20
"""People who did something before that day and liked something after it, below which nothing can be
learnt."""
RESAMPLES = 500
"""Draws of people that an interval is read from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TopicEvents:
    """What people did with topics."""

    log: LifecycleLog
    """The events."""
    liked: NDArray[np.bool_]
    """Which of them say: more like this, (E,)."""
    lexicon: Lexicon
    """Actions and topics."""
    num_people: int
    """U."""

    @property
    def last_known(self) -> int:
        """Last day of what is read without labels."""
        if not len(self.log.days):
            return 0
        return int(np.quantile(self.log.days, KNOWN_RATIO, method="lower"))

    @property
    def asked(self) -> Numbers:
        """That day, for each person, (U,)."""
        return np.full(self.num_people, self.last_known)

    @property
    def taken(self) -> Marks:
        """Topics that people liked on later days, (U, G)."""
        found = np.zeros((self.num_people, self.lexicon.num_topics), np.bool_)
        later = self.liked & (self.log.days > self.last_known)
        found[self.log.users[later], self.log.pairs[later] % self.lexicon.num_topics] = True
        return found

    @property
    def people(self) -> Numbers:
        """Those who did something up to that day and liked something after it."""
        known = self.log.users[self.log.days <= self.last_known]
        return np.intersect1d(known, np.flatnonzero(self.taken.any(axis=1)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedLifecycles:
    """What learning gave."""

    model: LifecycleModel
    """In its best state."""
    rounds: tuple[Guessing, ...]
    """How each round went."""
    best: Guessing
    """The one that was kept."""
    found: float
    """Area under the curve of what those who judge took up."""
    usual: float
    """The same by how often anybody takes a topic up."""
    gap: tuple[float, float]
    """Interval, 95 %, of how much more is found: bootstrap over people."""


def fit_lifecycles(
    events: TopicEvents,
    topics: Topics,
    settings: LifecycleSettings,
    show: Callable[[Guessing], None] = lambda _one: None,
) -> FittedLifecycles:
    """Learn lifecycles and judge them.

    Args:
        events: at least ``FEWEST_PEOPLE`` are there before and after the day.
        topics: what the numbers of topics stand for.
        settings: shape and way of learning.
        show: told of the start and of every round.
    """
    asked, lexicon = events.asked, events.lexicon
    bounds = WindowBounds(most_days=settings.most_days, silent_days=settings.silent_days)
    windows = windows_of(events.log.until(asked), lexicon, bounds)
    tokens = tokens_of(events.log, lexicon, windows, asked)
    people = lifecycles_of(tokens, asked, settings.length)
    learnt = pretrain(people, _shape(lexicon, settings), _training(settings, len(people)), show)
    network = learnt.network.cpu()
    taken = TakenUp(
        people=vectors_of(network, people),
        labels=events.taken,
        counted=np.ones((events.num_people, lexicon.num_topics), np.bool_),
    )
    order = np.random.default_rng(settings.seed).permutation(events.people)
    judges, others = np.split(order, [max(int(len(order) * JUDGES_RATIO), 1)])
    head = fit_head(
        taken.rows(others), network.topic.weight.detach(), HeadTraining(seed=settings.seed)
    )
    found, usual, gap = _judged(head, taken.rows(judges), settings.seed)
    return FittedLifecycles(
        model=LifecycleModel(
            network=network, head=head, lexicon=lexicon, windows=windows, topics=topics
        ),
        rounds=learnt.rounds,
        best=learnt.best,
        found=found,
        usual=usual,
        gap=gap,
    )


def _shape(lexicon: Lexicon, settings: LifecycleSettings) -> LifecycleShape:
    return LifecycleShape(
        num_actions=len(lexicon.actions),
        num_topics=lexicon.num_topics,
        width=settings.width,
        num_layers=settings.num_layers,
        num_heads=settings.num_heads,
        length=settings.length,
        dropped_ratio=settings.dropped_ratio,
    )


def _training(settings: LifecycleSettings, num_people: int) -> Pretraining:
    return Pretraining(
        masking=Masking(power=settings.power if settings.masking == "rare" else 0.0),
        epochs=settings.epochs,
        patience=settings.patience,
        batch_size=fitting_batch(num_people, settings.batch_size),
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        device=device_named(settings.device),
    )


def _judged(head: TopicHead, asked: TakenUp, seed: int) -> tuple[float, float, tuple[float, float]]:
    """Area by the head and by how often topics are taken up at all, and the interval between."""
    scores = scores_of(head, asked.people)
    usual = np.broadcast_to(head.base.numpy(), scores.shape)
    draw = np.random.default_rng(seed)
    gaps = []
    for _ in range(RESAMPLES):
        some = draw.integers(len(scores), size=len(scores))
        labels = asked.labels[some].ravel()
        gaps.append(area(scores[some].ravel(), labels) - area(usual[some].ravel(), labels))
    low, high = np.nanquantile(gaps, [0.025, 0.975])
    labels = asked.labels.ravel()
    return (
        area(scores.ravel(), labels),
        area(usual.ravel(), labels),
        (float(low), float(high)),
    )
