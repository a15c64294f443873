"""A planted world of topics: few hits, a long tail, and people with two topics of their own."""

from __future__ import annotations

import numpy as np

from ranking.lifecycle import Lexicon, LifecycleLog, WindowBounds, tokens_of, windows_of
from ranking.lifecycle_network import Lifecycles, LifecycleShape, lifecycles_of

TOPICS = 24
LEXICON = Lexicon(actions=("click", "like"), num_topics=TOPICS)
LAST_DAY = 60


def tail_world(users: int = 500, seed: int = 0) -> LifecycleLog:
    """People with two topics, drawn as Zipf would, that come back to them through the days."""
    draw = np.random.default_rng(seed)
    chances = np.arange(1, TOPICS + 1) ** -1.2
    chances /= chances.sum()
    rows = []
    for user in range(users):
        # A topic draws another one along, so that a rare one can be guessed from its company.
        first = int(draw.choice(TOPICS, p=chances))
        second = (first * 5 + 3) % TOPICS
        for day in np.sort(draw.integers(LAST_DAY + 1, size=int(draw.integers(6, 14)))):
            if draw.random() < 0.15:
                topic = int(draw.choice(TOPICS, p=chances))
            else:
                topic = int(draw.choice([first, second]))
            rows.append((user, int(draw.integers(2)) * TOPICS + topic, int(day)))
    users_, pairs, days = np.array(rows).T
    return LifecycleLog(users=users_, pairs=pairs, days=days)


def laid_out(log: LifecycleLog, length: int = 24, users: int = 500) -> Lifecycles:
    """Tokens of that world, as read by a network."""
    asked = np.full(users, LAST_DAY)
    windows = windows_of(log, LEXICON, WindowBounds())
    return lifecycles_of(tokens_of(log, LEXICON, windows, asked), asked, length)


def small_shape(length: int = 24) -> LifecycleShape:
    """A network that is quick to learn."""
    return LifecycleShape(
        num_actions=2,
        num_topics=TOPICS,
        width=32,
        num_layers=1,
        num_heads=2,
        length=length,
        dropped_ratio=0.0,
    )
