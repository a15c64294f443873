"""From sources to the candidates that may be shown: asked, pooled, filtered, and asked for more.

Sources know nothing of filters. Where too few candidates are left, those sources that had more to
give are asked for more; where interests are lacking that the page must hold, the items that the
view is surest of stand in; and where all that is not enough, the newest items of the shelf do. So a
page is short only where the shelf has nothing more that may be shown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.feed_config import FeedConfig, source_weights
from ranking.feed_filters import Filter, passed, without_copies
from ranking.feed_interests import interests_of, representatives
from ranking.page import Step
from ranking.shelf import NO_INTEREST, Shelf
from ranking.user_state import UserState
from retrieval.source import Found, Pool, Said, Source, pooled

VARIED, NEWEST = "varied", "newest"
"""Names of what stands in where sources are not enough."""
EXPLORE = "explore"
"""Name of the source whose candidates have places of their own."""
PLENTY = 5
"""Candidates per place of the page that are enough."""
ROUNDS, GROWTH = 3, 4
"""How often sources are asked at most, and how many times more each time."""
REPRESENTATIVES = 50
"""Items of each interest that may stand in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Candidates of one request."""

    pool: Pool
    """Those that may be shown, at most one of a group of near copies."""
    found: dict[str, Found]
    """What each source found, and what stood in."""
    trace: tuple[Step, ...]
    """What each step did."""

    @property
    def said(self) -> dict[int, Said]:
        """What sources say of items, by number."""
        return {item: said for one in self.found.values() for item, said in one.said.items()}


class Gathering:
    """Sources over one shelf.

    Args:
        shelf: the items.
        sources: where candidates come from; no two of one name.
        config: how many are asked for, and how sources weigh.

    Raises:
        ValueError: two sources have the same name.
    """

    def __init__(self, shelf: Shelf, sources: Sequence[Source], config: FeedConfig) -> None:
        self.shelf, self.sources, self.config = shelf, tuple(sources), config
        self.weights = source_weights(config.weights)
        self._typical = representatives(shelf, REPRESENTATIVES)
        names = [source.name for source in sources]
        if len(set(names)) < len(names):
            raise ValueError(f"two sources have the same name: {names}")

    def gather(
        self, state: UserState, filters: Sequence[Filter], size: int, least_interests: int
    ) -> Gathered:
        """Collect candidates.

        Args:
            state: for whom.
            filters: what may not be shown.
            size: items of the page.
            least_interests: that the candidates should come from.
        """
        started, limit, found = time.perf_counter(), self.config.candidates, dict[str, Found]()
        for _ in range(ROUNDS):
            asked = [one for one in self.sources if self._has_more(one, found, limit)]
            found |= {one.name: one.candidates(state.liked, limit) for one in asked}
            gathered = self._admit(found, filters, started)
            if not asked or len(gathered.pool.items) >= PLENTY * size:
                break
            limit *= GROWTH
        if self._lacks(gathered.pool, state, least_interests):
            found |= {VARIED: self._first(self._typical, filters, self.config.candidates)}
            gathered = self._admit(found, filters, started)
        if len(gathered.pool.items) < size:
            found |= {NEWEST: self._first(self._newest(), filters, PLENTY * size)}
            gathered = self._admit(found, filters, started)
        return gathered

    def _has_more(self, source: Source, found: dict[str, Found], limit: int) -> bool:
        """Whether a source was not asked yet, or gave all that it was asked for."""
        before = found.get(source.name)
        return before is None or len(before.items) >= limit // GROWTH

    def _admit(
        self, found: dict[str, Found], filters: Sequence[Filter], started: float
    ) -> Gathered:
        pool = pooled(found, self.weights)
        entered = sum(len(one.items) for one in found.values())
        step = Step(
            name="sources",
            entered=entered,
            removed=entered - len(pool.items),
            seconds=time.perf_counter() - started,
        )
        pool, steps = passed(pool, filters)
        if self.config.drop_copies:
            pool, last = without_copies(pool, self.shelf)
            steps.append(last)
        return Gathered(pool=pool, found=found, trace=(step, *steps))

    def _lacks(self, pool: Pool, state: UserState, least: int) -> bool:
        """Whether candidates are of too few interests, or of none that the person asked for."""
        present = np.unique(interests_of(self.shelf, pool.items))
        wanted = np.flatnonzero(state.boost > 1)
        enough = int((present != NO_INTEREST).sum()) >= least
        return not enough or not np.isin(wanted, present).all()

    def _first(self, items: NDArray[np.int64], filters: Sequence[Filter], limit: int) -> Found:
        """The first of some items that pass all filters."""
        out = np.zeros(len(items), np.bool_)
        for one in filters:
            out |= one.marked[items]
        kept = items[~out][:limit]
        return Found(items=kept, scores=-np.arange(len(kept), dtype=np.float32))

    def _newest(self) -> NDArray[np.int64]:
        return np.argsort(-self.shelf.added_us, kind="stable")


def explored_only(pool: Pool) -> NDArray[np.bool_]:
    """Candidates that no source but ``explore`` found, (C,)."""
    if EXPLORE not in pool.names:
        return np.zeros(len(pool.items), np.bool_)
    column = pool.names.index(EXPLORE)
    here = pool.places >= 0
    alone: NDArray[np.bool_] = here[:, column] & (here.sum(axis=1) == 1)
    return alone


def shortlist(pool: Pool, most: int, explored: int) -> Pool:
    """Keep the candidates that are ranked.

    Args:
        pool: all, best first.
        most: how many of those that sources other than ``explore`` found.
        explored: how many of the others.
    """
    alone = explored_only(pool)
    kept = np.where(alone, np.cumsum(alone) <= explored, np.cumsum(~alone) <= most)
    return pool if kept.all() else pool.only(kept)
