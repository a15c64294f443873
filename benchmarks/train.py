"""How fast sequence models are learnt, and how well with as many rounds, beside RecTools' SASRec.

- MovieLens-1M in the files of gSASRec (6,040 users, 3,416 items). Learnt from the training part;
  asked for the test's item after all that is given, every item ranked but those of the history. The
  release lacks the last event but one of most users, so figures compare with each other only.
- Both sides: length, width, blocks, one head, batch, learning rate and rounds alike, one thread
  each, one after the other. RecTools draws items for each event; ours once for a step. Time is that
  of the processor spent on learning, as others may use the machine. An event is one position to be
  found; both learn from the same ones.
- RecTools is not part of this project: give an interpreter of an environment that has it.

    python benchmarks/train.py --movielens-1m ml1m/ --rectools ENVIRONMENT/bin/python
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

RULES = EventRules(positives=("click",))
WORKER = Path(__file__).with_name("train_rival.py")
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ours": ({"temperature": 0.07}, {"precision": "bfloat16", "num_drawn": 1024}),
    "ours, plain blocks and products, as few drawn, float32": ({"block": "plain"}, {}),
}
"""What differs from the budget. Items drawn for a whole step cost little, so ours draws more by its
own choice; the settings are those that Beauty's validation chose, nothing was tuned here."""


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
    """Items drawn: by ours for a step, by RecTools for each event."""
    batch_size: int = 128
    """Users per step."""
    learning_rate: float = 1e-3
    """Step of the optimiser."""
    epochs: int = 10
    """Rounds."""
    seed: int = 0
    """Of everything random."""


def ours(learnt: Histories, given: Histories, budget: Budget, name: str) -> dict[str, Any]:
    """Learn, and find the ten best items of each user, (U, 10)."""
    shape, training = VARIANTS[name]
    rows = rows_learnt_from(learnt)
    torch.manual_seed(budget.seed)
    config = RankerConfig(
        num_ids=len(rows.known),
        width=budget.width,
        num_layers=budget.num_layers,
        length=budget.length,
        dropped_ratio=budget.dropped_ratio,
        **shape,
    )
    network, sequences = SequenceNetwork(config), Sequences(histories=learnt)
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
    found = np.zeros((len(given), 10), np.int64)
    for start in range(0, len(given), 256):
        users = range(start, min(start + 256, len(given)))
        scores = scorer.score([given.history(user) for user in users])
        for line, user in zip(scores, users, strict=True):
            line[given.history(user).items] = -np.inf
        found[users.start : users.stop] = top_k(scores, 10)
    return {"seconds": seconds[0], "processor_seconds": seconds[1], "found": found}


def rectools(
    learnt: Histories, given: Histories, budget: Budget, interpreter: Path
) -> dict[str, Any]:
    """The same by RecTools."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "events.npz"
        np.savez(
            arrays,
            users=learnt.user_of_event,
            items=learnt.items,
            given_users=given.user_of_event,
            given_items=given.items,
        )
        told = subprocess.run(
            [str(interpreter), str(WORKER), str(arrays), json.dumps(asdict(budget))],
            stdout=subprocess.PIPE,
            cwd=folder,
            text=True,
            check=True,
        )
    answer = json.loads(told.stdout.splitlines()[-1])
    found = np.full((len(given), 10), -1)
    for user, items in answer["found"].items():
        found[int(user), : len(items)] = items
    return {**answer, "found": found}


def judged(run: dict[str, Any], true: Any, events: int) -> dict[str, float]:
    """Figures of a run that learnt from so many events."""
    hit = run["found"] == true[:, None]
    gain = (hit / np.log2(2 + np.arange(10))).sum(axis=1)
    return {
        "hit@10": float(hit.any(axis=1).mean()),
        "ndcg@10": float(gain.mean()),
        "seconds": run["seconds"],
        "processor_seconds": run["processor_seconds"],
        "events_per_second": events / run["processor_seconds"],
    }


def main() -> None:
    """Learn with each and write ``results/train.json``."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--movielens-1m", type=Path, required=True, help="train/, val/, test/")
    options.add_argument("--rectools", type=Path, required=True, help="interpreter that has it")
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--seeds", nargs="*", type=int, default=[0])
    chosen = options.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        joined = join_parts(chosen.movielens_1m, Path(folder) / "sequences.txt")
        whole = read_liked(EventFile(str(joined), "sequences"), RULES, lambda _share, _words: None)
    places = whole.places_from_end
    learnt, given = whole.only(places >= 2), whole.only(places >= 1)
    true = whole.items[whole.offsets[1:] - 1]
    runs: list[dict[str, Any]] = []
    for seed in chosen.seeds:
        budget = Budget(epochs=chosen.epochs, seed=seed)
        found = int(np.clip(learnt.lengths - 1, 0, budget.length).sum()) * budget.epochs
        for name in VARIANTS:
            told = judged(ours(learnt, given, budget, name), true, found)
            runs.append({"model": name, "seed": seed, **told})
            print(runs[-1], file=sys.stderr)
        run = rectools(learnt, given, budget, chosen.rectools)
        name = f"SASRec of RecTools {run['version']}"
        runs.append({"model": name, "seed": seed, **judged(run, true, found)})
        print(runs[-1], file=sys.stderr)
    result = {
        "environment": environment(("numpy", "torch")),
        "budget": asdict(Budget(epochs=chosen.epochs)),
        "events_per_round": found // chosen.epochs,
        "runs": runs,
    }
    write_result("train", result)


if __name__ == "__main__":
    main()
