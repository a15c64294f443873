"""Do content vectors help a sequence model, and most where ids are scarce?

- Films: everything before a moment is learnt from, and every event after it is a question: what
  does this user, who has these events behind them, go on to? At most ``MOST_ASKED`` questions are
  asked per user, spread evenly. Validation is the ninth tenth of all events by time, the test the
  last tenth.
- Places: leave-one-out, of ``YELP_USERS`` users drawn once and the places they went to; sequences
  without times.
- Every item of the catalogue is ranked, what a user has is left out. Figures are given for all
  questions and for those whose answer has fewer than ``SCARCE`` events to learn from.
- What a model is by ids, content or both, it is the same otherwise. Settings are chosen on
  validation by ndcg at 10 with seed 0, for each kind alike; when learning ends is decided by events
  held out from what is learnt from. Intervals are bootstrapped over users.

    python benchmarks/content.py --ratings DIR --posters DIR --plots DIR --yelp DIR --cache DIR
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.content_sets import ContentSet, films, places
from benchmarks.environment import RESULTS, environment, write_result
from ingest.histories import Histories
from ranking.baselines import baselines
from ranking.evaluate import Evaluation, EvaluationConfig, evaluate
from ranking.held_out import hold_out
from ranking.ranker_fit import Content, fit_ranker
from ranking.ranker_settings import RankerSettings
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequences import Sequences
from ranking.splits import Case, Part, SplitConfig, split
from ray_jobs.recipe import digest_of
from retrieval.scoring import ItemScorer

COMMAND = (
    "python benchmarks/content.py --ratings DIR --posters DIR --plots DIR --yelp DIR --cache DIR"
)
SEEDS = (0, 1, 2)
SCARCE = 5
"""Events to learn from, below which an item's id can say little."""
MOST_ASKED = 50
YELP_USERS = 8_000
"""Of 30,431: what a busy machine of two cores can learn from in time."""
FIGURES = ("hit@10", "ndcg@10")
RESAMPLES = 2_000
BASE = RankerSettings(
    width=64, length=100, num_drawn=256, batch_size=8, epochs=40, patience=6, device="cpu"
)
"""Small steps: there are only six hundred users, and learning needs some hundreds of steps before
it knows more than what is popular."""
KINDS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "ids": tuple({"dropped_ratio": d} for d in (0.2, 0.5)),
    "content": ({"dropped_ratio": 0.2},),
    "both": tuple({"dropped_ratio": 0.2, "id_dropped_ratio": i} for i in (0.2, 0.5)),
}
"""Settings that validation chooses among, by what items are known by. Each has as many tries as the
machine allowed, and the baseline of all, ids, not fewer than the others."""
Parts = tuple[Part, Part]
Numbers = NDArray[np.int64]


def by_time(histories: Histories) -> Parts:
    """Validation and test of a time split, each event after its moment a question."""
    times = np.sort(histories.times_us)
    cuts = [int(times[int(share * len(times))]) for share in (0.8, 0.9)]
    return _asked(histories, cuts[0], cuts[1]), _asked(histories, cuts[1], int(times[-1]) + 1)


def _asked(histories: Histories, start: int, stop: int) -> Part:
    later = (histories.times_us >= start) & (histories.times_us < stop)
    cases = [case for user in range(len(histories)) for case in _of_user(histories, user, later)]
    return Part(fit=histories.only(histories.times_us < start), cases=tuple(cases))


def _of_user(histories: Histories, user: int, later: NDArray[np.bool_]) -> Iterator[Case]:
    start = int(histories.offsets[user])
    places = np.flatnonzero(later[start : histories.offsets[user + 1]])
    places = places[places > 0]
    if len(places) > MOST_ASKED:
        places = places[np.linspace(0, len(places) - 1, MOST_ASKED).astype(int)]
    whole = histories.history(user)
    for place in places.tolist():
        given = replace(
            whole,
            items=whole.items[:place],
            times_us=whole.times_us[:place],
            asked_us=int(whole.times_us[place - 1]),
        )
        yield Case(user=user, history=given, targets=whole.items[[place]])


def some_users(data: ContentSet, most: int) -> ContentSet:
    """Some of the users, drawn by seed 0, and the items that they have."""
    events = data.histories
    drawn = np.zeros(len(events), bool)
    drawn[np.random.default_rng(0).permutation(len(events))[:most]] = True
    kept = events.only(drawn[events.user_of_event])
    items, numbers = np.unique(kept.items, return_inverse=True)
    ids = tuple(events.item_ids[number] for number in items.tolist())
    return replace(
        data, histories=replace(kept, item_ids=ids, items=numbers), content=data.content[items]
    )


def leave_one_out(histories: Histories) -> Parts:
    """Validation and test of leave-one-out."""
    splits = split(histories, SplitConfig())
    return splits.validation, splits.test


def learnt(data: ContentSet, part: Part, settings: RankerSettings, cache: Path) -> ItemScorer:
    """Learn from a part's events, or take what an earlier run has learnt from them."""
    events = Sequences(histories=part.fit)
    name = digest_of([data.name, events.digest, asdict(settings)])
    path = cache / f"{data.name}-{name}.safetensors"
    content = Content(vectors=data.content)
    ids = data.histories.item_ids
    if not path.exists():
        fitted = fit_ranker(hold_out(events, settings.seed), settings, content)
        fitted.recommender.save(path)
    return SequenceRecommender.load(path, ids, data.content)


class Judge:
    """Figures of scorers on one part.

    Args:
        part: the questions.
    """

    def __init__(self, part: Part, content: NDArray[np.float32]) -> None:
        self._part, self._content = part, content
        counts = np.bincount(part.fit.items, minlength=part.fit.num_items)
        self._users = np.array([case.user for case in part.cases])
        self._scarce = np.array([counts[case.targets[0]] < SCARCE for case in part.cases])

    def sizes(self) -> dict[str, int]:
        """How much is asked."""
        return {
            "events to learn from": len(self._part.fit.items),
            "questions": len(self._users),
            "users asked": len(np.unique(self._users)),
            f"questions about items with fewer than {SCARCE} events": int(self._scarce.sum()),
        }

    def evaluate(self, scorer: ItemScorer) -> Evaluation:
        """Ask everything."""
        return evaluate(scorer, self._part, EvaluationConfig(ks=(10,)), self._content)

    def figures(self, found: Evaluation) -> dict[str, dict[str, float]]:
        """Means over all questions, and over those about items with few events."""
        scarce = self._scarce[found.cases]
        beyond = {
            name: value
            for name, value in found.figures.items()
            if name.startswith(("coverage", "novelty", "diversity"))
        }
        return {
            "all": {**{n: float(found.by_case[n].mean()) for n in FIGURES}, **beyond},
            "scarce": {n: float(found.by_case[n][scarce].mean()) for n in FIGURES},
        }

    def gaps(self, one: Evaluation, other: Evaluation) -> dict[str, dict[str, list[float]]]:
        """Intervals, 95 %, of how much better one is: users are drawn, not questions."""
        return {
            which: {
                n: self._gap(one.by_case[n] - other.by_case[n], self._users[one.cases], mask)
                for n in FIGURES
            }
            for which, mask in (
                ("all", np.ones(len(one.cases), bool)),
                ("scarce", self._scarce[one.cases]),
            )
        }

    def _gap(
        self, differences: NDArray[np.float64], asked: Numbers, mask: NDArray[np.bool_]
    ) -> list[float]:
        _, group = np.unique(asked[mask], return_inverse=True)
        sums, counts = np.bincount(group, differences[mask]), np.bincount(group)
        draw = np.random.default_rng(0)
        means = []
        for _ in range(RESAMPLES):
            users = draw.integers(len(sums), size=len(sums))
            means.append(sums[users].sum() / counts[users].sum())
        return [float(q) for q in np.quantile(means, [0.025, 0.975])]


def chosen(
    data: ContentSet, kind: str, part: Part, base: RankerSettings, cache: Path
) -> dict[str, Any]:
    """Try the settings of a kind on validation."""
    judge, tried = Judge(part, data.content), []
    for changes in KINDS[kind]:
        started = time.monotonic()
        scorer = learnt(data, part, replace(base, knows=kind, **changes), cache)
        found = judge.figures(judge.evaluate(scorer))
        tried.append({**changes, "ndcg@10": found["all"]["ndcg@10"], "scarce": found["scarce"]})
        print(data.name, kind, tried[-1], f"{time.monotonic() - started:.0f} s", flush=True)
    best_settings = max(range(len(tried)), key=lambda n: tried[n]["ndcg@10"])
    return {"settings": KINDS[kind][best_settings], "tried": tried}


def compare(data: ContentSet, parts: Parts, base: RankerSettings, cache: Path) -> dict[str, Any]:
    """All kinds on one set."""
    validation, test = parts
    judge = Judge(test, data.content)
    result: dict[str, Any] = {
        "sizes": {"items": len(data.content), "with picture": data.with_picture, **judge.sizes()},
        "settings of all": asdict(base),
        "baselines": dict(_baselines(test, judge)),
    }
    runs: dict[str, list[Evaluation]] = {}
    for kind in KINDS:
        choice = chosen(data, kind, validation, base, cache)
        same = replace(base, knows=kind, **choice["settings"])
        runs[kind] = [
            judge.evaluate(learnt(data, test, replace(same, seed=seed), cache)) for seed in SEEDS
        ]
        result[kind] = {**choice, "test": _over_seeds([judge.figures(run) for run in runs[kind]])}
        print(data.name, kind, result[kind]["test"], flush=True)
    result["both above ids"] = [
        judge.gaps(one, other) for one, other in zip(runs["both"], runs["ids"], strict=True)
    ]
    return result


def _baselines(part: Part, judge: Judge) -> Iterator[tuple[str, Any]]:
    """Popularity and item neighbours, the latter with the settings in the middle of its grid."""
    for contender in baselines(part.fit)[0]:
        if contender.name in ("popular", "item neighbours"):
            scorer = contender.fit(part.fit, contender.grid[len(contender.grid) // 2], None)
            yield contender.name, judge.figures(judge.evaluate(scorer))


def _over_seeds(runs: Sequence[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Mean and standard deviation of every figure."""
    return {
        which: {
            name: {
                "mean": float(np.mean([run[which][name] for run in runs])),
                "sd": float(np.std([run[which][name] for run in runs], ddof=1)),
            }
            for name in runs[0][which]
        }
        for which in runs[0]
    }


def main() -> None:
    """Measure and write; a set whose folder is not given keeps its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("ratings", "posters", "plots", "yelp"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "content")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.cache.mkdir(parents=True, exist_ok=True)
    where = {"environment": {**environment(("numpy", "torch", "onnxruntime")), "command": COMMAND}}
    if args.ratings:
        data = films(args.ratings, args.posters, args.plots, args.cache)
        found = compare(data, by_time(data.histories), BASE, args.cache)
        keep(f"{data.name}, time", {**where, **found})
    if args.yelp:
        data = some_users(places(args.yelp, args.cache), YELP_USERS)
        base = replace(BASE, length=50, batch_size=128, epochs=30, patience=4)
        found = compare(data, leave_one_out(data.histories), base, args.cache)
        keep(f"{data.name}, leave-one-out", {**where, **found})


def keep(name: str, found: dict[str, Any]) -> None:
    """Write the figures of one set beside those of the other."""
    path = RESULTS / "content.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    write_result("content", {**known, name: found})


if __name__ == "__main__":
    main()
