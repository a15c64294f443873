"""How much one vector, several pooled ones, and one per likely interest find, on public sets.

Protocol of Cen et al. 2020 (ComiRec): users split eight to one to one (seed 1230), models learn
from the first part only; the first four fifths of a held-out user's events are given, the rest is
asked for. Every item is ranked; what a user has is left out.

All learnt models share the items drawn, the batch, the rate and the rounds without gain that end
learning; each chooses on validation of the first set how much is dropped. Pools read the items as
they are (as ComiRec does); one vector and interests have a causal encoder. What else is set was
tried on validation of Amazon Beauty. Results of a seed are written as soon as they are there; a run
that was killed goes on where it stood in the same work folder.

    python benchmarks/interests.py --beauty Beauty.txt --yelp Yelp.txt --work DIR

Files have one line per user: the user, then items in order (the files of S3-Rec).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import RESULTS, environment, write_result
from ingest.event_files import EventFile
from ingest.event_rules import EventRules
from ingest.histories import Histories
from ranking.baselines import baselines, compare
from ranking.evaluate import Evaluation, EvaluationConfig, evaluate, gap
from ranking.interest_config import InterestConfig, InterestTraining, Merge
from ranking.interest_network import Asked, InterestNetwork
from ranking.interest_progress import InterestProgress
from ranking.interest_recommender import InterestRecommender
from ranking.interest_training import InterestData, train_interests
from ranking.interest_validation import Held, padded
from ranking.ranker import items_of
from ranking.sequences import Sequences, rows_learnt_from
from ranking.splits import Case, SplitConfig, Splits, split
from sensorium.evaluate import read_liked

RULES = EventRules(positives=("click",))
PROTOCOL = SplitConfig(protocol="users", seed=1230)
MEASURED = EvaluationConfig(ks=(50, 20))
SHAPE = InterestConfig(num_ids=1, num_interests=4, sizes=(64, 64))
"""Of all kinds; the number of ids is that of the set."""
ONE, INTERESTS = replace(SHAPE, kind="one"), replace(SHAPE, kind="interests")
POOLED = replace(SHAPE, kind="attention", num_layers=0)
SHAPES = (ONE, POOLED, INTERESTS)
DROPPED = (0.2, 0.5)
"""Shares of numbers dropped that each kind chooses from, with the first seed."""
TRAINING = InterestTraining(
    epochs=30,
    warm_epochs=8,
    patience=3,
    learning_rate=3e-3,
    own_ratio=1.0,
    free_ratio=0.0,
)
NUMBERS = (4, 8, 20)
"""K that interests are asked for."""
MERGES: tuple[Merge, ...] = ("max", "chance")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learnt:
    """A model, and how it was learnt."""

    scorer: InterestRecommender
    progress: InterestProgress


def main() -> None:
    """Measure and write ``results/interests.json``; a set that is not given keeps its figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--beauty", type=Path, help="Beauty.txt")
    options.add_argument("--yelp", type=Path, help="Yelp.txt")
    options.add_argument("--seeds", type=int, default=3, help="seeds 0 and up")
    options.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    chosen = options.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    path = RESULTS / "interests.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    result |= {
        "protocol": asdict(PROTOCOL),
        "settings": {
            "training": asdict(TRAINING),
            **{shape.kind: asdict(shape) for shape in SHAPES},
        },
    }
    for name, file in (("amazon-beauty", chosen.beauty), ("yelp", chosen.yelp)):
        if file is None:
            continue
        first = name == "amazon-beauty" or "amazon-beauty" not in result
        dropped = None if first else result["amazon-beauty"]["dropped_ratio"]
        where = environment(("numpy", "scipy", "torch", "scikit-learn"))
        where["command"] = f"python benchmarks/interests.py --{name.split('-')[-1]} FILE --work DIR"
        for measured in measure(file, range(chosen.seeds), chosen.work / name, dropped):
            result[name] = {"environment": where, **measured}
            write_result("interests", result)


def measure(
    path: Path, seeds: Sequence[int], work: Path, dropped: dict[str, float] | None
) -> Iterator[dict[str, Any]]:
    """Measure everything on one file; gives what is known so far, again after every seed.

    Args:
        path: of the file.
        seeds: to learn with.
        work: folder of the checkpoints of this set.
        dropped: share dropped by kind; None to choose it here.
    """
    work.mkdir(exist_ok=True)
    histories = read_liked(EventFile(str(path), "sequences"), RULES, lambda _share, _words: None)
    splits = split(histories, PROTOCOL)
    told: dict[str, Any] = {
        "users": len(histories),
        "items": histories.num_items,
        "events": len(histories.items),
        "asked in the test": len(splits.test.cases),
        "baselines": plain(histories, splits),
    }
    shapes = [
        chosen_shape(splits, shape, seeds[0], work)
        if dropped is None
        else replace(shape, dropped_ratio=dropped[shape.kind])
        for shape in SHAPES
    ]
    told["dropped_ratio"] = {shape.kind: shape.dropped_ratio for shape in shapes}
    runs: list[dict[str, Any]] = []
    for seed in seeds:
        models = [learn(splits, shape, seed, work) for shape in shapes]
        runs.append({"seed": seed, **measure_seed(splits, *models)})
        print(runs[-1], file=sys.stderr)
        yield {**told, "learnt": over_seeds(runs), "runs": runs}


def plain(histories: Histories, splits: Splits) -> dict[str, Any]:
    """What popularity and item neighbours reach."""
    contenders = [
        one for one in baselines(histories)[0] if one.name in {"popular", "item neighbours"}
    ]
    return {
        one.name: {**rounded(one.evaluation.figures), "settings": one.settings}
        for one in compare(splits, contenders, MEASURED, most_validated=1_000)
    }


def measure_seed(splits: Splits, one: Learnt, pooled: Learnt, interests: Learnt) -> dict[str, Any]:
    """Ask the models of a seed everything."""
    merge, by_merge = chosen_merge(splits, interests.scorer)
    ks = {k: interests.scorer.with_settings(num_interests=k, merge=merge) for k in NUMBERS}
    scorers = {
        "one vector": one.scorer,
        "four vectors by attention": pooled.scorer,
        **{f"{k} interests": scorer for k, scorer in ks.items()},
    }
    found = {name: evaluate(scorer, splits.test, MEASURED) for name, scorer in scorers.items()}
    return {
        "test": {name: rounded(each.figures) for name, each in found.items()},
        "gap to one vector, recall@50": {
            name: gap_of(each, found["one vector"])
            for name, each in found.items()
            if name != "one vector"
        },
        "merge": {"chosen on validation": merge, "recall@50": by_merge},
        "cosine between the vectors of a user": {
            "four vectors by attention": closeness(pooled.scorer, splits.test.cases),
            "4 interests": closeness(interests.scorer, splits.test.cases),
        },
        "dictionary": {
            "perplexity": interests.progress.perplexity,
            "dead_ratio": interests.progress.dead_ratio,
        },
        "next code found": code_accuracy(interests.scorer, splits.test.cases),
        "next item among fifty": next_item(one.scorer, interests.scorer, splits.test.cases),
        "learning": {
            name: {
                "epochs": each.progress.epoch,
                "best_epoch": each.progress.best_epoch,
                "validation_recall@50": round(each.progress.best, 5),
            }
            for name, each in (("one", one), ("attention", pooled), ("interests", interests))
        },
    }


def chosen_shape(splits: Splits, shape: InterestConfig, seed: int, work: Path) -> InterestConfig:
    """The shape with as much dropped as finds most on validation."""
    shapes = [replace(shape, dropped_ratio=dropped) for dropped in DROPPED]
    found = [learn(splits, one, seed, work).progress.best for one in shapes]
    return shapes[int(np.argmax(found))]


def learn(splits: Splits, shape: InterestConfig, seed: int, work: Path) -> Learnt:
    """Learn one kind from the users of the first part."""
    fit = splits.validation.fit
    name = f"{shape.kind}-{shape.dropped_ratio}-{seed}"
    rows = rows_learnt_from(fit)
    torch.manual_seed(seed)
    network = InterestNetwork(replace(shape, num_ids=len(rows.known)))
    data = InterestData(
        sequences=Sequences(histories=fit), validation=splits.validation.cases, rows=rows
    )

    def show(progress: InterestProgress) -> None:
        print(f"{name}: {progress}", file=sys.stderr)

    progress = train_interests(data, network, replace(TRAINING, seed=seed), work / name, show)
    scorer = InterestRecommender(
        network=network,
        item_ids=tuple(fit.item_ids[number] for number in rows.known),
        rows=rows,
    )
    return Learnt(scorer=scorer, progress=progress)


def chosen_merge(splits: Splits, scorer: InterestRecommender) -> tuple[Merge, dict[str, float]]:
    """The way to merge that finds more on validation, and what each finds."""
    held = Held(cases=splits.validation.cases, rows=scorer.rows)
    found = {merge: held.recall(scorer.with_settings(merge=merge).network) for merge in MERGES}
    return max(MERGES, key=lambda merge: found[merge]), rounded(dict(found))


def closeness(scorer: InterestRecommender, cases: Sequence[Case]) -> float:
    """Mean cosine between any two vectors of a user, mean over users."""
    means = []
    for part in parts(cases):
        vectors = ask(scorer, part, SHAPE.num_interests).vectors
        cosines = vectors @ vectors.transpose(1, 2)  # (B, K, K)
        number = vectors.shape[1]
        off = cosines.sum(dim=(1, 2)) - cosines.diagonal(dim1=1, dim2=2).sum(dim=1)
        means.append((off / (number * (number - 1))).numpy())
    return round(float(np.concatenate(means).mean()), 4)


def code_accuracy(scorer: InterestRecommender, cases: Sequence[Case]) -> dict[str, Any]:
    """Share of users whose next item's code is among K, foretold or most often in the history.

    Evolution is where the code, or its first level, is not in the history: there the history finds
    nothing.
    """
    told: dict[str, Any] = {}
    true = scorer.codes[[case.targets[0] for case in cases]]  # (B, L)
    before = [scorer.codes[case.history.items] for case in cases]
    drawn = np.concatenate(
        [ask(scorer, part, max(NUMBERS)).codes.numpy() for part in parts(cases)]
    )  # (B, K, L)
    for name, levels in (("first level", 1), ("whole code", true.shape[1])):
        wanted = [tuple(row[:levels]) for row in true.tolist()]
        known = [[tuple(row[:levels]) for row in codes.tolist()] for codes in before]
        new = np.array([one not in seen for one, seen in zip(wanted, known, strict=True)])
        figures: dict[str, Any] = {"share of evolution": round(float(new.mean()), 4)}
        for k in NUMBERS:
            foretold = [
                one in {tuple(row[:levels]) for row in rows[:k].tolist()}
                for one, rows in zip(wanted, drawn, strict=True)
            ]
            often = [one in most_often(seen, k) for one, seen in zip(wanted, known, strict=True)]
            figures[f"@{k}"] = {
                "foretold": round(float(np.mean(foretold)), 4),
                "history": round(float(np.mean(often)), 4),
                "foretold, evolution": round(float(np.array(foretold)[new].mean()), 4),
            }
        told[name] = figures
    return told


def most_often(seen: Sequence[tuple[int, ...]], number: int) -> set[tuple[int, ...]]:
    """The codes that occur most often, of equal ones the latest."""
    counts: dict[tuple[int, ...], tuple[int, int]] = {}
    for place, one in enumerate(seen):
        counts[one] = (counts.get(one, (0, 0))[0] + 1, place)
    return set(sorted(counts, key=lambda one: counts[one], reverse=True)[:number])


def next_item(
    one: InterestRecommender, interests: InterestRecommender, cases: Sequence[Case]
) -> dict[str, float]:
    """Share of users whose very next item is among fifty: by each kind, and were its code known."""
    hits: dict[str, list[bool]] = {"one vector": [], "4 interests": [], "its own interest": []}
    for part in parts(cases):
        true = torch.from_numpy(interests.codes[[case.targets[0] for case in part]])
        oracle = oracle_scores(interests, part, true)
        for name, scores in (
            ("one vector", one.score([case.history for case in part])),
            ("4 interests", interests.score([case.history for case in part])),
            ("its own interest", oracle),
        ):
            for line, case in zip(scores, part, strict=True):
                line[case.history.items] = -np.inf
                hits[name].append(int((line > line[case.targets[0]]).sum()) < 50)
    return {name: round(float(np.mean(each)), 4) for name, each in hits.items()}


@torch.inference_mode()
def oracle_scores(scorer: InterestRecommender, cases: Sequence[Case], codes: torch.Tensor) -> Any:
    """Scores by the vector of each user's true next code, (B, N)."""
    network = scorer.network
    events, lengths = padded([case.history for case in cases], network.config.length)
    states, _ = network.states(items_of(scorer.rows, events))
    last = states[torch.arange(len(lengths)), torch.from_numpy(lengths) - 1]
    return (network.of_interest(last, codes) @ torch.from_numpy(scorer.vectors).T).numpy()


@torch.inference_mode()
def ask(scorer: InterestRecommender, cases: Sequence[Case], number: int) -> Asked:
    """Query vectors of some cases."""
    network = scorer.network
    events, lengths = padded([case.history for case in cases], network.config.length)
    return network.ask(items_of(scorer.rows, events), torch.from_numpy(lengths), number)


def parts(cases: Sequence[Case], size: int = 256) -> Iterator[Sequence[Case]]:
    """Cases, some at a time."""
    for start in range(0, len(cases), size):
        yield cases[start : start + size]


def gap_of(one: Evaluation, other: Evaluation) -> dict[str, Any]:
    """Difference of recall at fifty, and its interval of 95 % over users."""
    low, high = gap(one, other, "recall@50")
    return {
        "mean": round(one.figures["recall@50"] - other.figures["recall@50"], 5),
        "low": round(low, 5),
        "high": round(high, 5),
    }


def over_seeds(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of the test figures of each model over seeds."""
    told = {}
    for name in runs[0]["test"]:
        each = [run["test"][name] for run in runs]
        told[name] = {
            figure: {
                "mean": round(float(np.mean([one[figure] for one in each])), 5),
                "sd": round(float(np.std([one[figure] for one in each], ddof=1)), 5)
                if len(each) > 1
                else None,
            }
            for figure in each[0]
        }
    return {"seeds": len(runs), **told}


def rounded(figures: Any) -> dict[str, float]:
    """Figures with five places."""
    return {name: round(float(value), 5) for name, value in figures.items()}


if __name__ == "__main__":
    main()
