"""What ranks candidates: the contract, and a ranker that needs no learning.

- A ranker gives logarithms: of what showing an item is worth, such as the chance of a like. What
  else is known of an item is then added, and means the same whichever ranker is at work.
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
from ranking.worth import log_worth

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
            Logarithms of worth, finite, up to a constant of the state, (C,). What one is worth does
            not depend on the others. ``ranking.worth`` makes them where worth has either sign.
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

    def chances(self, state: UserState, items: NDArray[np.int64]) -> dict[str, Floats]:
        """Give what is expected of the person, for those who want to know why.

        Returns:
            How likely each action is, should some of them happen to an item, (C,), by the action's
            name; nothing where the ranker tells no actions apart.
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blend:
    """Likeness to what was liked, against likeness to what was disliked: needs no learning.

    Each event of the history adds a bell around its item: as high as the event weighs (on a
    logarithmic scale, as weights span three orders) and lower the longer ago it was. Several
    interests so stay apart, as they would not in a mean.
    """

    shelf: Shelf
    """Where items and their vectors are."""
    width: float = 0.1
    """Loss of cosine that makes a bell fall to 1/e."""
    fade_days: float = 30.0
    """Days after which an event counts half. Days and not events, so that what one counts does not
    depend on which others there are."""
    base: float = 1e-4
    """Worth of an item that nothing is known of, beside that of one which all likes are."""

    @property
    def name(self) -> str:
        """Its name and settings."""
        return f"blend {self.width:g} {self.fade_days:g} {self.base:g}"

    def rank(self, state: UserState, items: NDArray[np.int64]) -> Floats:
        """Add up the bells at each item, (C,); all are alike for an empty history."""
        everything = np.ones((1, len(state.recent.items)), np.float32)
        return self._worth(state, items, everything).reshape(-1)

    def rank_without(
        self, state: UserState, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> Floats:
        """Add up the bells but for those of one item each time, (B, C)."""
        kept = (state.recent.items[None, :] != dropped[:, None]).astype(np.float32)
        return self._worth(state, items, kept)

    def chances(
        self,
        state: UserState,  # noqa: ARG002 - of the contract
        items: NDArray[np.int64],  # noqa: ARG002 - of the contract
    ) -> dict[str, Floats]:
        """Nothing: it tells no actions apart."""
        return {}

    def _worth(self, state: UserState, items: NDArray[np.int64], kept: Floats) -> Floats:
        """Worth of items (C,) by the events that each row keeps, (B, T), as (B, C)."""
        events = state.recent
        cosines = self.shelf.vectors[events.items] @ self.shelf.vectors[items].T
        bells = np.exp((cosines - 1) / self.width)  # (T, C)
        weights = self._weights(state)
        gains, losses = kept * np.maximum(weights, 0), kept * np.maximum(-weights, 0)  # (B, T)
        # Beside all that was liked: an old like counts in full where there is none since.
        whole = gains.sum(axis=1, keepdims=True)
        whole = np.where(whole > 0, whole, np.maximum(losses.sum(axis=1, keepdims=True), 1))
        worth = log_worth(self.base + gains @ bells / whole, losses @ bells / whole)
        return np.asarray(worth, np.float32)

    def _weights(self, state: UserState) -> Floats:
        """How high the bell of each event is, of either sign, (T,)."""
        days = (state.asked_us - state.recent.times_us) / DAY_US
        height = np.sign(state.weights) * np.log2(1 + np.abs(state.weights))
        return np.asarray(
            height * 0.5 ** np.clip(days / self.fade_days, 0, MOST_HALVINGS), np.float32
        )
