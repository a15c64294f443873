"""Says for every item what its relations lead to: what is known, and what they are completed with.

A completion enters the table where it scores as high as the middle one of the known pairs, each
asked for with the others as references. How often the true end of those stood first, second and so
on among the same competitors is what a completion in that place counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from retrieval.relation_graph import BACK
from retrieval.relation_tasks import RelationTask, filtered_ranks
from retrieval.relations import RelationModel
from retrieval.source_relations import RelatedRow, RelatedTable

MOST_JUDGED = 30
"""Known pairs that are asked for to judge how well a relation is completed."""
NEAREST = 32
"""Tails by each of two rough measures that the network then scores."""
HEADS_AT_ONCE = 256


def related_table(
    model: RelationModel,
    most: int,
    show: Callable[[float], None] = lambda _share: None,
) -> RelatedTable:
    """Say for every item what its relations lead to.

    Args:
        model: learnt.
        most: most completions of an item by one relation.
        show: told the share that is done.
    """
    names = [way + name for name in sorted(model.pairs) for way in ("", BACK)]
    items = np.flatnonzero(model.is_item)
    number_of = np.full(len(model.entities), -1, np.int64)
    number_of[items] = np.arange(len(items))
    rows = list[RelatedRow]()
    for place, name in enumerate(names):
        for head, tail, weight, known in _related(model, name, items, most):
            rows.append(
                RelatedRow(
                    item=int(number_of[head]),
                    related=int(number_of[tail]),
                    relation=name,
                    weight=weight,
                    known=known,
                )
            )
        show((place + 1) / len(names))
    return RelatedTable.of([model.entities[number] for number in items.tolist()], rows)


Related = Iterator[tuple[int, int, float, bool]]
"""Head, tail, how much it counts, and whether it was given."""


def _related(model: RelationModel, name: str, items: NDArray[np.int64], most: int) -> Related:
    """What one relation leads items to."""
    pairs = model.pairs_of(name)
    pairs = pairs[model.is_item[pairs].all(axis=1)]
    yield from ((head, tail, 1.0, True) for head, tail in pairs.tolist())
    if len(pairs) < 2:
        return
    shares, level = _judged(model, name, pairs, most)
    given = {(head, tail) for head, tail in pairs.tolist()}
    for start in range(0, len(items), HEADS_AT_ONCE):
        heads = items[start : start + HEADS_AT_ONCE]
        tails = _nearest(model, name, heads, items)
        scores = model.scores(name, heads, tails)
        scores[(tails == heads[:, None]) | (scores < level)] = -np.inf
        for row, head in enumerate(heads.tolist()):
            best = np.argsort(-scores[row], kind="stable")[:most]
            for place, column in enumerate(best.tolist()):
                tail, weight = int(tails[row, column]), float(shares[place])
                if np.isfinite(scores[row, column]) and weight and (head, tail) not in given:
                    yield head, tail, weight, False


def _judged(
    model: RelationModel, name: str, pairs: NDArray[np.int64], most: int
) -> tuple[NDArray[np.float64], float]:
    """How often a known end stands in each place when it is asked for, and its middle score."""
    places, scores = np.zeros(most), list[float]()
    every = model.pairs_of(name)
    asked = pairs[np.random.default_rng(0).permutation(len(pairs))[:MOST_JUDGED]]
    items = np.flatnonzero(model.is_item)
    for head, tail in asked.tolist():
        itself = np.flatnonzero((every == (head, tail)).all(axis=1))
        tails = np.union1d(_nearest(model, name, np.array([head]), items)[0], [tail])
        task = RelationTask(name=name, pairs=every, candidates=tails)
        found = model.scores(name, np.array([head]), tails, itself)
        rank = filtered_ranks(task, np.array([[head, tail]]), found)[0]
        scores.append(float(found[0, np.searchsorted(tails, tail)]))
        if rank < most + 1:
            places[int(rank) - 1] += 1 / len(asked)
    return places, float(np.median(scores))


def _nearest(
    model: RelationModel, name: str, heads: NDArray[np.int64], items: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Tails by the mean offset of the pairs and by their mean tail, (B, C), for the network."""
    vectors, pairs = model.around.vectors.numpy(), model.pairs_of(name)
    if len(items) <= 2 * NEAREST:
        return np.broadcast_to(items, (len(heads), len(items))).copy()
    head, tail = vectors[pairs].mean(axis=0)
    others, found = vectors[items], np.zeros((len(heads), 0), np.int64)
    for share in (1, 0):
        expected = tail + share * (vectors[heads] - head)
        off = (others**2).sum(axis=1) - 2 * expected @ others.T
        np.put_along_axis(off, found, np.inf, axis=1)
        nearest = np.argpartition(off, NEAREST, axis=1)[:, :NEAREST]
        found = np.concatenate([found, nearest], axis=1)
    return items[found]
