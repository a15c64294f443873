"""One step of learning a sequence model: the loss of what some users did next.

- Histories go through the network in groups of like length, so that little is padded; the loss is
  one mean over all their events.
- Every item that a step meets, in histories, as a true one or drawn, is looked up once.
- Items drawn for all events of the step are scored in parts that are never kept
  (``sequence_loss.log_total``). Where each event draws for itself, and for the binary loss, scores
  are kept up to a bound, and beyond it computed twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint as recomputed

from ranking.ranker import Items, SequenceNetwork, happened_of, items_of
from ranking.sequence_draws import Draws, SequenceTraining
from ranking.sequence_loss import (
    binary_loss,
    corrected,
    log_total,
    positive_weight,
    softmax_loss,
)
from ranking.sequences import ItemRows, Padded, Sequences

Numbers = NDArray[np.int64]

MOST_SCORES = 2**25
"""Scores whose gradients are kept at once; beyond it, parts are computed twice instead."""
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """P events of a step, and what each is held against."""

    sought: Tensor
    """What each action looks for, and how likely it is at all, (P, A, D + 1)."""
    met: Tensor
    """What the U items of the step are met by, (U, D)."""
    true: Tensor
    """Place of each true item among them, int64 (P,)."""
    actions: Tensor
    """The true action of each event, int64 (P,)."""
    drawn: Tensor
    """Places of the items drawn, int64 (M,) for all events, or (P, M) for each."""
    log_expected: Tensor
    """How often each is expected among those drawn, of the same shape."""

    @property
    def true_scores(self) -> Tensor:
        """Scores of the true items, (P, A)."""
        rows = functional.embedding(self.true, self.met)[:, None]
        return (self.sought[..., :-1] * rows).sum(dim=-1) + self.sought[..., -1]

    def part(self, part: slice) -> Asked:
        """Some of the events."""
        shared = self.drawn.dim() == 1
        return dataclasses.replace(
            self,
            sought=self.sought[part],
            true=self.true[part],
            actions=self.actions[part],
            drawn=self.drawn if shared else self.drawn[part],
            log_expected=self.log_expected if shared else self.log_expected[part],
        )


class Objective:
    """The loss of a step.

    Args:
        sequences: events to learn from.
        rows: what is known of the items.
        network: what learns.
        config: how.
    """

    def __init__(
        self,
        sequences: Sequences,
        rows: ItemRows,
        network: SequenceNetwork,
        config: SequenceTraining,
    ) -> None:
        self._sequences, self._rows = sequences, rows
        self._network, self._config = network, config
        self._draws = Draws(sequences, config)

    def loss(self, users: Numbers, random: np.random.Generator) -> Tensor:
        """Mean loss over the events that follow others in the histories of some users."""
        config = self._config
        short = config.precision != "float32"
        with torch.autocast(config.device, PRECISIONS[config.precision], enabled=short):
            asked = self._asked(users, random)
        if config.loss == "softmax" and asked.drawn.dim() == 1:
            return self._whole_softmax(asked)
        return self._in_parts(asked)

    def _asked(self, users: Numbers, random: np.random.Generator) -> Asked:
        device = self._config.device
        whole = list(self._groups(users))
        past = [events.before_last() for events in whole]
        some = [events.some for events in past]
        known = np.concatenate([p.items[s] for p, s in zip(past, some, strict=True)])
        true = np.concatenate([w.items[:, 1:][s] for w, s in zip(whole, some, strict=True)])
        actions = np.concatenate([w.actions[:, 1:][s] for w, s in zip(whole, some, strict=True)])
        drawn, log_expected = self._draws.draw(true, random)
        vectors, (known_places, true_places, drawn_places) = self._looked_up([known, true, drawn])
        rows = functional.embedding(known_places, vectors)  # (P, D)
        ratio = self._config.event_dropped_ratio
        if ratio > 0:
            rows = rows * (torch.rand(len(rows), device=device) >= ratio)[:, None]
        firsts = np.cumsum([0, *(part.sum() for part in some)])
        histories = [
            happened_of(before, events.times[:, 1:], device, int(first))
            for before, events, first in zip(past, whole, firsts[:-1], strict=True)
        ]
        return Asked(
            sought=self._network.asked(self._network.states_of(rows, histories)).float(),
            met=self._network.met(vectors),
            true=true_places,
            actions=torch.from_numpy(actions).to(device),
            drawn=drawn_places,
            log_expected=torch.from_numpy(log_expected).to(device),
        )

    def _groups(self, users: Numbers) -> Iterator[Padded]:
        most = self._network.config.length + 1
        lengths = np.minimum(self._sequences.histories.lengths, most)
        for group in like_lengths(users, lengths):
            yield self._sequences.latest(group, most)

    def _looked_up(self, numbers: list[Numbers]) -> tuple[Tensor, list[Tensor]]:
        """Vectors of all items named, each once, (U, D), and the place of each among them."""
        device = self._config.device
        flat = np.concatenate([part.ravel() for part in numbers])
        unique, places = np.unique(flat, return_inverse=True)
        vectors = self._network.items(self._hidden(items_of(self._rows, unique, device)))
        cuts = np.cumsum([part.size for part in numbers])[:-1]
        return vectors.float(), [
            torch.from_numpy(found.reshape(part.shape)).to(device)
            for found, part in zip(np.split(places, cuts), numbers, strict=True)
        ]

    def _hidden(self, items: Items) -> Items:
        """The items, some of them without their ids."""
        ratio = self._config.id_dropped_ratio
        if ratio == 0 or self._network.content is None:
            return items
        hidden = torch.rand(items.ids.shape, device=items.ids.device) < ratio
        return dataclasses.replace(items, ids=items.ids.masked_fill(hidden, -1))

    def _whole_softmax(self, asked: Asked) -> Tensor:
        expected = asked.log_expected
        total = log_total(
            asked.sought,
            functional.embedding(asked.drawn, asked.met.to(PRECISIONS[self._config.precision])),
            expected if self._config.corrected else torch.zeros_like(expected),
            (asked.true[:, None] == asked.drawn).nonzero(),
        )
        scores = torch.cat([asked.true_scores, total[:, None]], dim=1)
        return functional.cross_entropy(scores, asked.actions)

    def _in_parts(self, asked: Asked) -> Tensor:
        num_events, num_drawn = len(asked.true), asked.drawn.shape[-1]
        step = max(1, MOST_SCORES // (num_drawn * self._network.config.num_actions))
        losses = []
        for start in range(0, num_events, step):
            part = asked.part(slice(start, start + step))
            loss = (
                self._part_loss(part)
                if num_events <= step
                else recomputed(self._part_loss, part, use_reentrant=False)
            )
            losses.append(loss * (len(part.true) / num_events))
        return torch.stack(losses).sum()

    def _part_loss(self, asked: Asked) -> Tensor:
        """Mean loss of some events, where every score is kept."""
        config = self._config
        others = functional.embedding(asked.drawn, asked.met)  # (M, D) or (P, M, D)
        sought, level = asked.sought[..., :-1], asked.sought[..., -1]
        scores = sought @ others.transpose(-1, -2) + level[..., None]  # (P, A, M)
        scores = scores.transpose(1, 2)
        same = asked.drawn == asked.true[:, None]
        if config.loss == "binary":
            num_items = self._draws.num_items
            num_others = min(asked.drawn.shape[-1], num_items - 1)
            weight = positive_weight(num_others, num_items, config.calibration)
            return binary_loss(asked.true_scores, asked.actions, scores, same, weight)
        if config.corrected:
            scores = corrected(scores, asked.log_expected)
        return softmax_loss(asked.true_scores, asked.actions, scores, same)


def like_lengths(users: Numbers, lengths: Numbers) -> Iterator[Numbers]:
    """Cut users into groups in which no history is more than twice as long as another.

    Args:
        users: numbers of users.
        lengths: of the histories of all users, 1 or more.
    """
    doublings = np.ceil(np.log2(lengths[users]))
    for doubling in np.unique(doublings):
        yield users[doublings == doubling]
