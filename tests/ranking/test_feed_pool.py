"""Gathering candidates: more is asked for where filters left too little, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from ingest.histories import History
from ranking.feed_config import FeedConfig, Rule
from ranking.feed_filters import filters_of
from ranking.feed_pool import Gathered, Gathering, explored_only, shortlist
from retrieval.source import Found, Source, pooled
from support.feed import Listed, planted_shelf, planted_state

SHELF = planted_shelf()


@dataclass
class Counted:
    """A list that remembers how much of it was asked for."""

    listed: Listed
    limits: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.listed.name

    def candidates(self, history: History, limit: int) -> Found:
        self.limits.append(limit)
        return self.listed.candidates(history, limit)


def gather(
    *sources: Source, least: int = 0, size: int = 10, config: FeedConfig | None = None,
    rules: tuple[Rule, ...] = (), **changes: object,
) -> Gathered:  # fmt: skip
    config = config or FeedConfig(candidates=20)
    state = planted_state(SHELF, (), **changes)
    filters = filters_of(SHELF, state, rules, config)
    return Gathering(SHELF, sources, config).gather(state, filters, size, least)


def test_a_source_is_asked_once_where_that_is_enough() -> None:
    source = Counted(Listed("popular", np.arange(600)))
    gathered = gather(source, size=4)
    assert source.limits == [20]
    assert gathered.pool.items.tolist() == list(range(20))


def test_more_is_asked_for_where_filters_leave_too_little() -> None:
    long, short = Counted(Listed("popular", np.arange(600))), Counted(Listed("new", np.arange(7)))
    gathered = gather(long, short, seen=np.arange(70))
    assert long.limits == [20, 80, 320]
    assert short.limits == [20]
    assert gathered.pool.items.tolist() == list(range(70, 320))


def test_interests_that_lack_are_stood_in_for() -> None:
    sixth = Listed("popular", np.arange(0, 600, 6))
    assert SHELF.interests is not None
    gathered = gather(sixth, least=6, config=FeedConfig(candidates=50))
    assert set(SHELF.interests.of_item[gathered.pool.items]) == set(range(6))
    assert "varied" in gathered.found
    assert "varied" not in gather(sixth, least=1, config=FeedConfig(candidates=50)).found


def test_what_a_person_asked_for_is_among_the_candidates() -> None:
    boost = np.array([1, 1, 3, 1, 1, 1], np.float32)
    gathered = gather(Listed("popular", np.arange(0, 600, 6)), boost=boost)
    assert SHELF.interests is not None
    assert 2 in SHELF.interests.of_item[gathered.pool.items]


def test_the_newest_fill_up_where_sources_fail() -> None:
    only = Rule(name="only the first", items=np.arange(600) >= 30)
    gathered = gather(rules=(only,), seen=np.arange(3))
    assert gathered.pool.items.tolist() == list(range(29, 2, -1))
    assert set(gathered.found) == {"newest"}


def test_the_trace_counts_what_came_in() -> None:
    gathered = gather(Listed("a", np.arange(15)), Listed("b", np.arange(10, 25)), size=5)
    assert (gathered.trace[0].name, gathered.trace[0].entered, gathered.trace[0].removed) == (
        "sources", 30, 5,
    )  # fmt: skip


def test_sources_weigh_as_the_settings_say() -> None:
    config = FeedConfig(candidates=20, weights=("b:3",))
    found = gather(Listed("a", np.arange(15)), Listed("b", np.arange(100, 115)), config=config)
    assert found.pool.items[:3].tolist() == [100, 101, 102]


def test_two_sources_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        Gathering(SHELF, [Listed("a", np.arange(3)), Listed("a", np.arange(4))], FeedConfig())


def test_what_only_exploring_found_is_told_apart_and_kept_within_bounds() -> None:
    pool = pooled({
        name: Found(items=np.array(items), scores=-np.arange(len(items), dtype=np.float32))
        for name, items in {"a": [1, 2, 3], "explore": [3, 4, 5, 6]}.items()
    })  # fmt: skip
    alone = explored_only(pool)
    assert set(pool.items[alone]) == {4, 5, 6}
    kept = shortlist(pool, 2, 1)
    assert kept.items.tolist() == [3, 1, 4]
    assert shortlist(pool, 9, 9) is pool
    assert not explored_only(
        pooled({"a": Found(items=np.arange(3), scores=np.zeros(3, np.float32))})
    ).any()
