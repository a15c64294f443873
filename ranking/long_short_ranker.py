"""Long- and short-term taste as a feed asks it: what showing items to a person is worth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ranking.feed_ranker import without
from ranking.long_short_recommender import LongShortRecommender
from ranking.sequences import Floats
from ranking.user_state import UserState


@dataclass(frozen=True, kw_only=True, eq=False)
class LongShortRanker:
    """Ranks by who a person is and what they liked last; satisfies ``feed_ranker.Ranker``."""

    recommender: LongShortRecommender
    """The model, over the items of the shelf in their order."""

    @cached_property
    def name(self) -> str:
        """What it is, and a digest of all that was learnt."""
        return f"long and short {self.recommender.fingerprint}"

    def rank(self, state: UserState, items: NDArray[np.int64]) -> Floats:
        """Give what showing each item is worth, (C,)."""
        worth: Floats = self._rank([state], items)[0]
        return worth

    def rank_without(
        self, state: UserState, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> Floats:
        """Give what each item would be worth without single items of the history, (B, C).

        The person's own vector was learnt with these items, and stays.
        """
        return self._rank([without(state, item) for item in dropped.tolist()], items)

    def chances(
        self,
        state: UserState,  # noqa: ARG002 - of the contract
        items: NDArray[np.int64],  # noqa: ARG002 - of the contract
    ) -> dict[str, Floats]:
        """Nothing: it tells no actions apart."""
        return {}

    def _rank(self, states: list[UserState], items: NDArray[np.int64]) -> Floats:
        persons = [self.recommender.person(state.user_id) for state in states]
        return self.recommender.rank(persons, [state.liked for state in states], items)
