"""Signals beside a ranker: what they add, and what they are found to count."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ranking.signals import Deeds, Floats, Question, SignalRanker, Weighed, fit_weights
from ranking.user_state import UserState
from support.feed import planted_shelf, planted_state

CANDIDATES = np.arange(4)


@dataclass(frozen=True)
class Times:
    """A ranker and a signal alike: how often an item was met, and a bit for its number."""

    factor: float
    name: str = "times"

    def rate(self, deeds: Deeds, items: NDArray[np.int64]) -> Floats:
        often = (deeds.items[:, None] == items).sum(axis=0)
        return np.asarray(self.factor * often, np.float32)

    def rank(self, state: UserState, items: NDArray[np.int64]) -> Floats:
        return self.rate(Deeds.of(state), items) + np.float32(0.1) * items.astype(np.float32)

    def rank_without(
        self, state: UserState, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> Floats:
        deeds = Deeds.of(state)
        kept = [replace(deeds, items=deeds.items[deeds.items != item]) for item in dropped]
        rows = [self.rate(one, items) for one in kept]
        return np.array(rows, np.float32).reshape(-1, len(items)) + np.float32(0.1) * items

    def chances(self, state: UserState, items: NDArray[np.int64]) -> dict[str, Floats]:
        return {"like": np.full(len(items), len(state.recent.items), np.float32)}


def asked(weights: list[float], count: int, seed: int) -> list[Question]:
    """Choices of people for whom signals count so much."""
    random = np.random.default_rng(seed)
    questions = []
    for _ in range(count):
        base = random.normal(size=8).astype(np.float32)
        signals = random.normal(size=(len(weights), 8)).astype(np.float32) * np.float32(3)
        scores = base + np.array(weights) @ signals
        chance = np.exp(scores - scores.max())
        chosen = int(random.choice(8, p=chance / chance.sum()))
        questions.append(Question(base=base, signals=signals, chosen=chosen))
    return questions


def test_what_signals_say_is_added_by_weight() -> None:
    state = planted_state(planted_shelf(20), [1, 1, 2])
    ranker = SignalRanker(base=Times(1.0), signals=(Weighed(signal=Times(10.0), weight=0.5),))
    assert ranker.rank(state, CANDIDATES) == pytest.approx([0, 12.1, 6.2, 0.3])
    assert ranker.name == "times + 0.5 times"
    assert ranker.chances(state, CANDIDATES)["like"].tolist() == [3, 3, 3, 3]


def test_signals_forget_what_is_dropped() -> None:
    state = planted_state(planted_shelf(20), [1, 1, 2])
    ranker = SignalRanker(base=Times(1.0), signals=(Weighed(signal=Times(10.0), weight=1.0),))
    found = ranker.rank_without(state, CANDIDATES, np.array([1, 2]))
    assert found == pytest.approx(np.array([[0, 0.1, 11.2, 0.3], [0, 22.1, 0.2, 0.3]]))
    assert ranker.rank_without(state, CANDIDATES, np.zeros(0, np.int64)).shape == (0, 4)


def test_weights_are_those_that_people_chose_by() -> None:
    found = fit_weights(asked([0.5, 0.0, -0.2], 1_500, seed=3))
    assert found == pytest.approx([0.5, 0.0, -0.2], abs=0.05)


def test_what_says_nothing_counts_nothing() -> None:
    questions = asked([0.0], 1_000, seed=5)
    assert fit_weights(questions)[0] == pytest.approx(0, abs=0.03)
    same = [replace(one, signals=np.ones((1, 8), np.float32)) for one in questions]
    assert fit_weights(same)[0] == pytest.approx(0, abs=1e-9)


def test_what_always_tells_stays_finite() -> None:
    questions = asked([0.0], 50, seed=7)
    sure = [replace(one, signals=np.eye(8, dtype=np.float32)[[one.chosen]]) for one in questions]
    found = fit_weights(sure)
    assert np.isfinite(found).all()
    assert found[0] > 3


def test_a_fit_needs_questions_of_one_shape() -> None:
    with pytest.raises(ValueError, match="questions"):
        fit_weights([])
    one, other = asked([0.1], 1, seed=0)[0], asked([0.1, 0.2], 1, seed=0)[0]
    with pytest.raises(ValueError, match="as many signals"):
        fit_weights([one, other])
