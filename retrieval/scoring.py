"""Scores over a whole catalogue: the contract of what recommends from a history, and the best few.

Items are numbers here, rows of the catalogue that a recommender was fitted on (``Histories``).
Equal scores stand in the order of those numbers, so that an answer is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.histories import History


class ItemScorer(Protocol):
    """Says how well each item would follow a history."""

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Score every item of the catalogue.

        Args:
            histories: B of them; one may be empty.

        Returns:
            (B, N), finite, more is better; only the order within a row means anything.
        """


def best_items(
    scorer: ItemScorer, history: History, limit: int, with_seen: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Give the items that would follow a history best.

    Args:
        scorer: what is asked.
        history: of one user.
        limit: most items.
        with_seen: whether items of the history may be among them.

    Returns:
        Numbers of the items, best first, and their scores; fewer where the catalogue has fewer.
    """
    scores = scorer.score([history])
    if not with_seen:
        scores[0, history.items] = -np.inf
    best = top_k(scores, limit)[0]
    best = best[best >= 0]
    return best, scores[0, best]


def top_k(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Give the best items of each row, best first, equal ones by rising number.

    Args:
        scores: (B, N); minus infinity for an item that may not be given.
        k: places per row, positive.

    Returns:
        Numbers of items, (B, k); -1 in places that nothing is left for.
    """
    num_rows, num_items = scores.shape
    best = np.full((num_rows, k), -1, np.int64)
    taken = min(k, num_items)
    for row, line in enumerate(scores):
        # Everything as good as the last that fits, so that equal ones are judged by number.
        least = np.partition(line, num_items - taken)[num_items - taken]
        found = np.flatnonzero((line >= least) & (line > -np.inf))
        found = found[np.argsort(-line[found], kind="stable")][:taken]
        best[row, : len(found)] = found
    return best
