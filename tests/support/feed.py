"""Planted shelves, sources and people for the feed: clusters of unit vectors, tastes among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.histories import History
from ranking.shelf import Interests, Shelf
from ranking.user_state import UserState
from retrieval.source import Found, best_of

HOUR_US = 3_600_000_000
NOW_US = 500_000 * HOUR_US


def planted_shelf(
    num_items: int = 600, num_interests: int = 6, width: int = 16, seed: int = 0, **changes: object
) -> Shelf:
    """Items in clusters, item i in cluster i modulo K, each newer than the one before it."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(num_interests, width))
    owner = np.arange(num_items) % num_interests
    vectors = centres[owner] + 0.5 * draw.normal(size=(num_items, width))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    parts: dict[str, object] = {
        "item_ids": tuple(f"item{number:05}" for number in range(num_items)),
        "vectors": vectors.astype(np.float32),
        "added_us": NOW_US - HOUR_US * np.arange(num_items, 0, -1),
        "group": np.arange(num_items),
        "hidden": np.zeros(num_items, np.bool_),
        "interests": Interests(
            view="topics",
            names=tuple(f"topic {number}" for number in range(num_interests)),
            of_item=owner.astype(np.int32),
            confidence=draw.uniform(0.5, 1, num_items).astype(np.float32),
        ),
    }
    return Shelf(**(parts | changes))  # type: ignore[arg-type]


def planted_state(shelf: Shelf, liked: Sequence[int] = (), **changes: object) -> UserState:
    """A person who liked these items, an hour apart, the last an hour ago."""
    items = np.array(liked, np.int64)
    times = NOW_US - HOUR_US * np.arange(len(items), 0, -1)
    history = History(items=items, times_us=times, asked_us=NOW_US)
    num_interests = 0 if shelf.interests is None else len(shelf.interests)
    last, interest = np.zeros(num_interests, np.int64), np.zeros(num_interests, np.float32)
    if shelf.interests is not None:
        np.add.at(interest, shelf.interests.of_item[items], 1)
        np.maximum.at(last, shelf.interests.of_item[items], times)
    parts: dict[str, object] = {
        "user_id": "anna", "asked_us": NOW_US, "recent": history, "types": ("like",) * len(items),
        "weights": np.ones(len(items), np.float32), "liked": history, "seen": np.unique(items),
        "refused": np.zeros(0, np.int64), "interest": interest, "last_met_us": last,
        "exposure": np.zeros(num_interests, np.float32),
        "boost": np.ones(num_interests, np.float32),
    }  # fmt: skip
    return UserState(**(parts | changes))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Listed:
    """Gives a fixed list of items, whatever the history."""

    name: str
    items: NDArray[np.int64]

    def candidates(self, history: History, limit: int) -> Found:  # noqa: ARG002
        assert limit > 0
        kept = np.asarray(self.items[:limit], np.int64)
        return Found(items=kept, scores=-np.arange(len(kept), dtype=np.float32))


@dataclass(frozen=True)
class Alike:
    """Gives the items nearest to any that were liked."""

    shelf: Shelf
    name: str = "similar"

    def candidates(self, history: History, limit: int) -> Found:
        if not len(history.items):
            return Found(items=np.zeros(0, np.int64), scores=np.zeros(0, np.float32))
        near = (self.shelf.vectors @ self.shelf.vectors[history.items].T).max(axis=1)
        return best_of(np.arange(len(near)), near, limit)


def planted_sources(shelf: Shelf, seed: int = 0) -> list[Listed | Alike]:
    """What is alike, what is popular, what is new, and what nobody knows."""
    order = np.random.default_rng(seed).permutation(len(shelf))
    half = len(order) // 2
    return [
        Alike(shelf),
        Listed("popular", order[:half]),
        Listed("fresh", np.argsort(-shelf.added_us, kind="stable")),
        Listed("explore", order[half:]),
    ]
