"""How fast sequence models are learnt, and how well, beside RecTools' SASRec of the same budget.

- MovieLens-1M in the files of gSASRec (6,040 users, 3,416 items). Learnt from all but the last two
  events of each user; asked for the last, given all before, every item ranked but those of the
  history. The release lacks the last event but one of most users, so figures compare with each
  other only.
- Both sides: length, width, blocks, one head, dropout, batch and rounds alike, one thread each. The
  learning rate is chosen for each, with seed 0, on the last event but one, from the same list.
- Each event is held against 128 others: RecTools draws them for the event, ours for a step.
  ``ours, 1,024 drawn`` is what ours would choose, as more of them cost it little; it is also given
  as many rounds as fit into the seconds of RecTools.
- Seconds are those of the processor spent on learning, as others may use the machine. An event is
  one position to be found; both learn from the same ones.
- RecTools is not part of this project: give an interpreter of an environment that has it.

    python benchmarks/train.py --movielens-1m ml1m/ --rectools ENVIRONMENT/bin/python --work DIR

The folder holds the runs that are finished: a benchmark that was cut off goes on from there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.baselines import join_parts
from benchmarks.environment import environment, write_result
from ingest.event_files import EventFile
from ingest.event_rules import EventRules
from ingest.histories import Histories
from ranking.ranker import SequenceNetwork
from ranking.ranker_config import RankerConfig
from ranking.sequence_draws import SequenceTraining
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequence_training import SequenceData, train_ranker
from ranking.sequences import Sequences, rows_learnt_from
from retrieval.scoring import top_k
from sensorium.evaluate import read_liked

Numbers = NDArray[np.int64]
RULES = EventRules(positives=("click",))
WORKER = Path(__file__).with_name("train_rival.py")
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ours": ({"temperature": 0.07}, {"precision": "bfloat16"}),
    "ours, 1,024 drawn": ({"temperature": 0.07}, {"precision": "bfloat16", "num_drawn": 1024}),
    "ours, 1,024 drawn, as many seconds": (
        {"temperature": 0.07},
        {"precision": "bfloat16", "num_drawn": 1024},
    ),
}
"""What differs from the budget; chosen on Amazon Beauty, nothing but the rate is tuned here."""
PEER = "SASRec of RecTools"
MORE_ROUNDS = {"ours, 1,024 drawn, as many seconds": 2.5}
"""How many times the rounds of the others fit into the seconds that the peer takes."""
RATES = (1e-3, 3e-3)
FIXED_RATE = {"ours, 1,024 drawn, as many seconds": (1e-3,)}
"""Rates that are not chosen anew: the one that was for as many rounds as the others have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What both sides are given."""

    width: int = 64
    """D."""
    num_layers: int = 2
    """Blocks."""
    length: int = 50
    """Most events of a history."""
    dropped_ratio: float = 0.2
    """Share of numbers dropped while learning."""
    num_drawn: int = 128
    """Items that an event is held against: drawn by ours for a step, by RecTools for each event."""
    batch_size: int = 32
    """Users per step."""
    learning_rate: float = 1e-3
    """Step of the optimiser."""
    epochs: int = 20
    """Rounds."""
    seed: int = 0
    """Of everything random."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Questions:
    """What is learnt from, and what is asked."""

    learnt: Histories
    """All but the last two events of each user."""
    given: Histories
    """All but the last."""
    validation: Numbers
    """The last event but one of each user, (U,)."""
    test: Numbers
    """The last, (U,)."""

    @classmethod
    def of(cls, whole: Histories) -> Questions:
        """Cut whole histories."""
        places = whole.places_from_end
        ends = whole.offsets[1:]
        return cls(
            learnt=whole.only(places >= 2),
            given=whole.only(places >= 1),
            validation=whole.items[ends - 2],
            test=whole.items[ends - 1],
        )


def ours(asked: Questions, budget: Budget, name: str) -> dict[str, Any]:
    """Learn, and find the ten best items of each user for both questions, (U, 10)."""
    shape, training = VARIANTS[name]
    rows = rows_learnt_from(asked.learnt)
    torch.manual_seed(budget.seed)
    config = RankerConfig(
        num_ids=len(rows.known),
        width=budget.width,
        num_layers=budget.num_layers,
        length=budget.length,
        dropped_ratio=budget.dropped_ratio,
        **shape,
    )
    network, sequences = SequenceNetwork(config), Sequences(histories=asked.learnt)
    how = SequenceTraining(
        epochs=budget.epochs,
        keep="last",
        batch_size=budget.batch_size,
        learning_rate=budget.learning_rate,
        seed=budget.seed,
        **{"num_drawn": budget.num_drawn, **training},
    )
    started, used = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        data = SequenceData(sequences=sequences, validation=sequences, rows=rows)
        train_ranker(data, network, how, Path(folder) / "run", lambda _progress: None)
    seconds = time.perf_counter() - started, time.process_time() - used
    scorer = SequenceRecommender(
        network=network, item_ids=(), rows=rows, weights=np.ones(1, np.float32)
    )
    return {
        "seconds": seconds[0],
        "processor_seconds": seconds[1],
        "validation": ten_best(scorer, asked.learnt),
        "test": ten_best(scorer, asked.given),
    }


def ten_best(scorer: SequenceRecommender, given: Histories) -> Numbers:
    """The ten best items after each history that are not in it, (U, 10)."""
    found = np.zeros((len(given), 10), np.int64)
    for start in range(0, len(given), 256):
        users = range(start, min(start + 256, len(given)))
        scores = scorer.score([given.history(user) for user in users])
        for line, user in zip(scores, users, strict=True):
            line[given.history(user).items] = -np.inf
        found[users.start : users.stop] = top_k(scores, 10)
    return found


def rectools(asked: Questions, budget: Budget, interpreter: Path) -> dict[str, Any]:
    """The same by RecTools."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "events.npz"
        np.savez(
            arrays,
            learnt_users=asked.learnt.user_of_event,
            learnt_items=asked.learnt.items,
            given_users=asked.given.user_of_event,
            given_items=asked.given.items,
        )
        told = subprocess.run(
            [str(interpreter), str(WORKER), str(arrays), json.dumps(asdict(budget))],
            stdout=subprocess.PIPE,
            cwd=folder,
            text=True,
            check=True,
        )
    answer = json.loads(told.stdout.splitlines()[-1])
    for part in ("validation", "test"):
        found = np.full((len(asked.given), 10), -1)
        for user, items in answer[part].items():
            found[int(user), : len(items)] = items
        answer[part] = found
    return dict(answer)


def judged(found: Numbers, true: Numbers) -> dict[str, float]:
    """Figures of lists (U, 10) where one item each is right, (U,)."""
    hit = found == true[:, None]
    gain = (hit / np.log2(2 + np.arange(10))).sum(axis=1)
    return {"hit@10": float(hit.any(axis=1).mean()), "ndcg@10": float(gain.mean())}


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What is asked, who is asked, and where runs are kept."""

    asked: Questions
    epochs: int
    interpreter: Path
    work: Path

    def run(self, name: str, seed: int, rate: float) -> dict[str, Any]:
        """Learn one model once; gives its figures, of an earlier time where it was."""
        path = self.work / f"{name}-{seed}-{rate}.json".replace(" ", "-")
        if path.exists():
            return dict(json.loads(path.read_text()))
        rounds = round(self.epochs * MORE_ROUNDS.get(name, 1))
        budget = Budget(epochs=rounds, seed=seed, learning_rate=rate)
        if name == PEER:
            run = rectools(self.asked, budget, self.interpreter)
        else:
            run = ours(self.asked, budget, name)
        events = np.clip(self.asked.learnt.lengths - 1, 0, budget.length).sum() * budget.epochs
        told = {
            "model": f"{name} {run['version']}" if name == PEER else name,
            "seed": seed,
            "learning_rate": rate,
            "rounds": rounds,
            "validation": judged(run["validation"], self.asked.validation),
            "test": judged(run["test"], self.asked.test),
            "seconds": run["seconds"],
            "processor_seconds": run["processor_seconds"],
            "events_per_second": float(events) / run["processor_seconds"],
        }
        print(told, file=sys.stderr)
        path.write_text(json.dumps(told))
        return told

    def runs(self, name: str, seeds: list[int]) -> list[dict[str, Any]]:
        """Learn a model with each rate under the first seed, and with the better one under all."""
        first = [self.run(name, seeds[0], rate) for rate in FIXED_RATE.get(name, RATES)]
        best = max(first, key=lambda run: run["validation"]["ndcg@10"])["learning_rate"]
        told = [{**run, "chosen": run["learning_rate"] == best} for run in first]
        return told + [{**self.run(name, seed, best), "chosen": True} for seed in seeds[1:]]


def over_seeds(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of the runs with the rate that was chosen."""
    chosen = [run for run in runs if run["chosen"]]
    figures = {
        "ndcg@10": [run["test"]["ndcg@10"] for run in chosen],
        "hit@10": [run["test"]["hit@10"] for run in chosen],
        "events_per_second": [run["events_per_second"] for run in chosen],
    }
    return {
        "seeds": len(chosen),
        "learning_rate": chosen[0]["learning_rate"],
        **{
            name: {"mean": float(np.mean(each)), "sd": float(np.std(each, ddof=1))}
            for name, each in figures.items()
            if len(each) > 1
        },
    }


def main() -> None:
    """Learn with each and write ``results/train.json``."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--movielens-1m", type=Path, required=True, help="train/, val/, test/")
    options.add_argument("--rectools", type=Path, required=True, help="interpreter that has it")
    options.add_argument("--work", type=Path, required=True, help="folder of finished runs")
    options.add_argument("--epochs", type=int, default=Budget().epochs)
    options.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    chosen = options.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        joined = join_parts(chosen.movielens_1m, Path(folder) / "sequences.txt")
        whole = read_liked(EventFile(str(joined), "sequences"), RULES, lambda _share, _words: None)
    bench = Bench(
        asked=Questions.of(whole),
        epochs=chosen.epochs,
        interpreter=chosen.rectools,
        work=chosen.work,
    )
    found = {name: bench.runs(name, chosen.seeds) for name in (*VARIANTS, PEER)}
    result = {
        "environment": environment(("numpy", "torch")),
        "budget": asdict(Budget(epochs=chosen.epochs)),
        "summary": {name: over_seeds(runs) for name, runs in found.items()},
        "runs": [run for runs in found.values() for run in runs],
    }
    write_result("train", result)


if __name__ == "__main__":
    main()
