"""What else is known of a person and an item, beside the order of events; and what it counts.

A signal is one number per candidate, made by a model of its own: what topics a person is about to
want, what a text profile fits. Signals are added to what a ranker gives, and are logarithms like
that: only differences between candidates mean anything. What each counts is learnt on questions
that neither the ranker nor the signals learnt from, as the weights of a conditional logit (McFadden
1974); so a signal that says nothing new counts next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.feed_ranker import Ranker, without
from ranking.user_state import UserState

Floats = NDArray[np.float32]
RIDGE = 1.0
"""Pull of weights towards 0, in questions."""
STEPS = 50
"""Most steps of a fit."""
SMALL = 1e-9
"""Gain of the likelihood, per question, below which a fit ends."""
SHORTEST = 1e-6
"""Share of a step that is tried last."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deeds:
    """What a signal reads of a person: the latest events, earliest first."""

    user_id: str
    """Who; empty for nobody known."""
    items: NDArray[np.int64]
    """Numbers of items, (T,)."""
    types: tuple[str, ...]
    """Event types, (T,)."""
    times_us: NDArray[np.int64]
    """When, microseconds since 1970, (T,)."""
    asked_us: int
    """The moment of asking."""

    @classmethod
    def of(cls, state: UserState) -> Deeds:
        """What a state tells of them."""
        return cls(
            user_id=state.user_id,
            items=state.recent.items,
            types=state.types,
            times_us=state.recent.times_us,
            asked_us=state.asked_us,
        )


class Signal(Protocol):
    """Says one thing about candidates."""

    @property
    def name(self) -> str:
        """What it is, with a digest of what was learnt."""

    def rate(self, deeds: Deeds, items: NDArray[np.int64]) -> Floats:
        """Rate candidates for a person.

        Args:
            deeds: of the person; may be empty.
            items: numbers of candidates, (C,).

        Returns:
            Finite, (C,), more is better; all alike where nothing is known. The rating of one does
            not depend on the others.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A signal and what it counts."""

    signal: Signal
    """Says something."""
    weight: float
    """Times what it says is added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRanker:
    """A ranker and signals, added up; satisfies ``feed_ranker.Ranker``."""

    base: Ranker
    """Ranks by the order of events."""
    signals: tuple[Weighed, ...]
    """What is added."""

    @property
    def name(self) -> str:
        """Names of all parts and their weights."""
        added = (f"{one.weight:g} {one.signal.name}" for one in self.signals)
        return " + ".join((self.base.name, *added))

    def rank(self, state: UserState, items: NDArray[np.int64]) -> Floats:
        """Add up what each says of each item, (C,)."""
        return self.base.rank(state, items) + self._added(state, items)

    def rank_without(
        self, state: UserState, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> Floats:
        """Add up what each would say without single items of the history, (B, C)."""
        found = self.base.rank_without(state, items, dropped)
        added = [self._added(without(state, item), items) for item in dropped.tolist()]
        return found + np.array(added, np.float32).reshape(found.shape)

    def chances(self, state: UserState, items: NDArray[np.int64]) -> dict[str, Floats]:
        """Those of the ranker."""
        return self.base.chances(state, items)

    def _added(self, state: UserState, items: NDArray[np.int64]) -> Floats:
        deeds = Deeds.of(state)
        total = np.zeros(len(items), np.float32)
        for one in self.signals:
            total += np.float32(one.weight) * one.signal.rate(deeds, items)
        return total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What was chosen among what, and what was said of each candidate before."""

    base: Floats
    """By the ranker, (C,)."""
    signals: Floats
    """By each signal, (S, C)."""
    chosen: int
    """Place of the candidate that was chosen."""


def fit_weights(questions: Sequence[Question], ridge: float = RIDGE) -> Floats:
    """Learn what signals count beside a ranker.

    Args:
        questions: none of which the ranker or a signal learnt from; candidates may differ.
        ridge: pull towards 0, in questions, above 0.

    Returns:
        Weight of each signal, (S,): those under which the choices were likeliest, where the ranker
        counts 1.

    Raises:
        ValueError: there is no question, or signals are not as many everywhere.
    """
    if len({len(one.signals) for one in questions}) != 1:
        raise ValueError(f"expected questions with as many signals each: {len(questions) = }")
    # In units of their own spread, so that the pull is the same for all.
    inner = [
        float(one.signals[place].std()) for one in questions for place in range(len(one.signals))
    ]
    spread = np.array(inner).reshape(len(questions), -1).mean(axis=0)
    spread[spread == 0] = 1
    scaled = [replace(one, signals=one.signals / spread[:, None]) for one in questions]
    weights = np.zeros(len(spread))
    value, slope, bend = _likelihood(scaled, weights, ridge)
    for _ in range(STEPS):
        step, share = np.linalg.solve(bend, slope), 1.0
        while share > SHORTEST:
            tried = _likelihood(scaled, weights + share * step, ridge)
            if tried[0] >= value:
                break
            share /= 2
        else:
            break
        gain, weights = tried[0] - value, weights + share * step
        value, slope, bend = tried
        if gain < SMALL * len(questions):
            break
    return np.asarray(weights / spread, np.float32)


def places_of_chosen(questions: Sequence[Question], weights: Floats) -> NDArray[np.float64]:
    """Give the place of what was chosen among its candidates, from 0, (B,); ties share the middle.

    Args:
        questions: B of them.
        weights: of the signals, (S,).
    """
    places = np.zeros(len(questions))
    for number, one in enumerate(questions):
        scores = one.base + weights @ one.signals
        own = scores[one.chosen]
        places[number] = (scores > own).sum() + ((scores == own).sum() - 1) / 2
    return places


def _likelihood(
    questions: Sequence[Question], weights: NDArray[np.float64], ridge: float
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Logarithm of the likelihood less the pull, its slope (S,) and how it bends down, (S, S)."""
    value = -0.5 * ridge * float(weights @ weights)
    slope, bend = -ridge * weights, ridge * np.eye(len(weights))
    for one in questions:
        scores = one.base + weights @ one.signals
        scores = scores - scores.max()
        chance = np.exp(scores)
        chance /= chance.sum()
        expected = one.signals @ chance
        value += float(np.log(max(chance[one.chosen], np.finfo(np.float64).tiny)))
        slope = slope + one.signals[:, one.chosen] - expected
        bend = bend + (one.signals * chance) @ one.signals.T - np.outer(expected, expected)
    return value, slope, bend
