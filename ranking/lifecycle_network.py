"""A network that reads the tokens of a lifecycle in both directions, and guesses hidden ones.

Days count back from the day of asking and fall into bins that widen, so that a network knows days
that it never saw. What an action with a topic means is what the action means, what the topic means
and what is particular to the two; the last starts at nothing, so that a rare pair is known by its
parts. What guesses is what reads: both use one table. A person is the mean of their tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ranking.lifecycle import Kind, Lexicon, Numbers, Tokens

NUM_DAY_BINS, DAY_BASE = 48, 1.3
NUM_COUNT_BINS = 16
SPREAD = 0.02
"""Standard deviation of numbers before learning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleShape:
    """Size of a network."""

    num_actions: int
    """A."""
    num_topics: int
    """G."""
    width: int
    """D."""
    num_layers: int
    """Blocks."""
    num_heads: int
    """Attention heads."""
    length: int
    """Most tokens, L."""
    dropped_ratio: float
    """Share of numbers dropped while learning."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lifecycles:
    """Tokens of people as a network reads them, padded on the right."""

    ids: Numbers
    """(B, L)."""
    first_bins: Numbers
    """Bin of the days from the first day told of to the day of asking, (B, L)."""
    last_bins: Numbers
    """The same of the last day told of, (B, L)."""
    count_bins: Numbers
    """Bin of the events told of, (B, L)."""
    kinds: Numbers
    """See ``Kind``, (B, L)."""
    some: NDArray[np.bool_]
    """Where there is a token, (B, L)."""

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def lengths(self) -> Numbers:
        """Tokens of each person, (B,)."""
        return np.asarray(self.some.sum(axis=1), np.int64)

    def rows(self, people: Numbers) -> Lifecycles:
        """Those of some people, cut where the longest of them ends."""
        longest = max(int(self.lengths[people].max(initial=0)), 1)
        return Lifecycles(
            **{name: getattr(self, name)[people, :longest] for name in self.__dataclass_fields__}
        )


def lifecycles_of(tokens: Tokens, asked: Numbers, length: int) -> Lifecycles:
    """Lay out the latest tokens of each person.

    Args:
        tokens: in order; see ``tokens_of``.
        asked: day of asking of each person, (U,).
        length: most tokens of a person.
    """
    counts = np.bincount(tokens.users, minlength=len(asked))
    ends = np.cumsum(counts)
    from_end = ends[tokens.users] - np.arange(len(tokens)) - 1
    kept = from_end < length
    widths = np.minimum(counts, length)
    users, places = tokens.users[kept], (widths[tokens.users] - 1 - from_end)[kept]

    def table(values: Numbers) -> Numbers:
        found = np.zeros((len(asked), max(int(widths.max(initial=0)), 1)), np.int64)
        found[users, places] = values[kept]
        return found

    days = asked[tokens.users]
    return Lifecycles(
        ids=table(tokens.ids),
        first_bins=table(_bins(days - tokens.first_days, DAY_BASE, 1, NUM_DAY_BINS)),
        last_bins=table(_bins(days - tokens.last_days, DAY_BASE, 1, NUM_DAY_BINS)),
        count_bins=table(_bins(np.maximum(tokens.counts, 1), 2.0, 0, NUM_COUNT_BINS)),
        kinds=table(tokens.kinds),
        some=table(np.ones(len(tokens), np.int64)).astype(np.bool_),
    )


class LifecycleNetwork(nn.Module):
    """Reads lifecycles.

    Args:
        shape: its size.
    """

    def __init__(self, shape: LifecycleShape) -> None:
        super().__init__()
        self.shape = shape
        lexicon = Lexicon(actions=("",) * shape.num_actions, num_topics=shape.num_topics)
        self.hidden_id = lexicon.hidden
        self.action = nn.Embedding(2 * shape.num_actions, shape.width)
        self.topic = nn.Embedding(shape.num_topics, shape.width)
        self.own = nn.Embedding(lexicon.num_told, shape.width)
        self.special = nn.Embedding(2, shape.width)
        self.first = nn.Embedding(NUM_DAY_BINS, shape.width)
        self.last = nn.Embedding(NUM_DAY_BINS, shape.width)
        self.count = nn.Embedding(NUM_COUNT_BINS, shape.width)
        self.kind = nn.Embedding(len(Kind), shape.width)
        self.place = nn.Embedding(shape.length, shape.width)
        block = nn.TransformerEncoderLayer(
            shape.width,
            shape.num_heads,
            4 * shape.width,
            shape.dropped_ratio,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.blocks = nn.TransformerEncoder(block, shape.num_layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(shape.width)
        self.dropped = nn.Dropout(shape.dropped_ratio)
        self.bias = nn.Parameter(torch.zeros(lexicon.num_told))
        for part in self.modules():
            if isinstance(part, nn.Embedding):
                nn.init.normal_(part.weight, std=SPREAD)
        nn.init.zeros_(self.own.weight)

    @property
    def pairs(self) -> Tensor:
        """Vector of each pair, met and lost, (2 * A * G, D)."""
        parts = self.action.weight[:, None] + self.topic.weight  # (2A, G, D)
        return parts.flatten(0, 1) + self.own.weight

    def forward(self, ids: Tensor, told: Lifecycles) -> Tensor:
        """Read tokens.

        Args:
            ids: of the tokens, some hidden, (B, L).
            told: what else is known of them.

        Returns:
            State of each token, (B, L, D).
        """
        table = torch.cat([self.pairs, self.special.weight])
        place = torch.arange(ids.shape[1], device=ids.device)
        device = ids.device
        read = table[ids] + self.place(place)
        for part, values in (
            (self.first, told.first_bins),
            (self.last, told.last_bins),
            (self.count, told.count_bins),
            (self.kind, told.kinds),
        ):
            read = read + part(torch.from_numpy(values).to(device))
        some = torch.from_numpy(told.some).to(device)
        # Attention needs something to look at where a person has no token.
        absent = ~some & some.any(dim=1, keepdim=True)
        states = self.blocks(self.dropped(read), src_key_padding_mask=absent)
        found: Tensor = self.norm(states)
        return found

    def guess(self, states: Tensor) -> Tensor:
        """Logits of every token with a topic, (M, 2 * A * G), after states (M, D)."""
        return states @ self.pairs.T + self.bias

    def people(self, told: Lifecycles) -> Tensor:
        """Vector of each person, (B, D): the mean of their tokens; zeros without any."""
        device = self.bias.device
        states = self(torch.from_numpy(told.ids).to(device), told)
        some = torch.from_numpy(told.some).to(device).unsqueeze(-1)
        total: Tensor = (states * some).sum(dim=1)
        return total / some.sum(dim=1).clamp(min=1)


def _bins(values: Numbers, base: float, shift: int, number: int) -> Numbers:
    """Bins that widen by a factor, the last one without end."""
    # What rounds down just below a whole power belongs to it.
    powers = np.floor(np.log(np.maximum(values + shift, 1)) / np.log(base) + 1e-9)
    return np.asarray(np.minimum(powers, number - 1), np.int64)
