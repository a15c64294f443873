"""Relations as tasks: some pairs are references, the others are asked for, and tails compete.

Ranks are filtered, as is usual: of the tails that a head is known to have, only the one asked for
competes. Equal scores share the mean of their places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from retrieval.relation_graph import BACK, RelationGraph
from retrieval.relation_network import Episode

MOST_COMPETING = 128
"""Candidates that an episode of learning knows of."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RelationTask:
    """One relation, in one direction."""

    name: str
    """Of the relation; with ``BACK`` before it on the way from tail to head."""
    pairs: NDArray[np.int64]
    """Heads and tails, (P, 2)."""
    candidates: NDArray[np.int64]
    """Tails that compete, each once, the true ones among them, (L,)."""

    @cached_property
    def known(self) -> dict[int, list[int]]:
        """Tails of each head."""
        tails: dict[int, list[int]] = {}
        for head, tail in self.pairs.tolist():
            tails.setdefault(head, []).append(tail)
        return tails


def tasks_of(
    graph: RelationGraph,
    relations: Sequence[int],
    candidates: NDArray[np.int64] | None = None,
    back: bool = True,
) -> list[RelationTask]:
    """Make tasks of some relations of a graph.

    Args:
        graph: all triples.
        relations: their numbers.
        candidates: entities that compete beside the true tails; None for the relation's own ends.
        back: whether each relation is a task in the other direction, too.
    """
    ways = [False, True] if back else [False]
    return [_task(graph, relation, way, candidates) for relation in relations for way in ways]


def _task(
    graph: RelationGraph, relation: int, back: bool, others: NDArray[np.int64] | None
) -> RelationTask:
    pairs = graph.pairs(relation)[:, ::-1] if back else graph.pairs(relation)
    given = [pairs[:, 1]] if others is None else [pairs[:, 1], others]
    name = graph.relations[relation]
    return RelationTask(
        name=BACK + name if back else name,
        pairs=np.ascontiguousarray(pairs),
        candidates=np.unique(np.concatenate(given)),
    )


def drawn_episode(
    task: RelationTask, shots: int, sizes: tuple[int, int], rng: np.random.Generator
) -> Episode:
    """Draw references, other pairs, and wrong tails for each.

    Args:
        task: at least two pairs more than nothing, and a candidate that is wrong for some head.
        shots: most references; one pair at least is left to ask for.
        sizes: most pairs that are asked for, and wrong tails for each.
        rng: draws.

    Returns:
        The question; the first tail of each head is the true one.
    """
    order, most = rng.permutation(len(task.pairs)), min(shots, len(task.pairs) - 1)
    asked = task.pairs[order[most : most + sizes[0]]]
    wrong = _wrong_tails(task, asked[:, 0], sizes[1], rng)
    competing = rng.permutation(task.candidates)[:MOST_COMPETING]
    return Episode(
        references=torch.from_numpy(task.pairs[order[:most]]),
        heads=torch.from_numpy(asked[:, 0]),
        tails=torch.from_numpy(np.concatenate([asked[:, 1:], wrong], 1)),
        candidates=torch.from_numpy(competing),
    )


def _wrong_tails(
    task: RelationTask, heads: NDArray[np.int64], number: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw candidates that are not among the known tails of each head, (B, number)."""
    known, wrong = task.known, np.empty((len(heads), number), np.int64)
    for row, head in enumerate(heads.tolist()):
        others = np.setdiff1d(task.candidates, known[head])
        wrong[row] = rng.choice(others if len(others) else task.candidates, number)
    return wrong


def filtered_ranks(
    task: RelationTask, asked: NDArray[np.int64], scores: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Rank the true tails of pairs among the candidates, from 1, (B,).

    Args:
        task: what is known.
        asked: heads and true tails, (B, 2).
        scores: of every candidate for each head, (B, L).
    """
    known, ranks = task.known, np.empty(len(asked))
    for row, (head, tail) in enumerate(asked.tolist()):
        here, place = scores[row], np.searchsorted(task.candidates, tail)
        others = ~np.isin(task.candidates, known.get(head, []))
        better, even = here[others] > here[place], here[others] == here[place]
        ranks[row] = 1 + better.sum() + even.sum() / 2
    return ranks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """Pairs of a task that are asked for, and draws of references from the others."""

    task: RelationTask
    """The task."""
    asked: NDArray[np.int64]
    """Heads and tails, (B, 2)."""
    draws: tuple[NDArray[np.int64], ...]
    """References of each draw, in the order that fewer shots take the first of, (5, 2) each."""


def held_pairs(
    tasks: Sequence[RelationTask], num_asked: int, num_draws: int, seed: int, shots: int = 5
) -> list[Held]:
    """Divide the pairs of tasks; the same seed divides them alike.

    Args:
        tasks: each with more pairs than ``shots``.
        num_asked: most pairs of a task that are asked for; at least half of it serves references.
        num_draws: how often references are drawn.
        seed: decides.
        shots: most references of a draw.
    """
    return list(_divided(tasks, (num_asked, num_draws, shots), seed))


def _divided(
    tasks: Sequence[RelationTask], sizes: tuple[int, int, int], seed: int
) -> Iterator[Held]:
    num_asked, num_draws, shots = sizes
    for place, task in enumerate(tasks):
        rng = np.random.default_rng([seed, place])
        order = rng.permutation(len(task.pairs))
        rest = max(shots, len(order) - min(num_asked, len(order) // 2))
        pool = task.pairs[order[:rest]]
        draws = (pool[rng.permutation(len(pool))[:shots]] for _ in range(num_draws))
        yield Held(task=task, asked=task.pairs[order[rest:]], draws=tuple(draws))
