"""Candidates near vectors that something makes of a history: recent items, or a learnt model.

What makes the vectors is an ``Asker``: one vector of a tower, several of a model of interests, or
one for each of the last liked items (``retrieval.source_similar``). Where there are several, an
item counts as where it fits best, or each vector fills a share of the places that goes by its
weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.histories import History
from retrieval.nearest import NearestItems
from retrieval.source import NOTHING, Found, best_of

Merge = Literal["max", "quota"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What to search with."""

    vectors: NDArray[np.float32]
    """(K, D) in the space of the items that are searched; K may be 0."""
    weights: NDArray[np.float32]
    """What each vector counts, above 0, (K,)."""
    without: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Numbers of items to leave out, such as those that were asked with."""


class Asker(Protocol):
    """Makes of a history what to search with."""

    def ask(self, history: History) -> Asked:
        """Give query vectors; none where the history says nothing."""


class Queries(Protocol):
    """What a learnt model would search with."""

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(K, D)."""

    @property
    def weights(self) -> NDArray[np.float32]:
        """What each counts, (K,)."""


class QueryModel(Protocol):
    """A learnt model that makes query vectors, such as ``ranking.interest_recommender``."""

    def queries(self, history: History) -> Queries:
        """Make the vectors to search with, in the space of the model's item vectors."""


class ModelAsker:
    """Asks with the query vectors of a learnt model over the same items.

    Args:
        model: makes them.
    """

    def __init__(self, model: QueryModel) -> None:
        self.model = model

    def ask(self, history: History) -> Asked:
        """Give the model's vectors; none for a history that it makes none of."""
        made = self.model.queries(history)
        return Asked(vectors=made.vectors, weights=made.weights)


class VectorSource:
    """Names the items nearest to what an asker asks with.

    Args:
        name: of the source.
        asker: makes query vectors.
        nearest: searches the items.
        merge: ``max`` takes of each item its best product times weight; ``quota`` lets each vector
            fill a share of the places by its weight.
        spare: most items that one of several vectors brings, in even shares of the places; None for
            as many as are wanted.
    """

    def __init__(
        self,
        name: str,
        asker: Asker,
        nearest: NearestItems,
        merge: Merge = "max",
        spare: float | None = None,
    ) -> None:
        self.name, self.asker, self.nearest = name, asker, nearest
        self.merge, self.spare = merge, spare

    def candidates(self, history: History, limit: int) -> Found:
        """Find candidates; see ``Source``."""
        asked = self.asker.ask(history)
        if not len(asked.vectors):
            return NOTHING
        each = limit
        if self.spare is not None:
            each = min(limit, math.ceil(self.spare * limit / len(asked.vectors)))
        # An item that was asked with is the nearest to itself.
        items, scores = self.nearest.nearest(asked.vectors, each + len(np.unique(asked.without)))
        items = np.where(np.isin(items, asked.without), -1, items)
        if self.merge == "max":
            return by_best(items, scores * asked.weights[:, None], limit)
        return by_quota(items, asked.weights, limit)


def by_best(items: NDArray[np.int64], scores: NDArray[np.float32], limit: int) -> Found:
    """Merge so that an item counts as where it fits best.

    Args:
        items: found by each vector, (K, P); -1 for none.
        scores: of each, comparable between vectors, (K, P).
        limit: most items.
    """
    held = items >= 0
    items, scores = items[held], scores[held]
    order = np.lexsort((-scores, items))
    items, first = np.unique(items[order], return_index=True)
    return best_of(items, scores[order[first]], limit)


def by_quota(items: NDArray[np.int64], weights: NDArray[np.float32], limit: int) -> Found:
    """Merge so that each vector fills a share of the places by its weight.

    The place with the largest weight / (items so far + 1/2) is filled next, which rounds shares
    after Webster. An item that several vectors bring stands where it comes first and uses up a
    place of each.

    Args:
        items: found by each vector, best first, (K, P); -1 for none.
        weights: of the vectors, above 0, (K,).
        limit: most items.
    """
    held = items >= 0
    places = np.cumsum(held, axis=1) - 1
    return by_best(items, np.where(held, weights[:, None] / (places + 0.5), 0), limit)
