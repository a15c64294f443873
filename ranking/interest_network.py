"""Histories to query vectors, items to vectors they are met by: one, pooled, or by interest.

After GemiRec (Wu et al. 2025, arXiv 2510.14626), as far as it is known, and ComiRec-SA beside it:
- a causal encoder reads items and, where there are interests, their codes; all kinds share it, so
  what differs between two of them is the vectors and nothing else;
- vectors and items have unit length, and cosines are divided by a temperature;
- a vector for an interest is the history's own, moved by what the interest adds: at the start it
  adds nothing, and the network is the one of a single vector it began as;
- the dictionary is learnt between two stages and then stays. It keeps what content looked like
  then, so an item that came later gets its code by its content.

``L`` counts levels of the dictionary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ranking.blocks import Group, block_of, start_small
from ranking.interest_config import InterestConfig, InterestTraining
from ranking.interest_heads import AttentionPool, InterestVector, NextInterest
from ranking.quantiser import CodeUse, Quantiser, fit_quantiser
from ranking.ranker import Items


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is searched for after some histories."""

    vectors: Tensor
    """Of unit length, (P, K, D)."""
    log_weights: Tensor
    """Logarithm of the share of each vector, (P, K); shares of one history add up to 1."""
    codes: Tensor
    """Interest of each vector, int64 (P, K, L); L is 0 where there are no interests."""


class InterestNetwork(nn.Module):
    """Histories to vectors that find what follows."""

    ready: Tensor
    known_codes: Tensor
    content_then: Tensor

    def __init__(self, config: InterestConfig) -> None:
        super().__init__()
        self.config = config
        width, wide = config.width, config.width * len(config.sizes)
        self.ids = nn.Embedding(config.num_ids, width) if config.num_ids else None
        self.content = (
            nn.Linear(config.content_width, width, bias=False) if config.content_width else None
        )
        self.place = nn.Embedding(config.length, width)
        self.blocks = nn.ModuleList(block_of(config.blocks) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(config.dropped_ratio)
        interests = config.kind == "interests"
        self.pool = (
            AttentionPool(width, config.num_interests) if config.kind == "attention" else None
        )
        self.quantiser = Quantiser(config.dictionary) if interests else None
        self.of_code = nn.Linear(wide, width, bias=False) if interests else None
        self.next = NextInterest(width, config.sizes) if interests else None
        self.vector = InterestVector(width, wide) if interests else None
        levels = len(config.sizes) if interests else 0
        self.register_buffer("ready", torch.zeros(1, dtype=torch.bool))
        self.register_buffer("known_codes", torch.zeros(config.num_ids, levels, dtype=torch.int64))
        self.register_buffer("content_then", torch.zeros(width, config.content_width))
        self._start()

    def _start(self) -> None:
        """Small rows, maps that keep lengths; of interests, nothing yet."""
        start_small(self, self.content)
        if self.of_code is not None and self.next is not None and self.vector is not None:
            nn.init.zeros_(self.of_code.weight)
            self.next.start()
            self.vector.start()

    @property
    def has_interests(self) -> bool:
        """Whether there is a dictionary, and it has been learnt."""
        return self.quantiser is not None and bool(self.ready)

    def items(self, items: Items) -> Tensor:
        """Vectors of items (...), of any length, (..., D)."""
        projected = None if self.content is None else self.content(items.content)
        return self._summed(items.ids, projected)

    def targets(self, items: Items) -> Tensor:
        """What queries meet items (...) by: unit vectors (..., D); zeros of one without any."""
        return functional.normalize(self.items(items), dim=-1)

    @torch.no_grad()
    def learn_dictionary(self, items: Items, config: InterestTraining) -> CodeUse:
        """Learn the dictionary of the items that have a row, and keep their codes.

        Args:
            items: all of them, by rising row, (N,).
            config: how.

        Raises:
            ValueError: the network has no dictionary.
        """
        if self.quantiser is None:
            raise ValueError(f"no dictionary in a network of kind {self.config.kind}")
        vectors = self.targets(items)
        with torch.enable_grad():
            use = fit_quantiser(self.quantiser, vectors, config.dictionary_training)
        if self.config.num_ids:
            self.known_codes.copy_(self.quantiser.codes(vectors))
        if self.content is not None:
            self.content_then.copy_(self.content.weight)
        self.ready.fill_(True)
        return use

    @torch.no_grad()
    def codes(self, items: Items) -> Tensor:
        """Codes of items (...), int64 (..., L), of those without a row by their content."""
        if not self.config.num_ids:
            return self._content_codes(items.content)
        codes = self.known_codes[items.ids.clamp(min=0)]
        cold = items.ids < 0
        if items.content is not None and self.content is not None and bool(cold.any()):
            codes[cold] = self._content_codes(items.content[cold])
        return codes

    def states(self, items: Items) -> tuple[Tensor, Tensor]:
        """What a history amounts to after each of its events.

        Args:
            items: of each event, (B, T), padded on the right; T is at most the settings' length.

        Returns:
            States, and the items' own rows; both (B, T, D), without meaning in the padding.
        """
        own = self.items(items)
        rows = own * math.sqrt(self.config.width) + self.place.weight[: own.shape[1]]
        if self.has_interests and self.quantiser is not None and self.of_code is not None:
            rows = rows + self.of_code(self.quantiser.embedding(self.codes(items)))
        rows = self.drop(rows)
        groups = [Group(shape=(rows.shape[0], rows.shape[1]))]
        flat = rows.flatten(0, 1)
        for block in self.blocks:
            flat = block(flat, groups)
        return self.norm(flat).view_as(rows), own

    def pooled(self, states: Tensor, own: Tensor) -> Tensor:
        """Unit vectors of each place before interests come in, (B, T, K, D); K is mostly 1."""
        if self.pool is None:
            return functional.normalize(states, dim=-1)[:, :, None]
        values = states if self.config.num_layers else own
        return functional.normalize(self.pool(states, values), dim=-1)

    def of_interest(self, states: Tensor, codes: Tensor) -> Tensor:
        """Unit vectors for states (..., D) and codes (..., L), (..., D)."""
        if self.vector is None or self.quantiser is None:
            raise ValueError(f"no interests in a network of kind {self.config.kind}")
        vectors: Tensor = self.vector(states, self.quantiser.embedding(codes))
        return vectors

    def likely(self, states: Tensor, number: int) -> tuple[Tensor, Tensor]:
        """Likeliest codes after states (P, D): (P, K, L), and logarithms of chances (P, K)."""
        if self.next is None or self.quantiser is None:
            raise ValueError(f"no interests in a network of kind {self.config.kind}")
        return self.next.best(states, number, self.quantiser)

    def code_log_chance(self, states: Tensor, codes: Tensor) -> Tensor:
        """Logarithm of the chance of codes (P, L) after states (P, D), by level, (P, L)."""
        if self.next is None or self.quantiser is None:
            raise ValueError(f"no interests in a network of kind {self.config.kind}")
        return self.next.log_chance(states, codes, self.quantiser)

    def ask(self, items: Items, lengths: Tensor, number: int) -> Asked:
        """Make the query vectors of users.

        Args:
            items: of each event, (B, T), padded on the right.
            lengths: events of each, 1 or more, int64 (B,).
            number: K, where interests are drawn; other kinds have the number they have.
        """
        states, own = self.states(items)
        last = torch.arange(len(lengths), device=lengths.device), lengths - 1
        if not self.has_interests:
            vectors = self.pooled(states, own)[last]  # (B, K, D)
            shares = vectors.new_full(vectors.shape[:2], -math.log(vectors.shape[1]))
            nothing = lengths.new_zeros(*vectors.shape[:2], 0)
            return Asked(vectors=vectors, log_weights=shares, codes=nothing)
        state = states[last]
        codes, chances = self.likely(state, number)
        vectors = self.of_interest(state[:, None].expand(-1, codes.shape[1], -1), codes)
        return Asked(vectors=vectors, log_weights=chances.log_softmax(dim=1), codes=codes)

    def scores(self, asked: Asked, targets: Tensor) -> Tensor:
        """Merge what several vectors say of each item.

        Args:
            asked: of B users.
            targets: unit vectors of all items, (N, D).

        Returns:
            (B, N), comparable within a row.
        """
        found = asked.vectors @ targets.T / self.config.temperature  # (B, K, N)
        if self.config.merge == "max":
            return found.amax(dim=1)
        return (found.log_softmax(dim=-1) + asked.log_weights[..., None]).logsumexp(dim=1)

    def _summed(self, ids: Tensor, projected: Tensor | None) -> Tensor:
        """Rows of ids (...) and projected content (..., D) added up; either may be missing."""
        if self.ids is None and projected is not None:
            return projected
        if self.ids is None:
            raise ValueError("items are known neither by id nor by content")
        rows: Tensor = self.ids(ids.clamp(min=0)) * (ids >= 0)[..., None]
        return rows if projected is None else rows + projected

    def _content_codes(self, content: Tensor | None) -> Tensor:
        if self.quantiser is None or content is None:
            raise ValueError("codes of items without a row need a dictionary and content")
        vectors = functional.normalize(content @ self.content_then.T, dim=-1)
        return self.quantiser.codes(vectors)
