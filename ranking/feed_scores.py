"""What candidates score, and what each score is made of.

A score is a sum of named parts, each the logarithm of a factor: the odds of beating another
candidate by the ranker and by the sources, and what interests, fatigue and the request's rules
make of it. So it explains itself by being read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.feed_config import FeedConfig, Rule
from ranking.feed_interests import fatigue, interests_of, per_item, said, taste
from ranking.feed_ranker import Ranker, log_odds
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
        RANKER: log_odds(ranker.rank(state, pool.items)),
        "sources": config.agreement * log_odds(pool.scores),
        "interest": per_item(taste(state, config), owner),
        "boost": per_item(said(state), owner),
        "fatigue": per_item(fatigue(state, config.fatigue), owner),
        "rules": np.zeros(len(pool.items)),
    }
    for rule in rules:
        if rule.factor > 0:
            parts["rules"] += np.log(rule.factor) * rule.items[pool.items]
    return Scored(pool=pool, owner=owner, parts=parts, total=np.sum(list(parts.values()), axis=0))
