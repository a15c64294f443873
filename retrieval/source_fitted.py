"""Candidates of a recommender that was fitted on a log: its items are not the shelf's.

A log knows items that have gone, and a shelf has items that no one has met. Histories are read in
the shelf's numbers, scored in the recommender's, and answered in the shelf's again; what only one
side knows is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.histories import History
from retrieval.scoring import ItemScorer
from retrieval.source import NOTHING, Found, best_of

Scored = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Numbers of items, each once, and how well each fits, (C,) both."""
Following = Callable[[History], Scored]
"""Gives the items that a history says something of."""


class FittedSource:
    """Names what a fitted recommender would.

    Args:
        name: of the source.
        following: asks the recommender, in its own numbers.
        fitted_ids: the catalogue it was fitted on.
        number_of: numbers of the shelf's items by id.
    """

    def __init__(
        self,
        name: str,
        following: Following,
        fitted_ids: Sequence[str],
        number_of: Mapping[str, int],
    ) -> None:
        self.name, self._following = name, following
        self._of_fitted = np.array([number_of.get(key, -1) for key in fitted_ids], np.int64)
        self._of_shelf = np.full(len(number_of), -1, np.int64)
        known = np.flatnonzero(self._of_fitted >= 0)
        self._of_shelf[self._of_fitted[known]] = known

    def candidates(self, history: History, limit: int) -> Found:
        """Find candidates; see ``Source``."""
        known = self.known(history)
        if not len(known.items):
            return NOTHING
        items, scores = self._following(known)
        numbers = self._of_fitted[items]
        held = numbers >= 0
        return best_of(numbers[held], scores[held], limit)

    def known(self, history: History) -> History:
        """Give a history in the recommender's numbers, without what it does not know."""
        items = self._of_shelf[history.items]
        known = items >= 0
        return History(
            items=items[known], times_us=history.times_us[known], asked_us=history.asked_us
        )

    def own(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers that items of the shelf have with the recommender, -1 for none, (C,)."""
        return self._of_shelf[items]


def positive(scorer: ItemScorer) -> Following:
    """Ask for the items that a scorer gives more than 0, as one that adds up evidence does."""

    def following(history: History) -> Scored:
        scores = scorer.score([history])[0]
        items = np.flatnonzero(scores > 0)
        return items, scores[items]

    return following
