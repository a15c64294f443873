"""Candidates that have just come: the latest of them, and a lane that gives all of them a chance.

The lane draws among items that few have seen yet. Each item's share of viewers who like it is drawn
from what is known of it (Thompson 1933): one that nobody has seen may come out anywhere, one that
was shown often and not liked comes out low, and one that was shown enough leaves the lane. The draw
is decided by the history and the moment of asking, so the same question has the same answer, and
the answer to a smaller one is its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from ingest.event import MICROSECOND
from ingest.histories import History
from retrieval.source import Found, best_of
from retrieval.tally import Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshConfig:
    """What counts as new."""

    days: float = 30.0
    """Age up to which an item is new."""
    half_life_days: float = 7.0
    """Age at which it scores half."""

    def __post_init__(self) -> None:
        if self.days <= 0 or self.half_life_days <= 0:
            raise ValueError(f"must be positive: {self.days = }, {self.half_life_days = }")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreConfig:
    """Who gets a chance, and for how long."""

    days: float = 30.0
    """Age up to which an item is explored."""
    enough: int = 50
    """An item that was shown so often is known, and leaves the lane."""
    prior_likes: float = 1.0
    """What is taken to be known of an item before it is shown: so many likes ..."""
    prior_shown: float = 10.0
    """... of so many times shown; more makes the first few count less."""
    drawn: int = 2_000
    """Most items that one answer is drawn from; of more, so many are picked evenly."""
    seed: int = 0
    """Of all draws."""

    def __post_init__(self) -> None:
        if self.days <= 0 or self.enough < 1 or self.drawn < 1:
            raise ValueError(
                "days must be positive, enough and drawn 1 or more: "
                f"{self.days = }, {self.enough = }, {self.drawn = }"
            )
        if not 0 < self.prior_likes < self.prior_shown:
            raise ValueError(
                "expected 0 < prior_likes < prior_shown: "
                f"{self.prior_likes = }, {self.prior_shown = }"
            )


class Arrivals:
    """Items in the order they came.

    Args:
        added_us: when each item came, microseconds since 1970, (N,).
        hidden: items that are never shown, (N,).
    """

    def __init__(self, added_us: NDArray[np.int64], hidden: NDArray[np.bool_]) -> None:
        order = np.argsort(-added_us, kind="stable")
        self.items = order[~hidden[order]]
        """Numbers of items, the latest first, equal ones by number."""
        self.added_us = added_us[self.items]
        """When each of them came."""

    def since(self, asked_us: int, days: float) -> slice:
        """Where those stand that had come by a moment and were no older than so many days."""
        oldest = asked_us - timedelta(days=days) // MICROSECOND
        start = np.searchsorted(-self.added_us, -asked_us, "left")
        stop = np.searchsorted(-self.added_us, -oldest, "right")
        return slice(int(start), int(stop))


class FreshSource:
    """Names the items that came last.

    Args:
        arrivals: of the shelf.
        config: what counts as new.
    """

    name = "fresh"

    def __init__(self, arrivals: Arrivals, config: FreshConfig | None = None) -> None:
        self.arrivals, self.config = arrivals, config or FreshConfig()

    def candidates(self, history: History, limit: int) -> Found:
        """Find candidates; see ``Source``."""
        new = self.arrivals.since(history.asked_us, self.config.days)
        new = slice(new.start, min(new.stop, new.start + limit))
        age_us = history.asked_us - self.arrivals.added_us[new]
        half_life_us = timedelta(days=self.config.half_life_days) // MICROSECOND
        scores = np.exp2(-age_us / half_life_us)
        return Found(items=self.arrivals.items[new], scores=scores.astype(np.float32))


class ExploreSource:
    """Draws among new items that few have seen.

    Args:
        arrivals: of the shelf.
        standings: how often its items were shown and liked.
        config: who gets a chance.
    """

    name = "explore"

    def __init__(
        self, arrivals: Arrivals, standings: Standings, config: ExploreConfig | None = None
    ) -> None:
        self.arrivals, self.standings = arrivals, standings
        self.config = config or ExploreConfig()

    def candidates(self, history: History, limit: int) -> Found:
        """Find candidates; see ``Source``. Scores are the shares that were drawn."""
        config, now = self.config, self.standings.now
        items = self.arrivals.items[self.arrivals.since(history.asked_us, config.days)]
        items = items[now.shown[items] < config.enough]
        draw = np.random.default_rng(_seed(history, config.seed))
        if len(items) > config.drawn:
            items = draw.choice(items, config.drawn, replace=False)
        likes = config.prior_likes + now.liked[items]
        misses = np.maximum(now.shown[items] - now.liked[items], 0)
        shares = draw.beta(likes, config.prior_shown - config.prior_likes + misses)
        return best_of(items, shares.astype(np.float32), limit)


def _seed(history: History, seed: int) -> int:
    """A number for a history and a moment of asking."""
    digest = blake2b(f"{seed} {history.asked_us}".encode(), digest_size=8)
    digest.update(np.ascontiguousarray(history.items).data)
    digest.update(np.ascontiguousarray(history.times_us).data)
    return int.from_bytes(digest.digest(), "big")
