"""Are relations between items completed from one, three and five pairs, and better than by others?

Tasks are cut from CoDEx-M (``relation_sets``; ``results/relations_tasks.json`` names them). Vectors
are learnt of the background alone. Every learnt row is learnt by the same loop from the same tasks,
with one, three or five references drawn at every step, and keeps the state that is best on the dev
relations. Which vectors all read is chosen there as well, by the offset, which needs no learning,
and with seed 0 whether MetaR learns them on. Ranks are filtered, against the candidates of a
relation; the figures of a question are means over draws of references, intervals are bootstrapped
over the questions of all test tasks, each with the mean of its seeds.

    python benchmarks/relations.py --codex DIR --films DIR --cache DIR

One learnt row is one file of the cache, so that rows may be learnt by several processes
(``--only ROW --kind KIND --seed N``). What the source of related items does for the recall of
candidates is measured on MovieLens-100K (``relation_recall``).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.environment import RESULTS, environment, write_result
from benchmarks.relation_recall import compare as recalls
from benchmarks.relation_rivals import PLAIN, Matching, MetaRelation, nearest_ranks
from benchmarks.relation_sets import FewShotSet, codex, recipe
from retrieval.graph_vectors import VectorConfig, VectorKind, learn_vectors
from retrieval.relation_network import CompletingNetwork, FewShotNetwork, NetworkConfig
from retrieval.relation_training import FewShotTraining, Scene, train_completing
from retrieval.relation_trials import held_ranks

COMMAND = "python benchmarks/relations.py --codex DIR --films DIR --cache DIR"
SHOTS = (1, 3, 5)
KINDS: tuple[VectorKind, ...] = ("complex", "translation")
WIDTH, EPOCHS, STEPS, LOOKS = 50, 3, 200, 5
FIGURES = ("mrr", "hits@1", "hits@5", "hits@10")
RESAMPLES = 2_000
COMPARED = ("ours", "published", "matching")
PARTS = ("ours without kindred", "ours without expected tail", "published and own vector")
"""Measured with one seed."""
Make = Callable[[NDArray[np.float32]], CompletingNetwork]
Ranks = dict[int, list[NDArray[np.float64]]]
"""By number of references, then by task, (draws, B)."""


def _ours(**changes: bool) -> Make:
    return lambda vectors: FewShotNetwork(NetworkConfig(width=vectors.shape[1], **changes))


ROWS: Mapping[str, Make] = {
    "ours": _ours(),
    "ours without kindred": _ours(kindred=False),
    "ours without expected tail": _ours(expected_tail=False),
    "published and own vector": _ours(expected_tail=False, kindred=False),
    "published": _ours(**PLAIN),
    "matching": lambda vectors: Matching(vectors.shape[1]),
    "meta": lambda vectors: MetaRelation(vectors, tuned=False),
    "meta, tuned": lambda vectors: MetaRelation(vectors, tuned=True),
}
SLOWER = {
    "published": 600,
    "published and own vector": 600,
    "matching": 600,
    "meta": 2_000,
    "meta, tuned": 2_000,
}
"""Steps of those that still rise on dev after the steps of the others."""
MARGINS = {"published": 5.0, "published and own vector": 5.0, "matching": 5.0}
"""As published; others take 1, which is published for MetaR and was better on dev for ours."""


def scene_of(data: FewShotSet, kind: VectorKind, cache: Path) -> Scene:
    """Vectors of the background, learnt once."""
    path = cache / f"vectors-{kind}-{WIDTH}-{EPOCHS}.npz"
    if not path.exists():
        started = time.monotonic()
        config = VectorConfig(kind=kind, width=WIDTH, epochs=EPOCHS)
        learnt = learn_vectors(data.background, config)
        np.savez(path, entities=learnt.entities, relations=learnt.relations)
        print(kind, f"{time.monotonic() - started:.0f} s", flush=True)
    with np.load(path) as file:
        scale = np.float32(1 / file["entities"].std())
        vectors, symbols = file["entities"] * scale, file["relations"] * scale
    return Scene(graph=data.background, vectors=vectors, symbols=symbols, kind=kind)


def learnt_ranks(
    data: FewShotSet, row: str, kind: VectorKind, seed: int, cache: Path
) -> tuple[float, Ranks, float]:
    """Learn a row, or read what it gave: dev figure, ranks of the test, seconds."""
    path = cache / f"{row.replace(' ', '-')}-{kind}-{seed}.npz"
    if not path.exists():
        scene, started = scene_of(data, kind, cache), time.monotonic()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = ROWS[row](scene.vectors)
        steps = SLOWER.get(row, STEPS)
        config = FewShotTraining(
            steps=steps, check_every=steps // LOOKS, margin=MARGINS.get(row, 1.0), seed=seed
        )
        progress = train_completing(network, scene, data.learnt, data.dev, config)
        seconds = time.monotonic() - started
        found = {n: held_ranks(network, scene.around(), data.test, n) for n in SHOTS}
        arrays = {f"{n} {place}": one for n in SHOTS for place, one in enumerate(found[n])}
        np.savez(path, dev=progress.best, step=progress.best_step, seconds=seconds, **arrays)
        print(row, kind, seed, f"dev {progress.best:.4f} at {progress.best_step}", end=" ")
        print(f"{seconds:.0f} s, {time.monotonic() - started:.0f} s with test", flush=True)
    with np.load(path) as file:
        ranks = {n: [file[f"{n} {place}"] for place in range(len(data.test))] for n in SHOTS}
        return float(file["dev"]), ranks, float(file["seconds"])


def figures_of(ranks: list[NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Figures of every question of all tasks, means over draws, (Q,)."""
    every = {"mrr": [(1 / one).mean(0) for one in ranks]}
    every |= {f"hits@{k}": [(one <= k).mean(0) for one in ranks] for k in (1, 5, 10)}
    return {name: np.concatenate(found) for name, found in every.items()}


def interval(differences: NDArray[np.float64]) -> list[float]:
    """95 % of the mean of paired differences, by bootstrap over the questions."""
    draw = np.random.default_rng(0)
    size = len(differences)
    means = [differences[draw.integers(size, size=size)].mean() for _ in range(RESAMPLES)]
    return [float(one) for one in np.quantile(means, [0.025, 0.975])]


def compare(data: FewShotSet, cache: Path, args: argparse.Namespace) -> dict[str, Any]:
    """All rows but those to be left out."""
    kind, offsets = _kind(data, cache)
    meta, metas = _meta(data, kind, cache, args.without)
    runs: dict[str, list[Ranks]] = {}
    rows = [row for row in (*COMPARED, meta, *PARTS) if row not in args.without]
    for row in rows:
        seeds = range(1 if row in PARTS else args.seeds)
        runs[row] = [learnt_ranks(data, row, kind, seed, cache)[1] for seed in seeds]
    for kind in KINDS:
        vectors = scene_of(data, kind, cache).vectors
        for name, moved in (("offset", True), ("mean tail", False)):
            ranks = {n: nearest_ranks(vectors, data.test, n, moved) for n in SHOTS}
            runs[f"{name}, {kind}"] = [ranks]
    table = {row: _by_shots(found) for row, found in runs.items()}
    ours = {n: _means(runs["ours"], n) for n in SHOTS}
    gaps = {
        row: {
            str(n): {name: interval(ours[n][name] - _means(found, n)[name]) for name in FIGURES}
            for n in SHOTS
        }
        for row, found in runs.items()
        if row != "ours"
    }
    return {
        "dev mrr": {"offset by vectors": offsets, "MetaR": metas},
        "figures": table,
        "ours above": gaps,
        "by relation, mrr": _by_relation(data, runs),
    }


def _kind(data: FewShotSet, cache: Path) -> tuple[VectorKind, dict[str, float]]:
    """Vectors that learnt rows read: those in which the offset does better on dev."""
    tried = {
        kind: float(
            figures_of(nearest_ranks(scene_of(data, kind, cache).vectors, data.dev, 3, True))[
                "mrr"
            ].mean()
        )
        for kind in KINDS
    }
    return max(tried, key=lambda kind: tried[kind]), dict(tried)


def _meta(
    data: FewShotSet, kind: VectorKind, cache: Path, without: Sequence[str]
) -> tuple[str, dict[str, float]]:
    """Whether MetaR learns the vectors on, by the dev figure of seed 0."""
    rows = [row for row in ("meta", "meta, tuned") if row not in without]
    tried = {row: learnt_ranks(data, row, kind, 0, cache)[0] for row in rows}
    return max(tried, key=lambda row: tried[row]), tried


def _means(runs: Sequence[Ranks], shots: int) -> dict[str, NDArray[np.float64]]:
    """Figures of every question, means over seeds."""
    found = [figures_of(run[shots]) for run in runs]
    return {name: np.mean([one[name] for one in found], axis=0) for name in FIGURES}


def _by_shots(runs: Sequence[Ranks]) -> dict[str, Any]:
    """Mean of each figure over questions, and its deviation over seeds."""
    table: dict[str, Any] = {}
    for n in SHOTS:
        found = [{k: float(v.mean()) for k, v in figures_of(run[n]).items()} for run in runs]
        table[str(n)] = {
            name: {
                "mean": float(np.mean([one[name] for one in found])),
                "sd": float(np.std([one[name] for one in found], ddof=1)) if len(runs) > 1 else 0.0,
            }
            for name in FIGURES
        }
    return table


def _by_relation(data: FewShotSet, runs: Mapping[str, Sequence[Ranks]]) -> dict[str, Any]:
    """Mean reciprocal rank of each test task, five references, means over seeds and draws."""
    most = max(SHOTS)
    return {
        one.task.name: {
            row: round(float(np.mean([(1 / run[most][place]).mean() for run in found])), 4)
            for row, found in runs.items()
        }
        for place, one in enumerate(data.test)
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codex", type=Path)
    parser.add_argument("--films", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--only", choices=[*ROWS, "vectors"])
    parser.add_argument("--kind", choices=KINDS, default="complex")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=3, help="Of every row that is compared.")
    parser.add_argument("--without", nargs="*", default=[], help="Rows to leave out.")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.cache.mkdir(parents=True, exist_ok=True)
    where = {
        "environment": {**environment(("numpy", "torch", "onnxruntime")), "command": _command(args)}
    }
    if args.films:
        keep("ml-100k", {**where, **recalls(args.films, args.cache, range(args.seeds))})
    if not args.codex:
        return
    data = codex(args.codex)
    if args.only == "vectors":
        scene_of(data, args.kind, args.cache)
    elif args.only:
        learnt_ranks(data, args.only, args.kind, args.seed, args.cache)
    else:
        settings = {
            "width": WIDTH,
            "epochs": EPOCHS,
            "steps": {row: SLOWER.get(row, STEPS) for row in ROWS},
            "seeds": args.seeds,
        }
        write_result("relations_tasks", recipe(data))
        keep("codex-m", {**where, "settings": settings, **compare(data, args.cache, args)})


def _command(args: argparse.Namespace) -> str:
    """The command without this machine's paths."""
    without = [f"--without {' '.join(map(repr, args.without))}"] if args.without else []
    return " ".join([COMMAND, f"--seeds {args.seeds}", *without])


def keep(name: str, found: dict[str, Any]) -> None:
    """Write the figures of one set beside those of the other."""
    path = RESULTS / "relations.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    write_result("relations", {**known, name: found})
    print(json.dumps(found.get("figures", found), indent=1))


if __name__ == "__main__":
    main()
