"""What everybody likes: of all time, or lately. Every other source has to beat these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ingest.event import MICROSECOND
from ingest.histories import Histories, History


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Popular:
    """Items by the number of users who like them."""

    num_users_by_item: NDArray[np.int64]
    """(N,)."""

    @classmethod
    def fit(cls, histories: Histories) -> Popular:
        """Count the users of each item."""
        return cls(num_users_by_item=count_users(histories))

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Give each item its number of users, whatever the history; (B, N)."""
        return np.tile(self.num_users_by_item.astype(np.float32), (len(histories), 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PopularLately:
    """Items by how often they were liked in a span of time before the question.

    Items liked equally often in the span, above all those it does not know, go by all time.
    """

    window: timedelta
    """How far back counts."""
    items: NDArray[np.int64]
    """Item of each event, (E,), by time."""
    times_us: NDArray[np.int64]
    """Time of each event, (E,), never falling."""
    standing: NDArray[np.float32]
    """How often each item was liked in all time beside the most liked one, (N,), in [0, 1)."""

    @classmethod
    def fit(cls, histories: Histories, window: timedelta) -> PopularLately:
        """Put the events in order of time."""
        order = np.argsort(histories.times_us, kind="stable")
        counts = np.bincount(histories.items, minlength=histories.num_items)
        return cls(
            window=window,
            items=histories.items[order],
            times_us=histories.times_us[order],
            standing=(counts / (counts.max(initial=0) + 1)).astype(np.float32),
        )

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Count, for each history, the events of each item in the span before it asks; (B, N).

        What happened at the very moment of asking is not known yet.
        """
        asked = np.array([history.asked_us for history in histories], np.int64)
        starts = np.searchsorted(self.times_us, asked - self.window // MICROSECOND, "left")
        ends = np.searchsorted(self.times_us, asked, "left")
        scores = np.tile(self.standing, (len(histories), 1))
        for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
            scores[row] += np.bincount(self.items[start:end], minlength=len(self.standing))
        return scores


def count_users(histories: Histories) -> NDArray[np.int64]:
    """Count the users who have each item, (N,); one who liked it twice counts once."""
    pairs = np.unique(histories.user_of_event * histories.num_items + histories.items)
    return np.bincount(pairs % max(histories.num_items, 1), minlength=histories.num_items)
