"""The last event of some users, kept from learning: what decides when learning ends.

Unlike a split for evaluation this takes no more than it needs: of a long log, nearly all is learnt
from. What is held out is what the user liked last, whatever else was done afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ranking.sequences import Sequences
from ranking.splits import FEWEST_EVENTS, Case, Part

MOST_USERS = 5_000
"""Users whose last event is held out, at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """What is learnt from, and what learning is judged by."""

    learnt: Sequences
    """Events to learn from; users and catalogue are those of all events."""
    validation: Sequences
    """Whole histories of the users who judge; the last event is the one to find."""
    part: Part
    """The same as questions, for scorers of any kind."""


def hold_out(sequences: Sequences, seed: int, most: int = MOST_USERS) -> HeldOut:
    """Hold out the last event of some users.

    Args:
        sequences: all that may be learnt from.
        seed: decides which users, where there are more than enough.
        most: users, at most. Those with fewer than three events are never among them.
    """
    events = sequences.histories
    able = np.flatnonzero(events.lengths >= FEWEST_EVENTS)
    drawn = np.sort(np.random.default_rng(seed).permutation(able)[:most])
    asked = np.zeros(len(events), bool)
    asked[drawn] = True
    of_asked = asked[events.user_of_event]
    learnt = sequences.only(~of_asked | (events.places_from_end > 0))
    ends = events.offsets[drawn + 1] - 1
    cases = tuple(
        Case(user=user, history=learnt.histories.history(user), targets=events.items[[end]])
        for user, end in zip(drawn.tolist(), ends.tolist(), strict=True)
    )
    return HeldOut(
        learnt=learnt,
        validation=sequences.only(of_asked),
        part=Part(fit=learnt.histories, cases=cases),
    )
