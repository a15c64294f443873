"""Few-shot tasks cut from CoDEx-M (Safavi and Koutra 2020), by the number of triples.

The three files of the set are one graph. A relation with more than 3,000 triples is background;
one with 501 to 3,000 is learnt from; of those with 50 to 500, a third, drawn by ``CUT_SEED``,
decides on settings, and the others are the test. Fewer are left out. None but the background is in
the graph that entities are described by. Each relation is two tasks, one in each direction.

A tail competes with the relation's other tails and with entities of their types, drawn up to
``MOST`` in all. Types that a fifth of the tails have count.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.relation_graph import RelationGraph
from retrieval.relation_tasks import Held, RelationTask, held_pairs, tasks_of

BACKGROUND, COMMON, RARE = 3_000, 500, 50
CUT_SEED = 0
MOST = 200
NUM_ASKED, NUM_DRAWS = 25, 3
TYPE_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FewShotSet:
    """What is learnt from, chosen by and tested on."""

    graph: RelationGraph
    """All triples."""
    background: RelationGraph
    """Those of the background."""
    learnt: list[RelationTask]
    """Tasks to learn from."""
    dev: list[Held]
    """Tasks that decide on settings and on when learning ends."""
    test: list[Held]
    """Tasks of the test."""


def codex(folder: Path) -> FewShotSet:
    """Cut the tasks of CoDEx-M.

    Args:
        folder: the one that holds ``triples`` and ``types``.
    """
    lines = [
        line.split("\t")
        for part in ("train", "valid", "test")
        for line in (folder / "triples" / "codex-m" / f"{part}.txt").read_text().splitlines()
    ]
    graph = RelationGraph.of((head, by, tail) for head, by, tail in lines)
    types = json.loads((folder / "types" / "entity2types.json").read_text())
    counts = graph.counts
    common = np.flatnonzero((counts > COMMON) & (counts <= BACKGROUND))
    rare = np.flatnonzero((counts >= RARE) & (counts <= COMMON))
    order = np.random.default_rng(CUT_SEED).permutation(rare)
    dev, test = np.sort(order[: len(rare) // 3]), np.sort(order[len(rare) // 3 :])
    of = [set(types.get(name, ())) for name in graph.entities]
    learnt, for_dev, for_test = (
        [_competing(task, of) for task in tasks_of(graph, group.tolist())]
        for group in (common, dev, test)
    )
    return FewShotSet(
        graph=graph,
        background=graph.only(counts > BACKGROUND),
        learnt=learnt,
        dev=held_pairs(for_dev, NUM_ASKED, 1, seed=1),
        test=held_pairs(for_test, NUM_ASKED, NUM_DRAWS, seed=2),
    )


def recipe(data: FewShotSet) -> dict[str, Any]:
    """What makes the same tasks again: the cut, and the sizes of what came out of it."""
    counts = data.graph.counts
    groups = {
        "background": [data.graph.relations[n] for n in np.flatnonzero(counts > BACKGROUND)],
        "learnt from": [task.name for task in data.learnt],
        "dev": [one.task.name for one in data.dev],
        "test": [one.task.name for one in data.test],
    }
    return {
        "set": "CoDEx-M, train, valid and test as one graph",
        "cut": {
            "background": f"more than {BACKGROUND} triples",
            "learnt from": f"{COMMON + 1} to {BACKGROUND}",
            "dev and test": f"{RARE} to {COMMON}; a third is dev, drawn with seed {CUT_SEED}",
        },
        "candidates": f"true tails and entities of their types, at most {MOST}",
        "asked": f"at most {NUM_ASKED} pairs of a task, {NUM_DRAWS} draws of references (dev: 1)",
        "relations": groups,
        "triples": {
            name: int(count) for name, count in zip(data.graph.relations, counts, strict=True)
        },
        "tasks": {
            one.task.name: {
                "pairs": len(one.task.pairs),
                "asked": len(one.asked),
                "candidates": len(one.task.candidates),
            }
            for one in [*data.dev, *data.test]
        },
    }


def _competing(task: RelationTask, types: list[set[str]]) -> RelationTask:
    """Let entities of the tails' types compete."""
    met = Counter(one for tail in task.candidates.tolist() for one in types[tail])
    wanted = {one for one, count in met.items() if count >= TYPE_SHARE * len(task.candidates)}
    alike = np.array([n for n, one in enumerate(types) if one & wanted], np.int64)
    others: NDArray[np.int64] = np.setdiff1d(alike, task.candidates)
    room = max(MOST - len(task.candidates), 0)
    name = np.frombuffer(task.name.encode(), np.uint8)
    drawn = np.random.default_rng([CUT_SEED, *name.tolist()]).permutation(others)[:room]
    return replace(task, candidates=np.union1d(task.candidates, drawn))
