"""What ranks candidates: the contract, and a ranker that needs no learning.

- Values are read by their order alone. The feed turns it into the logarithm of the odds of beating
  another candidate, so that strengths mean the same whichever ranker is at work, and what else is
  known can be added.
- The contract asks for the same once more, with single items taken out of the history: so a reason
  is what would have changed the answer, not what looks like it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.histories import History
from ranking.shelf import Shelf
from ranking.user_state import UserState

Floats = NDArray[np.float32]
DAY_US = 86_400_000_000
MOST_HALVINGS = 60
"""Of what an event counts: keeps the smallest above what float32 can hold."""


class Ranker(Protocol):
    """Says what showing items to a person is worth."""

    @property
    def name(self) -> str:
        """Names what ranks, with all that its answers depend on."""

    def rank(self, state: UserState, items: NDArray[np.int64]) -> Floats:
        """Give what showing each item is worth.

        Args:
            state: of the person; its history may be empty.
            items: numbers of candidates, (C,).

        Returns:
            (C,), more for better. What one is worth does not depend on the others.
        """

    def rank_without(
        self, state: UserState, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> Floats:
        """Give what each item would be worth, had the person never met some item.

        Args:
            state: of the person.
            items: numbers of candidates, (C,).
            dropped: numbers of items of the history, one for each answer, (B,).

        Returns:
            (B, C): row b as ``rank`` gives it for ``without(state, dropped[b])``.
        """


def without(state: UserState, item: int) -> UserState:
    """Take every event with an item out of a state's histories; its sums stay as they are."""
    kept = state.recent.items != item
    return replace(
        state,
        recent=_only(state.recent, kept),
        types=tuple(kind for kind, keep in zip(state.types, kept, strict=True) if keep),
        weights=state.weights[kept],
        liked=_only(state.liked, state.liked.items != item),
    )


def _only(history: History, kept: NDArray[np.bool_]) -> History:
    return replace(history, items=history.items[kept], times_us=history.times_us[kept])


def log_odds(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logarithm of the odds that each candidate beats another, by the order of values, (C,).

    Equal values share the middle of their places, so where all are equal all odds are even: 0. The
    best of C gets log(2C - 1), and further down it falls nearly as the logarithm of the rank does.
    """
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, "left")
    up_to = np.searchsorted(ordered, values, "right")
    share = (below + up_to) / (2 * max(len(values), 1))
    odds: NDArray[np.float64] = np.log(share / (1 - share))
    return odds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blend:
    """Likeness to what was liked, minus likeness to what was disliked: a ranker without learning.

    Each event of the history adds a bell around its item: as high as the event weighs (on a
    logarithmic scale, as weights span three orders) and lower the further back it lies. Several
    interests so stay apart, as they would not in a mean.
    """

    shelf: Shelf
    """Where items and their vectors are."""
    width: float = 0.2
    """Loss of cosine that makes a bell fall to 1/e."""
    fade_days: float = 30.0
    """Days after which an event counts half. Days and not events, so that what one counts does not
    depend on which others there are."""

    @property
    def name(self) -> str:
        """Its name and settings."""
        return f"blend {self.width:g} {self.fade_days:g}"

    def rank(self, state: UserState, items: NDArray[np.int64]) -> Floats:
        """Add up the bells at each item, (C,); zeros for an empty history."""
        total: Floats = self._bells(state, items).sum(axis=0)
        return total

    def rank_without(
        self, state: UserState, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> Floats:
        """Add up the bells but for those of one item each time, (B, C)."""
        bells = self._bells(state, items)
        kept = (state.recent.items[None, :] != dropped[:, None]).astype(np.float32)
        left: Floats = kept @ bells
        return left

    def _bells(self, state: UserState, items: NDArray[np.int64]) -> Floats:
        """What each event says of each item, (T, C)."""
        events = state.recent
        weights = np.sign(state.weights) * np.log1p(np.abs(state.weights))
        days = (state.asked_us - events.times_us) / DAY_US
        weights = weights * 0.5 ** np.clip(days / self.fade_days, 0, MOST_HALVINGS)
        cosines = self.shelf.vectors[events.items] @ self.shelf.vectors[items].T  # (T, C)
        bells: Floats = weights.astype(np.float32)[:, None] * np.exp((cosines - 1) / self.width)
        return bells
