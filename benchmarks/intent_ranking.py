"""A ranker with and without category intent, on films: questions are people who come back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.intent_sets import Set, time_at
from ingest.histories import Histories, History
from ranking.baselines import baselines, compare
from ranking.evaluate import RESAMPLES, Evaluation, EvaluationConfig, evaluate
from ranking.intent import CategoryIntent, CategorySource, IntentSignal
from ranking.intent_baseline import fit_recency_frequency
from ranking.intent_config import DAY_US, IntentTraining
from ranking.intent_cubes import Floats, Moments, Numbers, moments_between, returning
from ranking.intent_training import IntentData, chances, train_intent
from ranking.signals import Deeds, Question, fit_weights
from ranking.splits import TEST_FROM, VALIDATION_FROM, Case, Part, SplitConfig, Splits
from retrieval.neighbours import ItemNeighbours, NeighbourConfig
from retrieval.scoring import ItemScorer

ACTIONS = ("like", "view")
NEIGHBOURS = "item neighbours"
MEASURED = EvaluationConfig(ks=(10,))
POOL, CHOICES = 300, 10
"""Candidates that neighbours give, as a source would; what is liked of them, at most, that weights
are learnt from per question."""
BELOW = 1e3
"""Taken from the logarithm of what is no candidate."""
LEAST = 1e-6
"""Added to scores of neighbours before their logarithm is taken."""
Rate = Callable[[Deeds, Numbers], Floats]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blended:
    """Candidates of the neighbours, ordered by them and a signal, added up."""

    base: ItemScorer
    rate: Rate
    weights: Floats
    deeds: dict[tuple[int, int], Deeds]

    def score(self, histories: Sequence[History]) -> Floats:
        """Score every item after each history."""
        before = np.log(self.base.score(histories) + LEAST)
        scores = before - BELOW
        for row, known, one in zip(scores, before, histories, strict=True):
            items = candidates(known, one)
            said = self.rate(self.deeds[one.user, one.asked_us], items)
            row[items] = self.weights[0] * known[items] + self.weights[1] * said
        return scores


def measure_ranking(
    found: Set, training: IntentTraining, seeds: Sequence[int], work: Path
) -> dict[str, Any]:
    """Measure item neighbours alone, with category intent, and with recency and frequency."""
    splits, deeds = asked(found)
    contenders = baselines(splits.test.fit)[0]
    [base] = compare(splits, [one for one in contenders if one.name == NEIGHBOURS], MEASURED)
    config = NeighbourConfig(**base.settings)
    fits = [ItemNeighbours.fit(part.fit, config) for part in (splits.validation, splits.test)]
    rows: dict[str, list[Evaluation]] = {NEIGHBOURS: [evaluate(fits[1], splits.test, MEASURED)]}
    weights: dict[str, list[list[float]]] = {}
    for seed in seeds:
        for name, rate in signals(found, training, seed, work).items():
            learnt = fit_weights(questions(splits.validation, fits[0], rate, deeds))
            blended = Blended(base=fits[1], rate=rate, weights=learnt, deeds=deeds)
            rows.setdefault(name, []).append(evaluate(blended, splits.test, MEASURED))
            weights.setdefault(name, []).append([round(float(one), 4) for one in learnt])
    plain = rows[NEIGHBOURS]
    return {
        "questions": {"validation": len(splits.validation.cases), "test": len(splits.test.cases)},
        "people of the test": len({case.user for case in splits.test.cases}),
        "neighbours": base.settings,
        "test": {
            name: {
                figure: {
                    "mean": round(float(np.mean([one.figures[figure] for one in each])), 5),
                    "sd": round(float(np.std([one.figures[figure] for one in each])), 5),
                }
                for figure in ("ndcg@10", "hit@10", "mrr")
            }
            for name, each in rows.items()
        },
        "weights": weights,
        "above item neighbours": {
            name: {
                figure: interval(each, plain * len(each), splits.test, figure)
                for figure in ("ndcg@10", "hit@10")
            }
            for name, each in rows.items()
            if name != NEIGHBOURS
        },
    }


def asked(found: Set) -> tuple[Splits, dict[tuple[int, int], Deeds]]:
    """Questions by time, and what is known of the person at each, by user and moment."""
    behaviour = found.data.behaviour
    events, liked = behaviour.events, behaviour.wanted
    likings = events.only(liked)
    turns = [time_at(events, share) for share in (VALIDATION_FROM, TEST_FROM)]
    deeds: dict[tuple[int, int], Deeds] = {}
    parts = []
    for start, end in zip(turns, [turns[1], int(events.times_us.max()) + 1], strict=True):
        cases = []
        for user, now, wanted in comebacks(events, liked, start, end):
            history = likings.history(user, asked_us=now)
            before = history.times_us < now
            if not before.any():
                continue
            kept = replace(history, items=history.items[before], times_us=history.times_us[before])
            cases.append(Case(user=user, history=kept, targets=wanted))
            deeds[user, now] = deeds_before(found, user, now)
        parts.append(Part(fit=likings.only(likings.times_us < start), cases=tuple(cases)))
    splits = Splits(config=SplitConfig(), seen="", validation=parts[0], test=parts[1])
    return splits, deeds


def comebacks(
    events: Histories, liked: np.ndarray[Any, np.dtype[np.bool_]], start: int, end: int
) -> list[tuple[int, int, Numbers]]:
    """User, moment and what is liked within a day, after a day or more without any event."""
    found = []
    for user in range(len(events)):
        rows = np.arange(events.offsets[user], events.offsets[user + 1])
        times = events.times_us[rows]
        for place in np.flatnonzero(np.diff(times) >= DAY_US) + 1:
            now = int(times[place])
            if not start <= now < end:
                continue
            day = rows[(times >= now) & (times < now + DAY_US)]
            wanted = events.items[day[liked[day]]]
            if len(wanted):
                found.append((user, now, np.unique(wanted)))
    return found


def deeds_before(found: Set, user: int, now: int) -> Deeds:
    """What somebody did before a moment."""
    behaviour = found.data.behaviour
    start = behaviour.events.offsets[user]
    end = behaviour.places(Moments(users=np.array([user]), times_us=np.array([now])))[0]
    return Deeds(
        user_id=str(user),
        items=behaviour.events.items[start:end],
        types=tuple(ACTIONS[one] for one in behaviour.channels[start:end]),
        times_us=behaviour.events.times_us[start:end],
        asked_us=now - 1,
    )


def signals(found: Set, training: IntentTraining, seed: int, work: Path) -> dict[str, Rate]:
    """Category intent, and the same said by recency and frequency; of who comes back, weekly."""
    behaviour = found.data.behaviour
    clock = replace(found.data.clock, horizon=1)
    turns = [time_at(behaviour.events, share) for share in (VALIDATION_FROM, TEST_FROM)]
    first = int(behaviour.events.times_us.min()) + clock.bin_us
    learnt = moments_between(behaviour, clock, first, turns[0])
    later = moments_between(behaviour, clock, *turns)
    data = IntentData(
        behaviour=behaviour,
        clock=clock,
        learnt=learnt.only(returning(behaviour, clock, learnt)),
        validation=later.only(returning(behaviour, clock, later)),
    )
    source = CategorySource(by="tags", names=found.categories)
    path = work / f"films-returning-{seed}.safetensors"
    if not path.exists():
        network, progress = train_intent(data, found.shape, replace(training, seed=seed))
        print(f"returning {seed}: {progress}", file=sys.stderr, flush=True)
        usual = chances(network, behaviour, clock, data.learnt).mean(axis=0)
        CategoryIntent(
            network=network, clock=clock, source=source, actions=ACTIONS, usual=usual
        ).save(path)
    signal = IntentSignal(intent=CategoryIntent.load(path), membership=behaviour.membership)
    regression = fit_recency_frequency(data, found.shape.num_actions, len(data.learnt), seed)
    usual = regression.chances(data, data.learnt).mean(axis=0)
    own = behaviour.membership / np.maximum(behaviour.membership.sum(axis=1, keepdims=True), 1)

    def by_regression(deeds: Deeds, items: Numbers) -> Floats:
        now = Moments(users=np.array([int(deeds.user_id)]), times_us=np.array([deeds.asked_us + 1]))
        gained = np.log(regression.chances(data, now)[0]) - np.log(usual)
        return np.asarray(own[items] @ gained, np.float32)

    return {"with category intent": signal.rate, "with recency and frequency": by_regression}


def questions(
    part: Part, base: ItemScorer, rate: Rate, deeds: dict[tuple[int, int], Deeds]
) -> list[Question]:
    """What was liked, among others, and what each says of them."""
    random, made = np.random.default_rng(0), []
    for case in part.cases:
        scores = np.log(base.score([case.history])[0] + LEAST)
        items = candidates(scores, case.history)
        said = rate(deeds[case.user, case.history.asked_us], items)
        liked = np.flatnonzero(np.isin(items, case.targets))
        for chosen in random.permutation(liked)[:CHOICES].tolist():
            # The others that were liked, too, are no worse than the one chosen.
            others = np.setdiff1d(np.arange(len(items)), np.setdiff1d(liked, chosen))
            told = np.stack([scores[items[others]], said[others]])
            place = int(np.searchsorted(others, chosen))
            nothing = np.zeros(len(others), np.float32)
            made.append(Question(base=nothing, signals=told, chosen=place))
    return made


def candidates(scores: Floats, history: History) -> Numbers:
    """What neighbours would give: the best that are not in the history, by rising number."""
    unseen = scores.copy()
    unseen[history.items] = -np.inf
    return np.sort(np.argpartition(-unseen, POOL)[:POOL])


def interval(
    ones: list[Evaluation], others: list[Evaluation], part: Part, figure: str
) -> dict[str, float]:
    """Difference of the mean over seeds, and its interval of 95 % over people."""
    each = np.mean(
        [
            one.by_case[figure] - other.by_case[figure]
            for one, other in zip(ones, others, strict=True)
        ],
        axis=0,
    )
    users = np.array([part.cases[case].user for case in ones[0].cases.tolist()])
    people, place = np.unique(users, return_inverse=True)
    random = np.random.default_rng(0)
    means = []
    for _ in range(RESAMPLES):
        weights = np.bincount(random.integers(len(people), size=len(people)), minlength=len(people))
        means.append(np.average(each, weights=weights[place]))
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "mean": round(float(each.mean()), 5),
        "low": round(float(low), 5),
        "high": round(float(high), 5),
    }
