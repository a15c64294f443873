"""Planted graphs whose few-shot relations repeat a relation of the background, or shift vectors."""

from __future__ import annotations

import numpy as np

from retrieval.graph_vectors import VectorConfig, learn_vectors
from retrieval.relation_graph import RelationGraph
from retrieval.relation_training import Scene

NUM_ENTITIES, NUM_RELATIONS, FEW = 60, 8, 24


def copied_graph(seed: int = 0) -> RelationGraph:
    """Every relation ``b`` is a permutation; ``copy`` holds some of its pairs."""
    draw = np.random.default_rng(seed)
    triples = []
    for number in range(NUM_RELATIONS):
        tails = draw.permutation(NUM_ENTITIES)
        few = draw.choice(NUM_ENTITIES, FEW, replace=False)
        for head in range(NUM_ENTITIES):
            names = [f"b{number}", *([f"copy{number}"] if head in few else [])]
            triples += [(f"e{head:02}", name, f"e{tails[head]:02}") for name in names]
    return RelationGraph.of(triples)


def scene_of(graph: RelationGraph, width: int = 32, epochs: int = 60) -> Scene:
    """The background of such a graph, with vectors learnt of it."""
    background = graph.only(np.array([name.startswith("b") for name in graph.relations]))
    config = VectorConfig(
        width=width, epochs=epochs, batch_size=128, num_drawn=32, learning_rate=0.03
    )
    learnt = learn_vectors(background, config)
    scale = np.float32(1 / learnt.entities.std())
    return Scene(
        graph=background,
        vectors=learnt.entities * scale,
        symbols=learnt.relations * scale,
        kind="complex",
        places=8,
    )
