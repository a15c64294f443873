"""From the relations of a library to a model that completes them.

Vectors are the items' own, shortened to the directions in which they differ most, where a relation
of the background acts by its mean offset; or they are learnt of the background's graph, which may
speak of more than items: people, places, genres.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from retrieval.graph_vectors import VectorConfig, VectorKind, learn_vectors
from retrieval.relation_graph import RelationGraph
from retrieval.relation_network import FewShotNetwork, NetworkConfig
from retrieval.relation_settings import RelationSettings
from retrieval.relation_tasks import RelationTask, held_pairs, tasks_of
from retrieval.relation_training import FewShotProgress, FewShotTraining, Scene, train_completing
from retrieval.relations import RelationError, RelationModel

Triple = tuple[str, str, str]
FEWEST_HELD = 5
"""Of so many relations to learn from, one is spared to decide."""
MOST_ASKED = 30
"""Pairs of such a relation that are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownItems:
    """Items of a library and what they are known by."""

    item_ids: tuple[str, ...]
    """(N,)."""
    vectors: NDArray[np.float32] = field(repr=False)
    """(N, F); zeros where an item has none."""
    space: str
    """Digest of what made the vectors."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearntRelations:
    """What learning gave."""

    model: RelationModel
    """In its best state."""
    progress: FewShotProgress
    """How the run went."""
    background: tuple[str, ...]
    """Relations that describe entities."""
    learnt: tuple[str, ...]
    """Relations that were learnt from."""
    held: tuple[str, ...]
    """Relations that decided which state was kept; none where there are too few."""


def learn_relations(
    triples: Iterable[Triple],
    items: KnownItems,
    settings: RelationSettings,
    on_progress: Callable[[FewShotProgress], None] = lambda _progress: None,
) -> LearntRelations:
    """Learn to complete relations.

    Args:
        triples: head, relation and tail, by id.
        items: of the library.
        settings: how.
        on_progress: told at every look at relations that are held.

    Raises:
        RelationError: there is nothing to learn from.
    """
    wanted = list(triples)
    if settings.vectors == "items":
        known = set(np.asarray(items.item_ids, object)[items.vectors.any(axis=1)].tolist())
        wanted = [one for one in wanted if one[0] in known and one[2] in known]
    graph = RelationGraph.of(wanted, () if settings.vectors == "graph" else known)
    counts = graph.counts
    common = counts >= settings.background_from
    rows = np.flatnonzero(~common & (counts >= settings.learnt_from)).tolist()
    if not rows:
        raise _too_few(graph, settings)
    scene = _scene(graph, common, items, settings)
    spared = rows[FEWEST_HELD - 1 :: FEWEST_HELD]
    held = held_pairs(_competing(graph, spared), MOST_ASKED, 1, settings.seed)
    tasks = _competing(graph, [row for row in rows if row not in spared])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = FewShotNetwork(
            NetworkConfig(width=scene.vectors.shape[1], kindred=bool(common.any()))
        )
    training = FewShotTraining(
        steps=settings.steps, check_every=max(1, settings.steps // 8), seed=settings.seed
    )
    progress = train_completing(network, scene, tasks, held, training, on_progress)
    few = np.flatnonzero(~common).tolist()
    model = RelationModel(
        network=network,
        entities=graph.entities,
        is_item=np.isin(graph.entities, items.item_ids),
        around=scene.around(settings.seed),
        pairs={graph.relations[row]: graph.pairs(row) for row in few},
        space=items.space if settings.vectors == "items" else "",
    )
    names = np.asarray(graph.relations, object)
    return LearntRelations(
        model=model,
        progress=progress,
        background=tuple(names[common].tolist()),
        learnt=tuple(names[[row for row in rows if row not in spared]].tolist()),
        held=tuple(names[spared].tolist()),
    )


def _competing(graph: RelationGraph, relations: Sequence[int]) -> list[RelationTask]:
    """Tasks in which entities of the relations at hand compete."""
    ends = [graph.pairs(row).ravel() for row in relations]
    return tasks_of(graph, relations, np.unique(np.concatenate(ends)) if ends else None)


def _too_few(graph: RelationGraph, settings: RelationSettings) -> RelationError:
    counts = dict(zip(graph.relations, graph.counts.tolist(), strict=True))
    return RelationError(
        f"no relation has {settings.learnt_from} to {settings.background_from - 1} pairs of "
        f"entities that are known; there are {counts or 'none'}",
        "import more with sensorium relations import, or set relations.learnt_from and "
        "relations.background_from, or relations.vectors=graph",
    )


def _scene(
    graph: RelationGraph,
    common: NDArray[np.bool_],
    items: KnownItems,
    settings: RelationSettings,
) -> Scene:
    """Vectors of entities and of the background's relations, of one scale."""
    background = graph.only(common)
    kind: VectorKind = "translation"
    if settings.vectors == "items":
        number_of = {item_id: number for number, item_id in enumerate(items.item_ids)}
        rows = np.array([number_of[name] for name in graph.entities], np.int64)
        vectors = _shortened(items.vectors[rows], settings.width)
        symbols = _offsets(background, vectors)
    elif not common.any():
        raise RelationError(
            f"no relation has {settings.background_from} pairs, so there is no graph to learn "
            "vectors of",
            "set relations.background_from lower, or relations.vectors=items",
        )
    else:
        kind = "complex"
        config = VectorConfig(kind="complex", width=settings.width, epochs=settings.epochs)
        learnt = learn_vectors(background, config, settings.seed)
        vectors, symbols = learnt.entities, learnt.relations
    scale = np.float32(1 / max(float(vectors.std()), 1e-6))
    return Scene(graph=background, vectors=vectors * scale, symbols=symbols * scale, kind=kind)


def _shortened(vectors: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Keep the directions in which vectors differ most, (N, at most width)."""
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred.T @ centred)
    short: NDArray[np.float32] = (centred @ directions[:width].T).astype(np.float32)
    return short


def _offsets(graph: RelationGraph, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean offset of each relation, then of each on the way back, (2R, D); a row where R is 0."""
    offsets = np.zeros((len(graph.relations), vectors.shape[1]), np.float32)
    for row in np.flatnonzero(graph.counts).tolist():
        heads, tails = graph.pairs(row).T
        offsets[row] = (vectors[tails] - vectors[heads]).mean(axis=0)
    every = np.concatenate([offsets, -offsets])
    # Places without a neighbour name a row, too, whatever stands there.
    return every if len(every) else np.zeros((1, vectors.shape[1]), np.float32)
