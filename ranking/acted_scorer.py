"""A sequence model with actions, asked questions that tell of likings alone.

Protocols, baselines and figures speak of what was liked. What else the user had done by then stands
here beside, and is looked up by the question's user and its number of likings: nothing of what came
with or after the next liking is read, and where a protocol asks at a moment, nothing after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ingest.histories import History
from ranking.actions import NO_ACTION, Actions
from ranking.sequence_events import in_a_row
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequences import Floats, Numbers, Sequences
from retrieval.scoring import ItemScorer


@dataclass(frozen=True, kw_only=True, eq=False)
class ActedScorer:
    """Scores every item after what a user did; an ``ItemScorer`` for histories of ``deeds``."""

    recommender: SequenceRecommender
    """What was learnt; with actions."""
    deeds: Sequences
    """What the users did, with the numbers that questions have for users and items."""
    by_moment: bool = False
    """Whether what came after the moment of asking is left out, as a time split has it."""

    def score(self, histories: Sequence[History]) -> Floats:
        """Score every item after each history, (B, N)."""
        read = [self._read(history) for history in histories]
        return self.recommender.score([known for known, _ in read], [acts for _, acts in read])

    @cached_property
    def _numbers(self) -> Numbers:
        """Number of each event's action in the model, (E,), or ``NO_ACTION``."""
        acts, _, known = self.deeds.told
        one = self.recommender
        return Actions(conditions=one.actions, weights=one.weights).numbers(known.names)[acts]

    @cached_property
    def _weights(self) -> Floats:
        """What each event is worth, (E,)."""
        acts, _, known = self.deeds.told
        return np.asarray(known.weights[acts], np.float32)

    @cached_property
    def _likings_until(self) -> Numbers:
        """How many likings of the user come with or before each event, (E,)."""
        deeds = self.deeds
        every = deeds.likings.lengths[deeds.histories.user_of_event]
        own = 1 if deeds.liked is None else deeds.liked.astype(np.int64)
        return np.asarray(every - deeds.likings_from_end + own, np.int64)

    def _read(self, history: History) -> tuple[History, Numbers]:
        """What was done by then, and the action of each deed."""
        known = self.deeds.histories
        whole = slice(known.offsets[history.user], known.offsets[history.user + 1])
        given = self._likings_until[whole] <= len(history.items)
        if self.by_moment:
            given &= known.times_us[whole] <= history.asked_us
        given &= self._numbers[whole] != NO_ACTION
        items, times = known.items[whole][given], known.times_us[whole][given]
        weightiest, last = in_a_row(items, self._weights[whole][given])
        asked_us = max([history.asked_us, *times[-1:].tolist()])
        done = replace(history, items=items[last], times_us=times[last], asked_us=asked_us)
        return done, self._numbers[whole][given][weightiest]


def scorer_of(
    recommender: SequenceRecommender, deeds: Sequences, by_moment: bool = False
) -> ItemScorer:
    """What answers questions about likings: the model itself where it was learnt from these."""
    if not recommender.actions:
        return recommender
    return ActedScorer(recommender=recommender, deeds=deeds, by_moment=by_moment)
