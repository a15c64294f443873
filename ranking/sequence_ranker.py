"""The sequence model as a feed asks it: what showing items to a person is worth.

Learnt without actions, it reads what the person liked; learnt with actions, all that they did that
is an action, of either sign. A person of whom nothing is known gets items in the order of how often
they were met in learning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ingest.histories import History
from ranking.actions import NO_ACTION, Actions
from ranking.feed_ranker import without
from ranking.sequence_events import in_a_row
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequences import Floats, Numbers
from ranking.user_state import UserState


@dataclass(frozen=True, kw_only=True, eq=False)
class SequenceRanker:
    """Ranks by a learnt sequence model; satisfies ``feed_ranker.Ranker``."""

    recommender: SequenceRecommender
    """The model, over the items of the shelf in their order."""

    @property
    def name(self) -> str:
        """What it is, and a digest of all that was learnt."""
        return f"sequence model {self.recommender.fingerprint}"

    def rank(self, state: UserState, items: NDArray[np.int64]) -> Floats:
        """Give what showing each item is worth, (C,)."""
        worth: Floats = self._rank([state], items)[0]
        return worth

    def rank_without(
        self, state: UserState, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> Floats:
        """Give what each item would be worth without single items of the history, (B, C)."""
        return self._rank([without(state, item) for item in dropped.tolist()], items)

    def chances(self, state: UserState, items: NDArray[np.int64]) -> dict[str, Floats]:
        """Give how likely each action is, should some of them happen to an item, by its name."""
        if self._actions is None:
            return {}
        history, actions = self._read(state)
        if not len(history.items):
            return {}
        found = self.recommender.chances(history, items, actions)
        return dict(zip(self._actions.names, found.T, strict=True))

    def _rank(self, states: Sequence[UserState], items: Numbers) -> Floats:
        read = [self._read(state) for state in states]
        return self.recommender.rank(
            [history for history, _ in read], items, [actions for _, actions in read]
        )

    @cached_property
    def _actions(self) -> Actions | None:
        conditions = self.recommender.actions
        weights = self.recommender.weights
        return Actions(conditions=conditions, weights=weights) if conditions else None

    def _read(self, state: UserState) -> tuple[History, Numbers]:
        """The history as the model knows it, and the action of each of its events."""
        if self._actions is None:
            return state.liked, np.zeros(len(state.liked.items), np.int64)
        numbers = np.array(
            [
                self._actions.likeliest(kind, weight)
                for kind, weight in zip(state.types, state.weights.tolist(), strict=True)
            ],
            np.int64,
        )
        known = np.flatnonzero(numbers != NO_ACTION)
        weightiest, last = in_a_row(state.recent.items[known], state.weights[known])
        history = History(
            items=state.recent.items[known[last]],
            times_us=state.recent.times_us[known[last]],
            asked_us=state.asked_us,
        )
        return history, numbers[known[weightiest]]
