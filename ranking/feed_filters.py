"""Which candidates may be shown at all: a row of filters, each with a name and a count.

Filters read marks of the whole shelf, made once per request: a test of one candidate is then a
look-up, however much the person has seen.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.feed_config import FeedConfig, Rule
from ranking.page import Step
from ranking.shelf import Shelf
from ranking.user_state import UserState
from retrieval.source import Pool

Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filter:
    """Takes out the items that are marked."""

    name: str
    """What it is called in the trace."""
    marked: Marks
    """Items that may not be shown, (N,)."""


def filters_of(
    shelf: Shelf, state: UserState, rules: Sequence[Rule], config: FeedConfig
) -> list[Filter]:
    """Make the filters of one request.

    What was refused, and its near copies, is out in any case; what was merely met only where the
    settings say so.
    """
    return [
        Filter(name=name, marked=marked) for name, marked in _marks(shelf, state, rules, config)
    ]


def _marks(
    shelf: Shelf, state: UserState, rules: Sequence[Rule], config: FeedConfig
) -> Iterator[tuple[str, Marks]]:
    yield "hidden", shelf.hidden
    yield "refused", _with_copies(shelf, state.refused)
    if config.drop_seen:
        yield "seen", _marked(len(shelf), state.seen)
    if config.drop_seen and config.drop_copies:
        yield "copies of seen", _with_copies(shelf, state.seen)
    if shelf.interests is not None and (state.boost <= 0).any():
        muted = np.append(state.boost <= 0, False)  # the last is for items in no interest
        yield "muted", muted[shelf.interests.of_item]
    for rule in rules:
        if rule.factor == 0:
            yield rule.name, rule.items


def _marked(num_items: int, numbers: NDArray[np.int64]) -> Marks:
    marks = np.zeros(num_items, np.bool_)
    marks[numbers] = True
    return marks


def _with_copies(shelf: Shelf, numbers: NDArray[np.int64]) -> Marks:
    marks: Marks = _marked(len(shelf), shelf.group[numbers])[shelf.group]
    return marks


def passed(pool: Pool, filters: Iterable[Filter]) -> tuple[Pool, list[Step]]:
    """Let candidates through filters, one after the other.

    Returns:
        The candidates that are left, and what each filter did.
    """
    steps = []
    for one in filters:
        started, entered = time.perf_counter(), len(pool.items)
        marked = one.marked[pool.items]
        if marked.any():
            pool = pool.only(~marked)
        steps.append(_step(one.name, entered, pool, started))
    return pool, steps


def without_copies(pool: Pool, shelf: Shelf) -> tuple[Pool, Step]:
    """Keep the best candidate of each group of near copies."""
    started, entered = time.perf_counter(), len(pool.items)
    _, first = np.unique(shelf.group[pool.items], return_index=True)
    if len(first) < entered:
        pool = pool.only(_marked(entered, first))
    return pool, _step("near copies", entered, pool, started)


def _step(name: str, entered: int, pool: Pool, started: float) -> Step:
    removed = entered - len(pool.items)
    return Step(name=name, entered=entered, removed=removed, seconds=time.perf_counter() - started)
