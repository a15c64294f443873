"""Vectors for the entities and relations of a graph, learnt from its triples alone.

Two ways: ``complex`` (ComplEx, Trouillon et al. 2016, arXiv 1606.06357), where a relation turns and
stretches, and ``translation`` (TransE, Bordes et al. 2013), where it shifts. Each triple is learnt
from both ends, with a second vector for the way back, by a softmax over the true end and entities
drawn once per step; drawing them per triple costs many times more and finds no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from retrieval.relation_graph import RelationGraph

VectorKind = Literal["complex", "translation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorConfig:
    """How vectors of a graph are learnt."""

    kind: VectorKind = "complex"
    """How a relation acts on its head."""
    width: int = 64
    """Numbers per entity and relation; even for ``complex``."""
    epochs: int = 20
    """Rounds over all triples."""
    batch_size: int = 1024
    """Triples of a step."""
    num_drawn: int = 512
    """Entities that a true end is told from."""
    learning_rate: float = 0.01
    """Of Adam; it falls to nothing evenly."""
    smoothness: float = 1e-3
    """Weight of the cubed lengths of vectors (``complex``), which holds rare ones back."""

    def __post_init__(self) -> None:
        if min(self.width, self.epochs, self.batch_size, self.num_drawn) < 1 or self.width % 2:
            raise ValueError(
                "width must be even, and width, epochs, batch_size and num_drawn 1 or more: "
                f"{self.width = }, {self.epochs = }, {self.batch_size = }, {self.num_drawn = }"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GraphVectors:
    """What was learnt of a graph."""

    entities: NDArray[np.float32]
    """(N, D)."""
    relations: NDArray[np.float32]
    """Of each relation, then of each on the way back, (2R, D)."""


def learn_vectors(
    graph: RelationGraph,
    config: VectorConfig,
    seed: int = 0,
    show: Callable[[int, float], None] = lambda _epoch, _loss: None,
) -> GraphVectors:
    """Learn vectors of a graph's entities and relations.

    Args:
        graph: its relations all count.
        config: how.
        seed: decides everything random.
        show: told the round, from 1, and its mean loss.
    """
    if not len(graph.triples):
        raise ValueError("a graph without triples has no vectors")
    draws = torch.Generator().manual_seed(seed)
    shape = (len(graph.entities), config.width)
    entities = (torch.randn(shape, generator=draws) * 0.1).requires_grad_()
    relations = torch.randn((2 * len(graph.relations), config.width), generator=draws) * 0.1
    if config.kind == "complex":
        relations[:, : config.width // 2] += 1
    relations.requires_grad_()
    ends = _both_ways(graph)
    steps = config.epochs * -(-len(ends) // config.batch_size)
    optimizer = torch.optim.Adam([entities, relations], lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, total_iters=steps)
    for epoch in range(1, config.epochs + 1):
        losses = []
        order = torch.randperm(len(ends), generator=draws)
        for rows in torch.split(order, config.batch_size):
            drawn = torch.randint(len(entities), (config.num_drawn,), generator=draws)
            loss = _loss(entities, relations, ends[rows], drawn, config)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        show(epoch, float(np.mean(losses)))
    return GraphVectors(entities=entities.detach().numpy(), relations=relations.detach().numpy())


def acted_upon(heads: Tensor, relations: Tensor, kind: VectorKind) -> Tensor:
    """Where relations take heads, (..., D); as complex numbers, real parts come first."""
    if kind == "translation":
        return heads + relations
    (real, imaginary), (by_real, by_imaginary) = heads.chunk(2, -1), relations.chunk(2, -1)
    return torch.cat(
        [real * by_real - imaginary * by_imaginary, real * by_imaginary + imaginary * by_real], -1
    )


def scores_of_tails(acted: Tensor, tails: Tensor, kind: VectorKind) -> Tensor:
    """Score every tail for every head that was acted upon, (..., D) and (M, D) to (..., M)."""
    return -torch.cdist(acted, tails) if kind == "translation" else acted @ tails.T


def scores_of_each(acted: Tensor, tails: Tensor, kind: VectorKind) -> Tensor:
    """Score one tail for each head that was acted upon, (..., D) twice to (...)."""
    scores: Tensor
    if kind == "translation":
        scores = -torch.linalg.norm(acted - tails, dim=-1)
    else:
        scores = (acted * tails).sum(-1)
    return scores


def _both_ways(graph: RelationGraph) -> Tensor:
    triples = torch.from_numpy(graph.triples)
    back = triples[:, [2, 1, 0]] + torch.tensor([0, len(graph.relations), 0])
    return torch.cat([triples, back])


def _loss(
    entities: Tensor, relations: Tensor, triples: Tensor, drawn: Tensor, config: VectorConfig
) -> Tensor:
    heads, tails = entities[triples[:, 0]], entities[triples[:, 2]]
    by = relations[triples[:, 1]]
    acted = acted_upon(heads, by, config.kind)
    others = scores_of_tails(acted, entities[drawn], config.kind)
    others = others.masked_fill(triples[:, 2:] == drawn, -torch.inf)
    true = scores_of_each(acted, tails, config.kind).unsqueeze(1)
    logits = torch.cat([true, others], 1)
    loss = functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64))
    if config.kind == "complex" and config.smoothness:
        cubed = sum(part.abs().pow(3).sum(-1).mean() for part in (heads, by, tails))
        loss = loss + config.smoothness * cubed
    return loss
