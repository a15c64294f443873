"""A causal sequence model that ranks: a history and candidates in, a score per action out.

- A state is what a history amounts to after each of its events; an item is a vector of the same
  width, from its id, its content, or the sum of both. An item without an id is its content alone.
- One softmax spans all pairs of item and action. A score is therefore the logarithm, up to a
  constant of the history, of the chance that the next event is this action on this item; and among
  the scores of one item, softmax gives the chance of each action should it happen to that item.
- A candidate meets the state and nothing else, so its scores do not depend on who else is scored.
- What an action is worth is not learnt here: ``ranking.worth`` takes the weights from outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ranking.blocks import BUCKETS, Drop, Group, block_of, start_small, time_buckets
from ranking.ranker_config import RankerConfig
from ranking.sequences import ItemRows, Padded

ROWS = 32
"""Rows go through the blocks in multiples of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """Items as the network takes them, in any shape."""

    ids: Tensor
    """Row in the id table, int64 (...); -1 where an item has none."""
    content: Tensor | None
    """Content vectors, (..., F); None where the network knows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What happened in histories and when, but not with which items; padded on the right."""

    actions: Tensor
    """Number of each event's action, int64 (B, T)."""
    times: Tensor
    """Seconds since 1970, int64 (B, T)."""
    next_times: Tensor
    """Seconds at which what follows each event was asked for, int64 (B, T): the time of the next
    event, or of the request. Read only where the settings say ``request``."""
    places: Tensor | None = None
    """Row of each event where rows are given flat, int64 (B, T), any row where padded; None where
    every place has its row, padding too."""
    kept: Tensor | None = None
    """Which of the B T places are no padding, rising, int64; None where every place has its row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Happened):
    """Events of users, padded on the right."""

    items: Items
    """Of each event, (B, T)."""


class SequenceNetwork(nn.Module):
    """Histories to states, items to vectors, both to scores."""

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.ids = nn.Embedding(config.num_ids, width) if config.num_ids else None
        self.content = (
            nn.Linear(config.content_width, width, bias=False) if config.content_width else None
        )
        self.place = nn.Embedding(config.length, width)
        self.action = nn.Embedding(config.num_actions, width) if config.num_actions > 1 else None
        self.gap = nn.Embedding(BUCKETS, width) if config.time != "none" else None
        self.blocks = nn.ModuleList(block_of(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(width)
        self.drop = Drop(config.dropped_ratio)
        self.heads = (
            nn.Linear(width, config.num_actions * (width + 1)) if config.num_actions > 1 else None
        )
        # How likely any item is: softmax does not see it. Asked for yes or no one by one, a network
        # that starts at even odds learns to say no to all, and stays there.
        self.base = nn.Parameter(torch.full((1,), -math.log(max(config.num_ids, 1))))
        self._start()

    def _start(self) -> None:
        """Small rows, maps that keep lengths, and heads that agree."""
        start_small(self, self.content)
        if self.heads is not None:
            nn.init.zeros_(self.heads.weight)

    def items(self, items: Items) -> Tensor:
        """Vectors of items (...), (..., D)."""
        parts = []
        if self.ids is not None:
            known = (items.ids >= 0)[..., None]
            parts.append(self.ids(items.ids.clamp(min=0)) * known)
        if self.content is not None and items.content is not None:
            parts.append(self.content(items.content))
        return torch.stack(parts).sum(dim=0) if len(parts) > 1 else parts[0]

    def states(self, history: History) -> Tensor:
        """What a history amounts to after each of its events.

        Args:
            history: T is at most the settings' length.

        Returns:
            (B, T, D); where a history is padded, rows without meaning.
        """
        rows = self.items(history.items)
        return self.states_of(rows.flatten(0, 1), [history]).view(rows.shape)

    def states_of(self, items: Tensor, histories: Sequence[Happened]) -> Tensor:
        """The same for histories in groups, where the vectors of the items are known already.

        Args:
            items: vector of each event's item, (P, D), those of padding left out where a group
                says which they are.
            histories: groups, in the order of the rows.

        Returns:
            (P, D).
        """
        width = self.config.width
        groups = [self._group(group) for group in histories]
        rows = items * math.sqrt(width)
        rows = rows + torch.cat(
            [group.flat(self.place.weight[: group.shape[1]].expand(*group.shape, width))
             for group in groups]
        )  # fmt: skip
        if self.action is not None:
            rows = rows + self.action(_flat(groups, [part.actions for part in histories]))
        if self.gap is not None:
            rows = rows + self.gap(_flat(groups, [self._since(part) for part in histories]))
        # Products are compiled per number of rows: few different ones.
        rows = self.drop(functional.pad(rows, (0, 0, 0, -len(rows) % ROWS)))
        for block in self.blocks:
            rows = block(rows, groups)
        final: Tensor = self.norm(rows[: len(items)])
        return final

    def _group(self, happened: Happened) -> Group:
        batch, num_places = happened.times.shape
        gaps = None
        if self.gap is not None:
            now = self._now(happened)
            gaps = time_buckets(now[:, :, None] - happened.times[:, None])
        return Group(
            shape=(batch, num_places), places=happened.places, kept=happened.kept, gaps=gaps
        )

    def _now(self, happened: Happened) -> Tensor:
        """The moment that each event looks back from, (B, T)."""
        return happened.next_times if self.config.time == "request" else happened.times

    def _since(self, happened: Happened) -> Tensor:
        """Bucket of the time around each event, (B, T)."""
        times = happened.times
        since = self._now(happened) - times
        if self.config.time == "gaps":
            since = torch.cat([since[:, :1], times.diff(dim=1)], dim=1)
        return time_buckets(since)

    def asked(self, states: Tensor) -> Tensor:
        """What each action looks for, (..., A, D + 1): a direction, and how likely it is at all."""
        config = self.config
        wide = torch.cat([states, self.base.expand(*states.shape[:-1], 1)], dim=-1)[..., None, :]
        if self.heads is not None:
            wide = wide + self.heads(states).unflatten(-1, (config.num_actions, config.width + 1))
        if config.temperature is None:
            return wide
        direction = functional.normalize(wide[..., :-1], dim=-1) / config.temperature
        return torch.cat([direction, wide[..., -1:]], dim=-1)

    def targets(self, items: Items) -> Tensor:
        """What candidates are met by, (..., D + 1); the product with ``asked`` is the score."""
        return functional.pad(self.met(self.items(items)), (0, 1), value=1.0)

    def met(self, items: Tensor) -> Tensor:
        """What items with these vectors (..., D) are met by, but for how likely any is at all."""
        if self.config.temperature is None:
            return items
        return functional.normalize(items, dim=-1)

    def scores(self, history: History, lengths: Tensor, candidates: Items) -> Tensor:
        """Score candidates for users.

        Args:
            history: of B users.
            lengths: events of each, 1 or more, int64 (B,).
            candidates: C for each user, (B, C); or the same for all, (C,).

        Returns:
            Score of each candidate and action, (B, C, A).
        """
        states = self.states(history)
        last = states[torch.arange(len(lengths), device=lengths.device), lengths - 1]  # (B, D)
        asked, rows = self.asked(last), self.targets(candidates)
        if rows.dim() == 2:
            return (asked @ rows.T).transpose(1, 2)
        return rows @ asked.transpose(1, 2)


def items_of(rows: ItemRows, numbers: NDArray[np.int64], device: str = "cpu") -> Items:
    """The items with these numbers, of any shape, as tensors."""
    content = None
    if rows.content is not None:
        content = torch.from_numpy(np.asarray(rows.content[numbers], np.float32)).to(device)
    return Items(ids=torch.from_numpy(rows.id_rows[numbers]).to(device), content=content)


def history_of(
    rows: ItemRows, events: Padded, next_times: NDArray[np.int64], device: str = "cpu"
) -> History:
    """Padded events as tensors.

    Args:
        rows: what is known of the items.
        events: of B users.
        next_times: as ``Happened.next_times``, (B, T).
        device: where to.
    """
    known = happened_of(events, next_times, device)
    return History(
        items=items_of(rows, events.items, device),
        actions=known.actions,
        times=known.times,
        next_times=known.next_times,
    )


def happened_of(
    events: Padded, next_times: NDArray[np.int64], device: str = "cpu", first: int | None = None
) -> Happened:
    """Padded events as tensors, without their items.

    Args:
        events: of B users.
        next_times: as ``Happened.next_times``, (B, T).
        device: where to.
        first: number of the row of the first event, where rows are given flat and padding has none.
    """
    actions, times, following = (
        torch.from_numpy(np.ascontiguousarray(part)).to(device)
        for part in (events.actions, events.times, next_times)
    )
    if first is None:
        return Happened(actions=actions, times=times, next_times=following)
    kept = np.flatnonzero(events.some)
    places = np.zeros(events.items.size, np.int64)
    places[kept] = first + np.arange(len(kept))
    return Happened(
        actions=actions,
        times=times,
        next_times=following,
        places=torch.from_numpy(places.reshape(events.items.shape)).to(device),
        kept=torch.from_numpy(kept).to(device),
    )


def _flat(groups: Sequence[Group], parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([group.flat(part) for group, part in zip(groups, parts, strict=True)])


def request_times(events: Padded, asked_at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Time of what follows each event, (B, T): the next event's, and at the end the request's."""
    following = np.roll(events.times, -1, axis=1)
    following[np.arange(len(asked_at)), events.lengths - 1] = asked_at
    return following
