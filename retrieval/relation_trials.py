"""Asking a network: what it needs of every entity is made once, then pairs are scored in parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retrieval.relation_network import CompletingNetwork, Episode, Look, Surroundings
from retrieval.relation_tasks import Held, filtered_ranks

PAIRS_AT_ONCE = 8_192
"""Pairs that are scored together; bounds memory."""
ENTITIES_AT_ONCE = 4_096


def looked_up(network: CompletingNetwork, around: Surroundings, episode: Episode) -> Look:
    """Describe the entities of one episode, each once, with gradients where they are kept."""
    given = (episode.references.flatten(), episode.heads, episode.tails.flatten())
    entities = torch.unique(torch.cat(given))
    described = network.describe(around, entities)
    place_of = torch.full((len(around.vectors),), -1)
    place_of[entities] = torch.arange(len(entities))
    return lambda numbers: described[place_of[numbers]]


@torch.no_grad()
def described(network: CompletingNetwork, around: Surroundings) -> Tensor:
    """Describe every entity, (N, F)."""
    network.eval()
    every = torch.split(torch.arange(len(around.vectors)), ENTITIES_AT_ONCE)
    return torch.cat([network.describe(around, entities) for entities in every])


@torch.no_grad()
def pair_scores(
    network: CompletingNetwork,
    known: tuple[Surroundings, Tensor],
    references: NDArray[np.int64],
    heads: NDArray[np.int64],
    tails: NDArray[np.int64],
    candidates: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """Score tails for heads, (B, C).

    Args:
        network: learnt.
        known: what is known of entities, and what ``described`` made of it.
        references: heads and tails, (K, 2).
        heads: (B,).
        tails: the same for every head, (C,), or each head's own, (B, C).
        candidates: tails that the relation may have, (L,); None for those that are scored.
    """
    network.eval()
    around, made = known
    every = np.broadcast_to(tails, (len(heads), tails.shape[-1]))
    competing = torch.from_numpy(np.unique(tails) if candidates is None else candidates)
    scores = np.empty(every.shape, np.float32)
    rows = max(1, PAIRS_AT_ONCE // max(every.shape[1], 1))
    for start in range(0, len(heads), rows):
        part = slice(start, start + rows)
        episode = Episode(
            references=torch.from_numpy(references),
            heads=torch.from_numpy(heads[part]),
            tails=torch.from_numpy(every[part].copy()),
            candidates=competing,
        )
        scores[part] = network.scores(around, made.__getitem__, episode)[0].numpy()
    return scores


def held_ranks(
    network: CompletingNetwork, around: Surroundings, held: Sequence[Held], shots: int
) -> list[NDArray[np.float64]]:
    """Rank what is asked for with the first few references of each draw.

    Returns:
        By task, (draws, B).
    """
    known, found = (around, described(network, around)), list[NDArray[np.float64]]()
    for one in held:
        asked = one.asked
        ranks = [
            filtered_ranks(
                one.task,
                asked,
                pair_scores(network, known, draw[:shots], asked[:, 0], one.task.candidates),
            )
            for draw in one.draws
        ]
        found.append(np.stack(ranks))
    return found
