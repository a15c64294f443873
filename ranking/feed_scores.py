"""What candidates score, and what each score is made of.

A score is a sum of named parts, each the logarithm of a factor: what showing the item is worth by
the ranker, beside the middle one of the candidates; the odds by its place with each source; and
what interests, fatigue and the request's rules make of it. So it explains itself by being read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.feed_config import FeedConfig, Rule
from ranking.feed_interests import fatigue, interests_of, per_item, said, taste
from ranking.feed_pool import EXPLORE
from ranking.feed_ranker import Ranker
from ranking.shelf import Shelf
from ranking.user_state import UserState
from retrieval.source import Pool

Floats = NDArray[np.float64]
RANKER = "ranker"
"""Name of the part that the ranker gives."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """Candidates with their scores, in the order of the pool."""

    pool: Pool
    """The candidates, (C,)."""
    owner: NDArray[np.int32]
    """Interest of each, (C,)."""
    parts: Mapping[str, Floats]
    """Parts of the score by name, (C,) each."""
    total: Floats
    """Their sum, (C,)."""

    @property
    def items(self) -> NDArray[np.int64]:
        """Numbers of the candidates, (C,)."""
        return self.pool.items

    @property
    def ranked(self) -> NDArray[np.int64]:
        """Numbers of the candidates, best score first, equal ones in the order of the pool."""
        return self.items[np.argsort(-self.total, kind="stable")]


def ranker_part(worth: NDArray[np.float32], config: FeedConfig) -> Floats:
    """What the ranker gives each candidate, (..., C): its worth beside that of the middle one."""
    wide = worth.astype(np.float64)
    if not wide.size:
        return wide
    part: Floats = config.ranker * (wide - np.median(wide, axis=-1, keepdims=True))
    return part


def log_odds(values: NDArray[np.floating]) -> Floats:
    """Logarithm of the odds that each candidate beats another, by the order of values, (C,).

    Equal values share the middle of their places, so where all are equal all odds are even: 0. The
    best of C gets log(2C - 1), and further down it falls nearly as the logarithm of the rank does.
    """
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, "left")
    up_to = np.searchsorted(ordered, values, "right")
    share = (below + up_to) / (2 * max(len(values), 1))
    odds: Floats = np.log(share / (1 - share))
    return odds


def place_odds(places: NDArray[np.int32]) -> Floats:
    """Logarithm of the odds by one source's places, (C,); those it did not find share the last."""
    return log_odds(np.where(places < 0, -np.inf, -places.astype(np.float64)))


def sources_part(pool: Pool, config: FeedConfig) -> Floats:
    """What the sources say together, (C,): the odds with each, weighed.

    What is explored is drawn by lot and has places of its own, so that lot decides no others.
    """
    part = np.zeros(len(pool.items))
    for name, places in zip(pool.names, pool.places.T, strict=True):
        if name != EXPLORE:
            part += config.strength_of(name) * place_odds(places)
    return part


def scored(
    shelf: Shelf,
    ranker: Ranker,
    state: UserState,
    pool: Pool,
    rules: Sequence[Rule],
    config: FeedConfig,
) -> Scored:
    """Score candidates for a person.

    Args:
        shelf: the items.
        ranker: says what showing each is worth.
        state: of the person.
        pool: candidates.
        rules: of the request; those that leave items out have been applied before.
        config: strengths.
    """
    owner = interests_of(shelf, pool.items)
    parts = {
        RANKER: ranker_part(ranker.rank(state, pool.items), config),
        "sources": sources_part(pool, config),
        "interest": per_item(taste(state, config), owner),
        "boost": per_item(said(state), owner),
        "fatigue": per_item(fatigue(state, config.fatigue), owner),
        "rules": np.zeros(len(pool.items)),
    }
    for rule in rules:
        if rule.factor > 0:
            parts["rules"] += np.log(rule.factor) * rule.items[pool.items]
    return Scored(pool=pool, owner=owner, parts=parts, total=np.sum(list(parts.values()), axis=0))
