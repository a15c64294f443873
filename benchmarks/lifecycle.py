"""What vectors of lifecycles know of what people take up next, beside counts and beside nothing.

A network is pre-trained on what was known at the first moment, four ways: on events as they are;
with runs; with runs and silence (hiding all tokens alike); and hiding rare topics more often. Its
vectors are frozen. A head (``ranking.lifecycle_head``) learns what people take up strictly after
the moment of their vectors: from those vectors, from counts of what they did, from both, or from
nothing but how much and how lately they did anything, which stands beside all of them. A linear
probe is fitted on the vectors alone and on the counts. Steam is judged a year later, films on
people held out (five parts, each judged by a head that learnt from the others).

*Tail*: the rarest topics, which have a fifth of what was done until the first moment. Intervals:
paired bootstrap over people, areas averaged over seeds. Each seed is kept in the work folder as
soon as it is there.

    python benchmarks/lifecycle.py --steam DIR --movielens DIR --work DIR
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import RESULTS, environment, write_result
from benchmarks.lifecycle_figures import figures_of, summary
from benchmarks.lifecycle_probe import binary_probe, linear_probe
from benchmarks.lifecycle_sets import Moment, TopicSet, movielens, steam
from ranking.lifecycle import LifecycleLog, tokens_of, windows_of
from ranking.lifecycle_head import HeadTraining, TakenUp, fit_head, scores_of
from ranking.lifecycle_masking import Masking
from ranking.lifecycle_network import LifecycleShape, lifecycles_of
from ranking.pretrain import Pretraining, pretrain, vectors_of

Floats = NDArray[np.float32]
WIDTH = 64
WAYS: dict[str, tuple[bool, bool, float]] = {
    "events": (False, False, 0.0),
    "+ runs": (True, False, 0.0),
    "+ silence (even masking)": (True, True, 0.0),
    "+ rare masking": (True, True, 0.75),
}
"""Whether runs are merged, whether silence is told, and the power of rarity."""
EVEN, RARE = "+ silence (even masking)", "+ rare masking"
EPOCHS = {"steam-reviews": 6, "ml-latest-small": 16}
"""Most rounds of pre-training, few on purpose: the machine was a busy one."""
PROBED = ("counts", f"vector {RARE}")
FOLDS = 5
TAIL_RATIO = 0.2


def main() -> None:
    """Measure and write ``results/lifecycle.json``; a set that is not given keeps its figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steam", type=Path, help="folder of steam-reviews")
    options.add_argument("--movielens", type=Path, help="folder of ml-latest-small")
    options.add_argument("--seeds", type=int, default=3, help="seeds 0 and up")
    options.add_argument("--seed", type=int, help="measure this one alone, and write no result")
    options.add_argument("--epochs", type=int, help="most rounds of pre-training")
    options.add_argument("--work", type=Path, required=True, help="folder for what each seed gave")
    chosen = options.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    path = RESULTS / "lifecycle.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    seeds = range(chosen.seeds) if chosen.seed is None else [chosen.seed]
    for name, folder, read in (
        ("steam-reviews", chosen.steam, steam),
        ("ml-latest-small", chosen.movielens, movielens),
    ):
        if folder is None:
            continue
        topics = read(folder)
        for seed in seeds:
            _kept(chosen.work / f"{name}-{seed}", topics, seed, chosen.epochs or EPOCHS[name])
        if chosen.seed is None:
            where = environment(("numpy", "torch"))
            option = "steam" if name.startswith("steam") else "movielens"
            where["command"] = f"python benchmarks/lifecycle.py --{option} DIR --work DIR"
            told = _told(topics, chosen.work, name, seeds)
            result[name] = {"environment": where, **told}
            write_result("lifecycle", result)


def _kept(path: Path, topics: TopicSet, seed: int, epochs: int) -> None:
    """Measure a seed unless that has been done."""
    file = path.with_suffix(".json")
    if file.exists():
        return
    started = time.monotonic()
    scores, told = measure(topics, seed, epochs)
    np.savez_compressed(path.with_suffix(".npz"), **scores)
    told["seconds"] = round(time.monotonic() - started, 1)
    file.write_text(json.dumps(told))
    print(path.name, json.dumps(told, indent=1), file=sys.stderr)


def measure(topics: TopicSet, seed: int, epochs: int) -> tuple[dict[str, Floats], dict[str, Any]]:
    """Everything of one seed: scores (people judged, G) by what they are read from, and figures."""
    moments = (topics.learnt, topics.judged)
    plain = [context(topics, one) for one in moments]
    counts = [np.hstack([one, told]) for one, told in zip(plain, _counted(topics), strict=True)]
    start = torch.randn(
        topics.lexicon.num_topics, WIDTH, generator=torch.Generator().manual_seed(seed)
    )
    start = start * 0.02
    known: dict[str, tuple[Sequence[Floats], torch.Tensor, Sequence[Floats]]] = {
        "no vector": (plain, start, plain),
        "counts": (counts, start, counts),
    }
    told: dict[str, Any] = {"pretraining": {}}
    for way in WAYS:
        vectors, vector_topics, told["pretraining"][way] = pretrained(topics, way, seed, epochs)
        both = [np.hstack([one, each]) for one, each in zip(plain, vectors, strict=True)]
        known[f"vector {way}"] = (both, vector_topics, vectors)
        if way == RARE:
            everything = [np.hstack(one) for one in zip(counts, vectors, strict=True)]
            known["counts and vector"] = (everything, vector_topics, everything)
    scores, stays = {}, {}
    for name, (people, of_topics, alone) in known.items():
        scores[name] = judged(
            topics, people, lambda taken, asked, of=of_topics: _by_head(taken, asked, of, seed)
        )
        if name in PROBED:
            scores[f"probe: {name}"] = judged(topics, alone, linear_probe)
        stays[f"stays: {name}"] = stayed(topics, people)
    return {**scores, **stays}, told


def pretrained(
    topics: TopicSet, way: str, seed: int, epochs: int
) -> tuple[list[Floats], torch.Tensor, dict[str, Any]]:
    """Vectors of all people at both moments, those of the topics, and how learning went."""
    merged, telling, power = WAYS[way]
    lexicon, learnt = topics.lexicon, topics.learnt
    windows = windows_of(topics.log.until(learnt.asked), lexicon, topics.bounds)
    windows = replace(windows, merged=merged, telling=telling)
    laid = []
    for moment in (topics.learnt, topics.judged):
        tokens = tokens_of(topics.log, lexicon, windows, moment.asked)
        laid.append(lifecycles_of(tokens, moment.asked, topics.length))
    shape = LifecycleShape(
        num_actions=len(lexicon.actions),
        num_topics=lexicon.num_topics,
        width=WIDTH,
        num_layers=2,
        num_heads=4,
        length=topics.length,
        dropped_ratio=0.1,
    )
    config = Pretraining(
        masking=Masking(power=power),
        epochs=epochs,
        patience=5,
        batch_size=64 if topics.in_time else 16,
        learning_rate=2e-3,
        seed=seed,
    )
    found = pretrain(laid[0], shape, config, lambda one: print(way, one, file=sys.stderr))
    best = found.best
    return (
        [vectors_of(found.network, people) for people in laid],
        found.network.topic.weight.detach(),
        {
            "tokens per person": round(float(laid[0].some.sum(axis=1)[learnt.known].mean()), 2),
            "rounds": found.rounds[-1].epoch,
            "best": best.epoch,
            "loss": [round(found.rounds[0].loss, 4), round(best.loss, 4)],
            "macro recall": round(best.macro, 4),
            "micro recall": round(best.micro, 4),
        },
    )


def context(topics: TopicSet, moment: Moment) -> Floats:
    """How much, how lately and since when people did anything, (U, 3)."""
    log = topics.log.until(moment.asked)
    num_users = len(moment.asked)
    first, last = np.full(num_users, np.inf), np.full(num_users, -np.inf)
    np.minimum.at(first, log.users, log.days)
    np.maximum.at(last, log.users, log.days)
    counts = np.bincount(log.users, minlength=num_users)
    seen = counts > 0
    found = np.zeros((num_users, 3), np.float32)
    found[:, 0] = np.log1p(counts)
    found[seen, 1] = np.log1p(moment.asked[seen] - last[seen])
    found[seen, 2] = np.log1p(moment.asked[seen] - first[seen])
    return found


def _counted(topics: TopicSet) -> list[Floats]:
    """Logarithm of how often each person did what with each topic, at both moments."""

    def at(moment: Moment) -> Floats:
        log: LifecycleLog = topics.log.until(moment.asked)
        found = np.zeros((len(moment.asked), topics.lexicon.num_pairs), np.float32)
        np.add.at(found, (log.users, log.pairs), 1)
        return np.log1p(found)

    return [at(topics.learnt), at(topics.judged)]


def judged(
    topics: TopicSet, people: Sequence[Floats], learn: Callable[[TakenUp, Floats], Floats]
) -> Floats:
    """Scores of what those judged take up, by a head that did not learn from them."""
    learnt, asked = topics.learnt, topics.judged
    if topics.in_time:
        return learn(_taken(learnt, people[0], learnt.people), people[1][asked.people])
    found = np.zeros((len(asked.people), topics.lexicon.num_topics), np.float32)
    for part in _folds(len(asked.people)):
        rest = np.setdiff1d(np.arange(len(asked.people)), part)
        taken = _taken(learnt, people[0], learnt.people[rest])
        found[part] = learn(taken, people[0][asked.people[part]])
    return found


def stayed(topics: TopicSet, people: Sequence[Floats]) -> Floats:
    """Score for who is seen again, of those judged, (people known, 1)."""
    learnt, asked = topics.learnt, topics.judged
    if topics.in_time:
        known = learnt.known
        return binary_probe(people[0][known], learnt.stays[known], people[1][asked.known])
    found = np.zeros((len(asked.known), 1), np.float32)
    for part in _folds(len(asked.known)):
        rest = np.setdiff1d(np.arange(len(asked.known)), part)
        found[part] = binary_probe(people[0][rest], learnt.stays[rest], people[0][part])
    return found


def _folds(number: int) -> list[NDArray[np.int64]]:
    return np.array_split(np.random.default_rng(0).permutation(number), FOLDS)


def _taken(moment: Moment, people: Floats, some: NDArray[np.int64]) -> TakenUp:
    return TakenUp(people=people[some], labels=moment.taken[some], counted=moment.counted[some])


def _by_head(taken: TakenUp, asked: Floats, topics: torch.Tensor, seed: int) -> Floats:
    return scores_of(fit_head(taken, topics, HeadTraining(seed=seed)), asked)


def _told(topics: TopicSet, work: Path, name: str, seeds: Sequence[int]) -> dict[str, Any]:
    """Figures over seeds."""
    runs = [json.loads((work / f"{name}-{seed}.json").read_text()) for seed in seeds]
    scores = [dict(np.load(work / f"{name}-{seed}.npz")) for seed in seeds]
    asked = topics.judged
    log = topics.log.until(topics.learnt.asked)
    often = np.bincount(log.pairs % topics.lexicon.num_topics, minlength=topics.lexicon.num_topics)
    order = np.argsort(often)
    tail = np.zeros(len(often), np.bool_)
    tail[order[np.cumsum(often[order]) <= TAIL_RATIO * often.sum()]] = True
    figures = figures_of(scores, asked.taken[asked.people], asked.counted[asked.people], tail)
    stays = {
        key.removeprefix("stays: "): [one[key][:, 0] for one in scores]
        for key in scores[0]
        if key.startswith("stays: ")
    }
    return {
        "facts": {
            **topics.facts,
            "people to learn from": len(topics.learnt.people),
            "people judged": len(asked.people),
            "tail topics": int(tail.sum()),
            "people asked whether they stay": len(asked.known),
            "share who stay": round(float(asked.stays[asked.known].mean()), 4),
        },
        "seeds": len(seeds),
        **summary(figures, stays, asked.stays[asked.known]),
        "pretraining": {way: [run["pretraining"][way] for run in runs] for way in WAYS},
        "seconds": [run["seconds"] for run in runs],
    }


if __name__ == "__main__":
    main()
