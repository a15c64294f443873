"""Scores pairs by how well they continue a few reference pairs.

After FSRL (Zhang et al. 2020, arXiv 1911.11298):

1. An entity is described by its neighbours: attention over pairs of relation and entity.
2. A pair of descriptions passes a residual encoder.
3. References become one vector: a recurrent net reads them in turn, a second one rebuilds them,
   and attention weighs what was read.
4. A pair is matched to that vector in a few recurrent steps.

The published description is followed, not the released code: padding is masked, attention over the
references is a softmax over them, and what rebuilds them learns. In a matching cell of twice the
width, as published, half of the state reaches no score; it is left out here. With one vector for
all references, attention within matching is the identity.

Three departures, each a setting:
- ``own_vector``: an entity's own vector is added to its description.
- ``expected_tail``: the distance of a tail from where the references lead one to expect it is added
  to the score. That place is the references' mean tail, moved along with the head by a share that
  is learnt per number: none of it is the mean tail, all of it the mean offset.
- ``kindred``: the relation is also read as a mixture of those of the background, each weighed by
  how well it foretells the tails of the references. A relation that repeats a known one is found
  so, which no description of single entities can do.

Where either of the last two counts, matching has a weight that is learnt as well, and starts low:
what is not learnt yet is not to drown what needs no learning.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from retrieval.graph_vectors import VectorKind, acted_upon, scores_of_each, scores_of_tails
from retrieval.relation_graph import NONE

NEARLY_ALL = 3.0
"""Of the way that a head goes, tails first go as well, before its logistic function."""
Look = Callable[[Tensor], Tensor]
"""Gives what entities are described by: numbers (...) to (..., F)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Shape of the network."""

    width: int = 64
    """Numbers per entity and relation, D."""
    own_vector: bool = True
    """Whether an entity's own vector is part of its description."""
    expected_tail: bool = True
    """Whether the distance from the expected tail counts."""
    kindred: bool = True
    """Whether what the relations of the background foretell counts."""
    steps: int = 2
    """Of matching."""
    dropped_ratio: float = 0.3
    """Share of a pair's encoding that is dropped while learning."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.steps < 1 or not 0 <= self.dropped_ratio < 1:
            raise ValueError(
                "width and steps must be 1 or more, dropped_ratio in [0, 1): "
                f"{self.width = }, {self.steps = }, {self.dropped_ratio = }"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surroundings:
    """What is known of every entity, frozen."""

    vectors: Tensor
    """(N, D)."""
    symbols: Tensor
    """Of each relation, then of each on the way back, (2R, D)."""
    neighbours: Tensor
    """Relation and entity in each place, ``NONE`` twice where there is none, (N, M, 2)."""
    kind: VectorKind
    """How a relation acts on the vector of its head."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Episode:
    """One question: which tails continue these pairs?"""

    references: Tensor
    """Heads and tails, (K, 2)."""
    heads: Tensor
    """(B,)."""
    tails: Tensor
    """To be scored for each head, (B, C)."""
    candidates: Tensor
    """Tails that the relation may have, (L,)."""


class CompletingNetwork(nn.Module, ABC):
    """What completes relations from a few pairs."""

    @abstractmethod
    def describe(self, around: Surroundings, entities: Tensor) -> Tensor:
        """Describe entities, (E,) to (E, F)."""

    @abstractmethod
    def scores(self, around: Surroundings, look: Look, episode: Episode) -> tuple[Tensor, Tensor]:
        """Score the tails of an episode.

        Args:
            around: what is known of entities.
            look: gives what ``describe`` made of entities.
            episode: the question.

        Returns:
            Scores, (B, C), and a loss of the references' own, ().
        """


class NeighbourEncoder(nn.Module):
    """Describes an entity by what surrounds it."""

    def __init__(self, width: int, own_vector: bool) -> None:
        super().__init__()
        self.key, self.query = nn.Linear(2 * width, width), nn.Linear(width, 1, bias=False)
        self.own = nn.Linear(width, width, bias=False) if own_vector else None

    def forward(self, around: Surroundings, entities: Tensor) -> Tensor:  # (E,) -> (E, D)
        """Describe entities; one without neighbours is described by its own vector."""
        own, places = around.vectors[entities], around.neighbours[entities]
        held = places[..., 1] != NONE  # (E, M)
        by, others = around.symbols[places[..., 0]], around.vectors[places[..., 1]]
        asked = self.query(torch.tanh(self.key(torch.cat([by, others], -1)))).squeeze(-1)
        asked = asked.masked_fill(~held, torch.finfo(asked.dtype).min)
        shares = torch.softmax(asked, -1) * held
        met = (shares.unsqueeze(-1) * others).sum(1)
        if self.own is not None:
            return torch.tanh(met + self.own(own))
        return torch.tanh(torch.where(held.any(-1, keepdim=True), met, own))


class PairEncoder(nn.Module):
    """Encodes what a pair is described by, with a residual."""

    def __init__(self, width: int, dropped_ratio: float) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(2 * width, 4 * width), nn.Linear(4 * width, 2 * width)
        self.norm, self.dropped = nn.LayerNorm(2 * width), nn.Dropout(dropped_ratio)

    def forward(self, pairs: Tensor) -> Tensor:  # (..., 2D) -> (..., 2D)
        """Encode pairs."""
        inner = self.outer(torch.relu(self.inner(pairs)))
        normed: Tensor = self.norm(pairs + self.dropped(inner))
        return normed


class ReferenceReader(nn.Module):
    """Reads a set of references into one vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.read, self.rebuild = nn.LSTM(2 * width, 2 * width), nn.LSTMCell(2 * width, 2 * width)
        self.key, self.query = nn.Linear(2 * width, width), nn.Linear(width, 1, bias=False)

    def forward(self, references: Tensor) -> tuple[Tensor, Tensor]:  # (K, 2D) -> (2D,), ()
        """Give their vector, and how badly they are rebuilt from it."""
        read, (state, cell) = self.read(references)
        rebuilt, given = [], read[-1]
        for _ in range(len(references)):
            state, cell = self.rebuild(given.reshape(1, -1), (state.reshape(1, -1), cell[-1:]))
            given = state[0]
            rebuilt.append(given)
        loss = (torch.stack(rebuilt) - references).square().mean()
        kept = read + references
        shares = torch.softmax(self.query(torch.tanh(self.key(kept))), 0)  # (K, 1)
        return (shares * kept).sum(0), loss


class Matcher(nn.Module):
    """Matches pairs to what was read of the references, in recurrent steps."""

    def __init__(self, width: int, steps: int) -> None:
        super().__init__()
        self.by_pair = nn.Linear(2 * width, 8 * width)
        self.by_state = nn.Linear(2 * width, 8 * width, bias=False)
        self.by_set = nn.Linear(2 * width, 8 * width, bias=False)
        self.steps = steps

    def forward(self, pairs: Tensor, read: Tensor) -> Tensor:  # (..., 2D), (2D,) -> (...)
        """Score pairs."""
        asked, state, cell = self.by_pair(pairs), pairs, torch.zeros_like(pairs)
        for step in range(self.steps):
            gates = asked if step == 0 else asked + self.by_state(state) + self.by_set(read)
            enters, stays, leaves, new = gates.chunk(4, -1)
            cell = torch.sigmoid(stays) * cell + torch.sigmoid(enters) * torch.tanh(new)
            state = pairs + torch.sigmoid(leaves) * torch.tanh(cell)
        return state @ read


class ExpectedTail(nn.Module):
    """Says how far tails are from where the references lead one to expect them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.share, self.scale = nn.Linear(2 * width, width), nn.Linear(2 * width, width)
        for layer in (self.share, self.scale):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(self.share.bias, NEARLY_ALL)

    def forward(self, references: Tensor, heads: Tensor, tails: Tensor, read: Tensor) -> Tensor:
        """Give minus the distance, (B, C).

        Args:
            references: own vectors of heads and tails, (K, 2, D).
            heads: own vectors, (B, D).
            tails: own vectors, (B, C, D).
            read: what was read of the references, (2D,).
        """
        share, scale = torch.sigmoid(self.share(read)), functional.softplus(self.scale(read))
        head, tail = references.mean(0)
        expected = tail + share * (heads - head)
        off = scale * (tails - expected.unsqueeze(1))
        near: Tensor = -(off.square().sum(-1) + 1e-6).sqrt()
        return near


class Kindred(nn.Module):
    """Reads a relation as a mixture of the background's."""

    def __init__(self) -> None:
        super().__init__()
        self.sureness, self.trust = nn.Parameter(-torch.ones(())), nn.Parameter(torch.zeros(()))
        self.weight = nn.Parameter(torch.tensor(0.2))

    def forward(self, around: Surroundings, episode: Episode) -> Tensor:
        """Say how likely tails are, as logarithms, (B, C)."""
        candidates = around.vectors[episode.candidates]
        heads, tails = episode.references.T
        told = self._told(around, heads, tails.unsqueeze(1), candidates).squeeze(-1)  # (R, K)
        shares = torch.log_softmax(self.trust.exp() * told.sum(1), 0)
        asked = self._told(around, episode.heads, episode.tails, candidates)  # (R, B, C)
        likely: Tensor = self.weight * torch.logsumexp(shares[:, None, None] + asked, 0)
        return likely

    def _told(
        self, around: Surroundings, heads: Tensor, tails: Tensor, candidates: Tensor
    ) -> Tensor:
        """How likely each relation makes tails among the candidates, as logarithms, (R, B, C)."""
        acted = acted_upon(around.vectors[heads], around.symbols.unsqueeze(1), around.kind)
        sure = self.sureness.exp()
        every = scores_of_tails(acted, candidates, around.kind)  # (R, B, L)
        here = scores_of_each(acted.unsqueeze(2), around.vectors[tails], around.kind)
        return sure * here - torch.logsumexp(sure * every, -1, keepdim=True)


class FewShotNetwork(CompletingNetwork):
    """The whole: descriptions, references, matching.

    Args:
        config: shape.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.neighbours = NeighbourEncoder(config.width, config.own_vector)
        self.pairs = PairEncoder(config.width, config.dropped_ratio)
        self.references = ReferenceReader(config.width)
        self.matcher = Matcher(config.width, config.steps)
        self.expected = ExpectedTail(config.width) if config.expected_tail else None
        self.kindred = Kindred() if config.kindred else None
        others = config.expected_tail or config.kindred
        first = torch.tensor((2 * config.width) ** -0.5)
        self.weight = nn.Parameter(first) if others else None

    def describe(self, around: Surroundings, entities: Tensor) -> Tensor:  # (E,) -> (E, 2D)
        """Describe entities: by their neighbours, and by their own vector behind that."""
        return torch.cat([self.neighbours(around, entities), around.vectors[entities]], -1)

    def scores(self, around: Surroundings, look: Look, episode: Episode) -> tuple[Tensor, Tensor]:
        """Score tails; the loss is how badly the references are rebuilt."""
        references, heads = look(episode.references), look(episode.heads)
        tails = look(episode.tails)
        width = self.config.width
        known = self.pairs(references[..., :width].flatten(1))
        read, loss = self.references(known)
        ends = heads[:, None, :width].expand(-1, tails.shape[1], -1)
        asked = self.pairs(torch.cat([ends, tails[..., :width]], -1))
        scores: Tensor = self.matcher(asked, read)
        if self.weight is not None:
            scores = self.weight * scores
        if self.expected is not None:
            own = (references[..., width:], heads[:, width:], tails[..., width:])
            scores = scores + self.expected(*own, read)
        if self.kindred is not None:
            scores = scores + self.kindred(around, episode)
        return scores, loss
