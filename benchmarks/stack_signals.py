"""Signals beside the sequence ranker of the whole feed that ``benchmarks/stack.py`` takes apart.

What they count is learnt on validation: what each person went on to, among films drawn from those
that anybody had rated, as ``sensorium train signals`` asks. Ranker and signals are then those that
were learnt before validation; pages are ranked by those that were learnt before the test. A signal
rates the candidates of a question once, whatever feed asks.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.stack_figures import Floats, interval
from benchmarks.stack_learning import SIGNALS, FilmWords
from benchmarks.stack_parts import Numbers, Parts, WatchedRanker
from ranking.signals import (
    Deeds,
    Question,
    Signal,
    SignalRanker,
    Weighed,
    fit_weights,
    places_of_chosen,
)
from ranking.signals import (
    Floats as Ratings,
)
from retrieval.metrics import ndcg_at_k

OTHERS = 200
"""Films that each one chosen is set among, where weights are learnt."""


class KeptSignal:
    """A signal that is asked once for a person's deeds and some candidates.

    Args:
        signal: rates.
    """

    def __init__(self, signal: Signal) -> None:
        self.signal, self.name, self._seconds = signal, signal.name, 0.0
        self._found: dict[tuple[str, bytes, bytes], Ratings] = {}

    def rate(self, deeds: Deeds, items: Numbers) -> Ratings:
        """Rate candidates; see ``Signal``."""
        key = (deeds.user_id, deeds.items.tobytes(), items.tobytes())
        if key not in self._found:
            started = time.process_time()
            self._found[key] = self.signal.rate(deeds, items)
            self._seconds += time.process_time() - started
        return self._found[key]

    @property
    def seconds_each(self) -> float:
        """Processor time of a question, in the mean."""
        return self._seconds / max(len(self._found), 1)


class SignalBench:
    """Signals of one seed for the questions of the test, weighed on those of validation.

    Args:
        parts: what pages are made with.
        earlier: the same of validation.
        words: of the films.
        seed: of what is learnt.
    """

    def __init__(self, parts: Parts, earlier: Parts, words: FilmWords, seed: int) -> None:
        self.parts, self.earlier, self.words, self.seed = parts, earlier, words, seed
        self._weights: dict[tuple[str, ...], list[float]] = {}

    def beside(self, ranker: WatchedRanker, names: tuple[str, ...]) -> SignalRanker:
        """Add signals to a ranker, by what they count together."""
        if names not in self._weights:
            self._weights[names] = fit_weights(self._questions(names)).tolist()
        added = zip(names, self._weights[names], strict=True)
        return SignalRanker(
            base=ranker,
            signals=tuple(
                Weighed(signal=self._kept[name], weight=weight) for name, weight in added
            ),
        )

    def told(self) -> dict[str, Any]:
        """What was learnt of each set of signals that was asked, and their cost; empty if none."""
        if not self._weights:
            return {}
        return {
            "settings": {name: asdict(settings) for name, (settings, _) in SIGNALS.items()},
            "weights": {
                " ".join(names): {
                    **dict(zip(names, weights, strict=True)),
                    "ndcg@10 gained by the weights of half the people on the others": (
                        self._gained(names)
                    ),
                }
                for names, weights in self._weights.items()
            },
            "processor seconds per question": {
                name: round(kept.seconds_each, 5) for name, kept in self._kept.items()
            },
        }

    @cached_property
    def _kept(self) -> dict[str, KeptSignal]:
        return {
            name: KeptSignal(learn(self.parts, self.words, self.seed))
            for name, (_, learn) in SIGNALS.items()
        }

    def _questions(self, names: Sequence[str]) -> list[Question]:
        rows = [list(SIGNALS).index(name) for name in names]
        return [replace(one, signals=one.signals[rows]) for one in self._every_question]

    @cached_property
    def _every_question(self) -> list[Question]:
        """What people went on to among other films, as ranker and signals saw it before."""
        earlier, random = self.earlier, np.random.default_rng(self.seed)
        ranker = earlier.ranker("both", self.seed)
        signals = [learn(earlier, self.words, self.seed) for _, learn in SIGNALS.values()]
        liked, asked, found = np.unique(earlier.questions.part.fit.items), earlier.questions, []
        for state, target in zip(asked.states, asked.targets.tolist(), strict=True):
            others = liked[~np.isin(liked, [target, *state.seen.tolist()])]
            items = np.append(random.permutation(others)[:OTHERS], target)
            deeds = Deeds.of(state)
            found.append(
                Question(
                    base=ranker.rank(state, items),
                    signals=np.stack([one.rate(deeds, items) for one in signals]),
                    chosen=len(items) - 1,
                )
            )
        return found

    def _gained(self, names: Sequence[str]) -> dict[str, Any]:
        """What weights learnt from every second person gain on the others, by validation."""
        questions, users = self._questions(names), self.earlier.questions.users
        second = np.unique(users, return_inverse=True)[1] % 2 == 1
        weights = fit_weights([questions[row] for row in np.flatnonzero(~second)])
        others = [questions[row] for row in np.flatnonzero(second)]
        gained = _ndcg(others, weights) - _ndcg(others, np.zeros_like(weights))
        return {"mean": float(gained.mean()), "interval": interval(gained, users[second])}


def _ndcg(questions: Sequence[Question], weights: Ratings) -> Floats:
    return ndcg_at_k(1 + places_of_chosen(questions, weights)[:, None], 10)
