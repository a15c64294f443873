"""What some users liked last, kept from learning: what decides when learning ends.

Unlike a split for evaluation this takes no more than it needs: of a long log, nearly all is learnt
from. What a user did after the liking that is held out, whatever it was, is learnt from by nobody
and given to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.sequences import Sequences
from ranking.splits import FEWEST_EVENTS, Case, Part

MOST_USERS = 5_000
"""Users whose last liking is held out, at most."""
FEWEST_QUESTIONS = 20
"""Users with a last liking below which nothing can be judged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """What is learnt from, and what learning is judged by."""

    learnt: Sequences
    """Events to learn from; users and catalogue are those of all events."""
    validation: Sequences
    """Whole histories of the users who judge, until the liking that is to be found."""
    part: Part
    """The same as questions, for scorers of any kind: they learn from and are given likings."""

    @property
    def of_likings(self) -> HeldOut:
        """The same questions, to be answered by what was learnt from likings alone."""
        return HeldOut(
            learnt=Sequences(histories=self.part.fit),
            validation=Sequences(histories=self.validation.likings),
            part=self.part,
        )


def hold_out(sequences: Sequences, seed: int, most: int = MOST_USERS) -> HeldOut:
    """Hold out what some users liked last.

    Args:
        sequences: all that may be learnt from.
        seed: decides which users, where there are more than enough.
        most: users, at most. Those with fewer than three likings are never among them.
    """
    events = sequences.histories
    able = np.flatnonzero(sequences.likings.lengths >= FEWEST_EVENTS)
    drawn = np.sort(np.random.default_rng(seed).permutation(able)[:most])
    asked = np.zeros(len(events), bool)
    asked[drawn] = True
    of_asked = asked[events.user_of_event]
    before, last = _before_and_at_the_last(sequences)
    learnt = sequences.only(~of_asked | before)
    fit, targets = learnt.likings, events.items[of_asked & last]
    cases = tuple(
        Case(
            user=user,
            history=fit.history(user),
            targets=targets[[number]],
        )
        for number, user in enumerate(drawn.tolist())
    )
    return HeldOut(
        learnt=learnt,
        validation=sequences.only(of_asked & (before | last)),
        part=Part(fit=fit, cases=cases),
    )


def _before_and_at_the_last(
    sequences: Sequences,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Events before the last liking of their user, and those that are it, bool (E,) each."""
    left = sequences.likings_from_end
    last = left == 1
    if sequences.liked is not None:
        last &= sequences.liked
    return (left > 0) & ~last, last
