"""What people want next, by category: each part of category intent, and a ranker that is told.

Sets are cut by time: learnt before 80 % of the events, chosen until 90 %, measured after that.
Moments are rolled, a bin apart; everybody who did something in the bins before is asked about. For
each the network with all parts and with one left out, three seeds, beside logistic regression on
recency, frequency and category. Intervals are those of 95 % over people, of the mean over seeds.

The ranker (films): each time somebody comes back after a day or more is a question, what they like
on that day is asked for. Item neighbours choose their settings on validation; what each signal
counts is learnt on validation, too.

Results of each network are kept in the work folder, so a run that was killed goes on, and several
processes may share the work: ``--seeds 1`` does seed 0 alone.

    python benchmarks/intent.py --films ml-latest-small --games games --work DIR
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import RESULTS, environment, write_result
from benchmarks.intent_ranking import measure_ranking
from benchmarks.intent_sets import Set, films, games
from ranking.intent_baseline import fit_recency_frequency
from ranking.intent_config import IntentTraining
from ranking.intent_cubes import Floats, wants_of
from ranking.intent_figures import FIGURES, Answers, rounded
from ranking.intent_training import chances, train_intent

VARIANTS: dict[str, dict[str, Any]] = {
    "all parts": {},
    "no pyramid": {"pyramid": False},
    "no recurrence": {"recurrence": False},
    "no gate": {"gate": False},
    "no graph": {"graph": False},
}
REGRESSION = "recency and frequency"
MOST_REGRESSED = 10_000
"""Moments that the regression learns from, at most."""
STRENGTHS = (0.01, 1.0)
"""Inverse pulls that it chooses from on validation."""
RATES = (3e-3, 1e-2)
"""Steps of Adam that each set chooses from on validation, with the first seed."""
DRAWS = 500
"""Of the people, for intervals."""
SETS = {"films": films, "games": games}


def main() -> None:
    """Measure and write ``results/intent.json``; a set that is not given keeps its figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--films", type=Path, help="folder of movies.csv and ratings.csv")
    options.add_argument("--games", type=Path, help="folder of train.csv, validation.csv, test.csv")
    options.add_argument("--seeds", type=int, default=3, help="seeds 0 and up")
    options.add_argument("--only", type=int, help="learn the networks of this seed, write nothing")
    options.add_argument("--work", type=Path, required=True, help="folder for what was learnt")
    chosen = options.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name, read in SETS.items():
        folder = getattr(chosen, name)
        if folder is None:
            continue
        found = read(folder)
        if chosen.only is not None:
            learn_all(name, found, chosen.only, chosen.work)
            continue
        where = environment(("numpy", "torch", "scikit-learn"))
        where["command"] = f"python benchmarks/intent.py --{name} FOLDER --work DIR"
        seeds, work = range(chosen.seeds), chosen.work
        keep(name, {"environment": where, **measure(name, found, chosen.seeds, work)})
        if name == "films":
            told = measure_ranking(found, training_for(name, found, work), seeds, work)
            keep("ranking", {"environment": where, **told})


def keep(name: str, told: dict[str, Any]) -> None:
    """Write one part of the result; the others stay as they are."""
    path = RESULTS / "intent.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    write_result("intent", {**before, name: told})


def measure(name: str, found: Set, seeds: int, work: Path) -> dict[str, Any]:
    """Measure everything on one set."""
    runs = [learn_all(name, found, seed, work) for seed in range(seeds)]
    true = wants_of(found.data.behaviour, found.data.clock, found.test)

    def answers(told: Floats) -> Answers:
        return Answers(users=found.test.users, true=true, chances=told)

    rows, drawn = {}, {}
    for variant in (REGRESSION, *VARIANTS):
        each = [answers(run[variant]) for run in runs]
        figures = [one.figures() for one in each]
        rows[variant] = {
            figure: {
                "mean": round(float(np.mean([one[figure] for one in figures])), 5),
                "sd": round(float(np.std([one[figure] for one in figures], ddof=1)), 5),
            }
            for figure in FIGURES
        }
        drawn[variant] = np.mean([one.drawn(DRAWS) for one in each], axis=0)
    whole = "all parts"
    return {
        **found.told,
        "categories": found.categories,
        "shape": asdict(found.shape),
        "training": asdict(training_for(name, found, work)),
        "clock": asdict(found.data.clock),
        "share of moments with something wanted": round(float(true.any(axis=1).mean()), 4),
        "test": rows,
        "all parts above": {
            variant: {
                figure: {
                    "mean": round(rows[whole][figure]["mean"] - rows[variant][figure]["mean"], 5),
                    "low": round(float(low), 5),
                    "high": round(float(high), 5),
                }
                for figure, low, high in zip(
                    FIGURES,
                    *np.nanquantile(drawn[whole] - drawn[variant], [0.025, 0.975], axis=0),
                    strict=True,
                )
            }
            for variant in drawn
            if variant != whole
        },
        "learning": [run["told"] for run in runs],
    }


def learn_all(name: str, found: Set, seed: int, work: Path) -> dict[str, Any]:
    """Chances on the test by every variant of a seed, and how learning went."""
    learnt: dict[str, Any] = {"told": {}}
    for variant in (REGRESSION, *VARIANTS):
        path = work / f"{name}-{variant.replace(' ', '-')}-{seed}.npz"
        if not path.exists():
            started = time.process_time()
            told, what = (
                regressed(found, seed)
                if variant == REGRESSION
                else networked(
                    found, replace(training_for(name, found, work), seed=seed), VARIANTS[variant]
                )
            )
            what["cpu_seconds"] = round(time.process_time() - started, 1)
            np.savez(path, chances=told, told=json.dumps(what))
            print(f"{path.stem}: {what}", file=sys.stderr, flush=True)
        with np.load(path) as kept:
            learnt[variant] = kept["chances"]
            learnt["told"][variant] = json.loads(str(kept["told"]))
    return learnt


def training_for(name: str, found: Set, work: Path) -> IntentTraining:
    """The way of learning whose step reaches most on validation, with all parts and seed 0."""
    path = work / f"{name}-chosen.json"
    if not path.exists():
        reached = {}
        for rate in RATES:
            training = replace(found.training, learning_rate=rate)
            reached[rate] = train_intent(found.data, found.shape, training)[1].best
        print(f"{name}: {reached}", file=sys.stderr, flush=True)
        path.write_text(json.dumps(max(RATES, key=lambda rate: reached[rate])))
    return replace(found.training, learning_rate=json.loads(path.read_text()))


def networked(
    found: Set, training: IntentTraining, changes: dict[str, Any]
) -> tuple[Floats, dict[str, Any]]:
    """What a network says on the test."""
    data = found.data
    network, progress = train_intent(data, replace(found.shape, **changes), training)
    told = chances(network, data.behaviour, data.clock, found.test)
    return told, {"best_epoch": progress.best_epoch, "validation_ap": round(progress.best, 5)}


def regressed(found: Set, seed: int) -> tuple[Floats, dict[str, Any]]:
    """What the regression says on the test, its pull chosen on validation."""
    data, actions = found.data, found.shape.num_actions
    true = wants_of(data.behaviour, data.clock, data.validation)
    best: tuple[float, Floats, dict[str, Any]] | None = None
    for strength in STRENGTHS:
        model = fit_recency_frequency(data, actions, MOST_REGRESSED, seed, strength)
        judged = Answers(
            users=data.validation.users, true=true, chances=model.chances(data, data.validation)
        )
        figures = rounded(judged.figures())
        if best is None or figures["micro_ap"] > best[0]:
            told = model.chances(data, found.test)
            chosen = {"strength": strength, "validation_ap": figures["micro_ap"]}
            best = (figures["micro_ap"], told, chosen)
    assert best is not None
    return best[1], best[2]


if __name__ == "__main__":
    main()
