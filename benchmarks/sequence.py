"""How well sequence models find what comes next on Amazon Beauty, beside published figures.

- The 2014 release, 5-core, 22,363 users; leave-one-out; every item is ranked, what a user has is
  left out. A model learns from all but the last two events of each user, the round to keep is
  chosen on the last but one, and the last is asked for once. With ``--refit`` a row is learnt once
  more, from all but the last event, for as many rounds, and told beside.
- ``ours`` was chosen on validation among the settings listed in ``docs/log.md``; the other rows
  differ from it as they say.
- The mixture is of each seed of ours with item neighbours; its share is chosen on validation.

    python benchmarks/sequence.py --beauty Beauty.txt --work FOLDER [--rows ours] [--seeds 0 1 2]

The folder holds what has been learnt so far: a run that was cut off goes on from there, and several
may share one. The result is written anew from all that is finished.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import environment, write_result
from ingest.event_files import EventFile
from ingest.event_rules import EventRules
from ranking.baselines import Contender, baselines, compare
from ranking.evaluate import Evaluation, EvaluationConfig, evaluate
from ranking.ranker import SequenceNetwork
from ranking.ranker_config import RankerConfig
from ranking.sequence_draws import SequenceTraining
from ranking.sequence_mixture import Mixture
from ranking.sequence_progress import Progress
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequence_training import SequenceData, train_ranker
from ranking.sequences import Sequences, rows_learnt_from
from ranking.splits import SplitConfig, Splits, split
from retrieval.neighbours import ItemNeighbours
from retrieval.scoring import ItemScorer
from sensorium.evaluate import read_liked

RULES = EventRules(positives=("click",))
FIGURES = ("hit@10", "ndcg@10", "hit@50", "ndcg@50", "mrr", "coverage@10")
PUBLISHED = {
    "SASRec, sampled softmax (arXiv 2508.06450)": {"hit@10": 0.0921, "ndcg@10": 0.0531},
    "eSASRec (arXiv 2508.06450)": {"hit@10": 0.0928, "ndcg@10": 0.0523},
    "HSTU, by the same authors": {"hit@10": 0.0788, "ndcg@10": 0.0439},
    "SASRec as usually quoted": {"hit@10": 0.0605, "ndcg@10": 0.0318},
}
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
MOST_VALIDATED = 5_000
"""Users of validation that shares are chosen on."""

SHAPE = RankerConfig(num_ids=1, width=128, num_layers=1, dropped_ratio=0.5, temperature=0.07)
TRAINING = SequenceTraining(
    epochs=60,
    patience=10,
    num_drawn=1024,
    weight_decay=0.1,
    averaged_steps=400,
    precision="bfloat16",
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A model and how it is learnt."""

    shape: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the shape of ours."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the training of ours."""


PUBLISHED_TRAINING = {
    "num_drawn": 256,
    "corrected": False,
    "weight_decay": 0.0,
    "averaged_steps": 0,
    "precision": "float32",
}
MIXED = "ours and item neighbours, mixed"
ROWS = {
    "ours": Row(),
    MIXED: Row(),
    "plain blocks (SASRec, sampled softmax)": Row(shape={"block": "plain"}),
    "pointwise blocks (HSTU without time)": Row(
        shape={"block": "pointwise", "num_layers": 2, "temperature": 0.05, "dropped_ratio": 0.2},
        training={"num_drawn": 128},
    ),
    "gated blocks as published (eSASRec)": Row(
        shape={"width": 256, "dropped_ratio": 0.2, "temperature": None},
        training=PUBLISHED_TRAINING,
    ),
    "ours, weights not averaged": Row(training={"averaged_steps": 0}),
    "ours, no correction for how items are drawn": Row(training={"corrected": False}),
}


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One file of events, split, and where runs are kept."""

    splits: Splits
    """Validation and test."""
    whole: Sequences
    """All events: only their item ids and lengths are read beyond the parts."""
    work: Path
    """Folder of runs."""
    refit: bool = False
    """Whether models are learnt once more from what validation asked for, too."""

    @cached_property
    def neighbours(self) -> tuple[ItemNeighbours, Any]:
        """Item neighbours and their settings, chosen on validation."""
        contenders, _ = baselines(self.splits.validation.fit)
        found: list[ItemNeighbours] = []
        chosen = next(one for one in contenders if one.name == "item neighbours")

        def fit(histories: Any, config: Any, before: Any) -> ItemNeighbours:
            found.append(chosen.fit(histories, config, before))
            return found[-1]

        kept = Contender(name=chosen.name, fit=fit, grid=chosen.grid)
        result = compare(self.splits, [kept], EvaluationConfig())[0]
        best = next(
            one
            for one, config in zip(found, chosen.grid, strict=False)
            if asdict(config) == result.settings
        )
        return best, result

    def run(self, name: str, seed: int) -> None:
        """Learn, choose, test and keep one row under one seed."""
        path = self.work / f"{_slug(name)}-{seed}.json"
        if path.exists():
            return
        row = ROWS[name]
        learnt = Sequences(histories=self.splits.validation.fit)
        given = Sequences(histories=self._before_test())
        training = replace(TRAINING, seed=seed, **row.training)
        learnt_as = "ours" if name == MIXED else name
        recommender, progress = self._learn(learnt, given, learnt_as, training)
        told: dict[str, Any] = {
            "row": name,
            "seed": seed,
            "shape": asdict(recommender.network.config),
            "training": asdict(training),
            "rounds": progress.best_epoch,
            "validation": asdict(progress.best),
        }
        scorer: ItemScorer = recommender
        if name == MIXED:
            scorer, told["mixed"] = self._mixed(recommender)
        told["test"] = self._figures(scorer)
        if self.refit and name != MIXED:
            again = replace(training, epochs=progress.best_epoch, keep="last")
            refitted, _ = self._learn(given, given, name, again)
            told["refit"] = self._figures(refitted)
        path.write_text(json.dumps(told, indent=2))

    def _before_test(self) -> Any:
        histories = self.whole.histories
        return histories.only(histories.places_from_end >= 1)

    def _learn(
        self,
        learnt: Sequences,
        validation: Sequences,
        name: str,
        training: SequenceTraining,
    ) -> tuple[SequenceRecommender, Progress]:
        rows = rows_learnt_from(learnt.histories)
        torch.manual_seed(training.seed)
        shape = replace(SHAPE, num_ids=len(rows.known), **ROWS[name].shape)
        network = SequenceNetwork(shape)
        data = SequenceData(sequences=learnt, validation=validation, rows=rows)
        checkpoint = self.work / f"{_slug(name)}-{training.seed}.{training.keep}"

        def show(progress: Progress) -> None:
            found = f"{progress.last.hits_at_10:.4f} {progress.last.ndcg_at_10:.4f}"
            print(checkpoint.stem, progress.epoch, found, f"{progress.loss:.3f}", file=sys.stderr)

        progress = train_ranker(data, network, training, checkpoint, show)
        recommender = SequenceRecommender(
            network=network, item_ids=(), rows=rows, weights=np.ones(1, np.float32)
        )
        return recommender, progress

    def _figures(self, scorer: ItemScorer) -> dict[str, float]:
        return _told(evaluate(scorer, self.splits.test, EvaluationConfig()))

    def _mixed(self, recommender: SequenceRecommender) -> tuple[Mixture, dict[str, Any]]:
        neighbours, alone = self.neighbours
        part = self.splits.validation
        drawn = np.random.default_rng(0).permutation(len(part.cases))[:MOST_VALIDATED]
        part = replace(part, cases=tuple(part.cases[number] for number in np.sort(drawn)))
        found = {}
        for share in SHARES:
            mixture = Mixture(logits=recommender, counts=neighbours, share=share)
            found[share] = evaluate(mixture, part, EvaluationConfig()).figures["ndcg@10"]
        best = max(found, key=lambda share: found[share])
        return Mixture(logits=recommender, counts=neighbours, share=best), {
            "share": best,
            "validation": {str(share): value for share, value in found.items()},
            "neighbours alone": _told(alone.evaluation),
            "neighbours": alone.settings,
        }


def _told(evaluation: Evaluation) -> dict[str, float]:
    return {name: evaluation.figures[name] for name in FIGURES}


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over seeds, by row."""
    rows: dict[str, list[dict[str, float]]] = {}
    for run in runs:
        rows.setdefault(run["row"], []).append(run["test"])
        if "refit" in run:
            rows.setdefault(f"{run['row']}, refit", []).append(run["refit"])
        if "mixed" in run:
            rows["item neighbours"] = [run["mixed"]["neighbours alone"]]
    return {
        name: {
            "seeds": len(found),
            **{
                figure: {
                    "mean": float(np.mean([one[figure] for one in found])),
                    "sd": float(np.std([one[figure] for one in found], ddof=1))
                    if len(found) > 1
                    else None,
                }
                for figure in FIGURES
            },
        }
        for name, found in rows.items()
    }


def main() -> None:
    """Learn what is asked for, and write ``results/sequence.json`` from all that is finished."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--beauty", type=Path, required=True, help="Beauty.txt")
    options.add_argument("--work", type=Path, required=True, help="folder of runs")
    options.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    options.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    options.add_argument("--refit", action="store_true", help="learn once more from validation")
    chosen = options.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    file = EventFile(str(chosen.beauty), "sequences")
    histories = read_liked(file, RULES, lambda _share, _words: None)
    splits = split(histories, SplitConfig())
    bench = Bench(
        splits=splits,
        whole=Sequences(histories=histories),
        work=chosen.work,
        refit=chosen.refit,
    )
    for seed in chosen.seeds:
        for name in chosen.rows:
            bench.run(name, seed)
    runs = [json.loads(path.read_text()) for path in sorted(chosen.work.glob("*.json"))]
    result = {
        "environment": environment(("numpy", "torch")),
        "seen": splits.seen,
        "published": PUBLISHED,
        "summary": summary(runs),
        "runs": runs,
    }
    write_result("sequence", result)


if __name__ == "__main__":
    main()
