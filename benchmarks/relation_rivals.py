"""What few-shot relations are measured against, written here after the papers.

- ``matching``: GMatching (Xiong et al. 2018, arXiv 1808.09040), which averages neighbours and
  references and matches as ours does.
- ``meta``: MetaR (Chen et al. 2019, arXiv 1909.01515), which makes a relation's vector of the
  references, betters it by one step down their own loss, and scores by translation.
- ``offset``: the tail nearest to the head and the references' mean offset; nothing is learnt.
- ``mean tail``: the tail nearest to the references' mean tail.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from retrieval.relation_graph import NONE
from retrieval.relation_network import (
    CompletingNetwork,
    Episode,
    FewShotNetwork,
    Look,
    NetworkConfig,
    Surroundings,
)
from retrieval.relation_tasks import Held, filtered_ranks

PLAIN = {"own_vector": False, "expected_tail": False, "kindred": False}
"""The published network, without our departures."""


class MeanNeighbours(nn.Module):
    """Describes an entity by the mean of what surrounds it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.met = nn.Linear(2 * width, width)

    def forward(self, around: Surroundings, entities: Tensor) -> Tensor:
        """Describe entities; one without neighbours is described by its own vector."""
        own, places = around.vectors[entities], around.neighbours[entities]
        held = (places[..., 1] != NONE).unsqueeze(-1)
        pairs = torch.cat([around.symbols[places[..., 0]], around.vectors[places[..., 1]]], -1)
        met = (self.met(pairs) * held).sum(1) / held.sum(1).clamp(min=1)
        return torch.tanh(torch.where(held.any(1), met, own))


class MeanReferences(nn.Module):
    """Reads references into their mean."""

    def forward(self, references: Tensor) -> tuple[Tensor, Tensor]:
        """Give the mean, and nothing that is rebuilt."""
        return references.mean(0), references.new_zeros(())


class Matching(FewShotNetwork):
    """GMatching."""

    def __init__(self, width: int) -> None:
        super().__init__(NetworkConfig(width=width, **PLAIN))
        self.add_module("neighbours", MeanNeighbours(width))
        self.add_module("references", MeanReferences())


class MetaRelation(CompletingNetwork):
    """MetaR.

    Args:
        vectors: of the entities, (N, D).
        tuned: whether they are learnt on, as published, or stay.
    """

    num_wrong = 8
    """Wrong tails per reference."""

    def __init__(self, vectors: NDArray[np.float32], tuned: bool) -> None:
        super().__init__()
        width = vectors.shape[1]
        self.own = nn.Parameter(torch.from_numpy(vectors.copy())) if tuned else None
        self.relation = nn.Sequential(
            nn.Linear(2 * width, 500),
            nn.LayerNorm(500),
            nn.LeakyReLU(),
            nn.Linear(500, 200),
            nn.LayerNorm(200),
            nn.LeakyReLU(),
            nn.Linear(200, width),
        )
        self.rate = nn.Parameter(torch.tensor(5.0))

    def describe(self, around: Surroundings, entities: Tensor) -> Tensor:
        """Give vectors of entities."""
        return (around.vectors if self.own is None else self.own)[entities]

    def scores(self, around: Surroundings, look: Look, episode: Episode) -> tuple[Tensor, Tensor]:
        """Score tails by translation."""
        with torch.enable_grad():
            heads, tails = look(episode.references).unbind(1)
            first = self.relation(torch.cat([heads, tails], -1)).mean(0)
            if not first.requires_grad:
                first.requires_grad_()
            draws = torch.Generator().manual_seed(int(episode.references.sum()))
            size = (len(heads), self.num_wrong)
            places = torch.randint(len(episode.candidates), size, generator=draws)
            wrong = self.describe(around, episode.candidates[places])
            true = _translated(heads, first, tails.unsqueeze(1))
            short = functional.relu(1 + _translated(heads, first, wrong) - true).mean()
            (slope,) = torch.autograd.grad(short, first, create_graph=self.training)
        better = first - self.rate * slope
        return _translated(look(episode.heads), better, look(episode.tails)), short.new_zeros(())


def _translated(heads: Tensor, by: Tensor, tails: Tensor) -> Tensor:
    """Score tails, (B, C, D), by how near they are to the shifted heads, (B, C)."""
    return -torch.linalg.vector_norm((heads + by).unsqueeze(1) - tails, dim=-1)


def nearest_ranks(
    vectors: NDArray[np.float32], held: list[Held], shots: int, moved: bool
) -> list[NDArray[np.float64]]:
    """Rank by nearness to where the references point, by task, (draws, B).

    Args:
        vectors: of the entities, (N, D).
        held: what is asked for.
        shots: references.
        moved: whether the expected tail moves with the head: offset, or mean tail.
    """
    found = []
    for one in held:
        tails, ranks = vectors[one.task.candidates], []
        for draw in one.draws:
            head, tail = vectors[draw[:shots]].mean(0)
            expected = tail + (vectors[one.asked[:, 0]] - head if moved else 0 * head)
            expected = np.broadcast_to(expected, (len(one.asked), vectors.shape[1]))
            off = np.linalg.norm(expected[:, None] - tails[None], axis=-1)
            ranks.append(filtered_ranks(one.task, one.asked, -off.astype(np.float32)))
        found.append(np.stack(ranks))
    return found
