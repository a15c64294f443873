"""What may not be shown: each filter takes out its own, and counts them."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.feed_config import FeedConfig, Rule
from ranking.feed_filters import filters_of, passed, without_copies
from retrieval.source import Found, Pool, pooled
from support.feed import planted_shelf, planted_state

GROUP = np.arange(60)
GROUP[[10, 11, 12]] = 10
GROUP[[20, 21]] = 20
HIDDEN = np.isin(np.arange(60), [0, 1])
SHELF = planted_shelf(num_items=60, group=GROUP, hidden=HIDDEN)


def everything() -> Pool:
    return pooled({"all": Found(items=np.arange(60), scores=-np.arange(60, dtype=np.float32))})


def left(config: FeedConfig, *rules: Rule, **changes: object) -> tuple[list[int], dict[str, int]]:
    state = planted_state(SHELF, (), **changes)
    pool, steps = passed(everything(), filters_of(SHELF, state, rules, config))
    assert [step.entered for step in steps[1:]] == [
        step.entered - step.removed for step in steps[:-1]
    ]
    assert 60 - sum(step.removed for step in steps) == len(pool.items)
    return pool.items.tolist(), {step.name: step.removed for step in steps}


def test_each_filter_takes_out_its_own_and_counts_it() -> None:
    boost = np.array([0, 1, 1, 1, 1, 1], np.float32)
    items, removed = left(
        FeedConfig(), Rule.blocking(np.array([5, 6]), 60),
        seen=np.array([1, 2, 11]), refused=np.array([20]), boost=boost,
    )  # fmt: skip
    assert removed == {
        "hidden": 2, "refused": 2, "seen": 2, "copies of seen": 2, "muted": 8, "blocked": 1,
    }  # fmt: skip
    gone = {0, 1, 20, 21, 2, 11, 10, 12, 5, *range(0, 60, 6)}
    assert items == [item for item in range(60) if item not in gone]


def test_what_was_met_may_be_let_through_and_what_was_refused_never() -> None:
    config = FeedConfig(drop_seen=False)
    items, removed = left(config, seen=np.array([2, 3]), refused=np.array([3]))
    assert removed == {"hidden": 2, "refused": 1}
    assert 2 in items
    assert 3 not in items


def test_copies_of_what_was_met_may_be_let_through() -> None:
    items, _ = left(FeedConfig(drop_copies=False), seen=np.array([11]))
    assert {10, 12} <= set(items)
    assert 11 not in items


def test_a_boost_takes_nothing_out() -> None:
    rule = Rule(name="more", items=np.ones(60, np.bool_), factor=2.0)
    assert left(FeedConfig(), rule)[1] == {
        "hidden": 2,
        "refused": 0,
        "seen": 0,
        "copies of seen": 0,
    }


def test_of_near_copies_the_best_is_kept() -> None:
    order = np.array([12, 30, 10, 21, 11, 20])
    found = pooled({"some": Found(items=order, scores=-np.arange(6, dtype=np.float32))})
    pool, step = without_copies(found, SHELF)
    assert pool.items.tolist() == [12, 30, 21]
    assert (step.entered, step.removed) == (6, 3)


def test_a_rule_without_meaning_is_refused() -> None:
    with pytest.raises(ValueError, match="factor"):
        Rule(name="less", items=np.ones(3, np.bool_), factor=-1.0)
