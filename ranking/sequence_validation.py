"""How well a sequence model finds what comes next, while it is learnt.

Every item is ranked, without those in the history; ties count half. At most ``MOST_USERS`` users
judge, the same ones every time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ranking.action_worth import worth_of_actions
from ranking.ranker import SequenceNetwork, history_of, items_of
from ranking.sequences import Floats, ItemRows, Sequences

MOST_USERS = 10_000
"""More tell no better which state is best."""
MOST_SCORES = 2**24
"""Scores computed at once."""
ITEM_CHUNK = 65_536
"""Item vectors computed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextItem:
    """How well what came next was found."""

    hits_at_10: float
    """Share of users whose next item was among the first ten."""
    ndcg_at_10: float
    """The same, where a place further down counts less; states are chosen by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Histories whose last event is what a model has to find from the events before."""

    sequences: Sequences
    """Of users with two events or more; others are left out."""
    rows: ItemRows
    """What is known of the items."""
    weights: Floats | None = None
    """What each action is worth, (A,): items are ranked by that. None to rank them by the chance of
    what the last event was."""

    def measure(self, network: SequenceNetwork) -> NextItem:
        """Judge a network; its mode and everything random stay as they are."""
        training = network.training
        ranks = self.ranks(network.eval())
        network.train(training)
        gain = np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0)
        return NextItem(
            hits_at_10=float((ranks <= 10).mean()) if len(ranks) else 0.0,
            ndcg_at_10=float(gain.mean()) if len(ranks) else 0.0,
        )

    @torch.inference_mode()
    def ranks(self, network: SequenceNetwork) -> NDArray[np.float64]:
        """Place of each user's last item among all items, from 1, (U,), by a network in service."""
        users = np.flatnonzero(self.sequences.histories.lengths > 1)
        if len(users) > MOST_USERS:
            users = np.sort(np.random.default_rng(0).permutation(users)[:MOST_USERS])
        targets = self._targets(network)
        step = max(1, MOST_SCORES // (len(self.rows) * network.config.num_actions))
        # Those of like length together: little is padded.
        order = np.argsort(self.sequences.histories.lengths[users], kind="stable")
        found = np.zeros(len(users))
        for start in range(0, len(users), step):
            part = order[start : start + step]
            found[part] = self._ranks(network, users[part], targets)
        return found

    def _targets(self, network: SequenceNetwork) -> Tensor:
        device = network.place.weight.device.type
        chunks = (
            np.arange(start, min(start + ITEM_CHUNK, len(self.rows)))
            for start in range(0, len(self.rows), ITEM_CHUNK)
        )
        return torch.cat([network.targets(items_of(self.rows, part, device)) for part in chunks])

    def _ranks(
        self, network: SequenceNetwork, users: NDArray[np.int64], targets: Tensor
    ) -> NDArray[np.float64]:
        events = self.sequences.latest(users, network.config.length + 1)
        place = np.arange(len(users))
        last = events.lengths - 1
        history = history_of(
            self.rows, events.before_last(), events.times[:, 1:], targets.device.type
        )
        asked = network.asked(network.states(history)[place, last - 1])  # (B, A, D + 1)
        if self.weights is None:
            scores = asked[place, events.actions[place, last]] @ targets.T
        else:
            every = (asked @ targets.T).transpose(1, 2).float()  # (B, N, A)
            weights = torch.from_numpy(self.weights).to(every.device)
            scores = worth_of_actions(every, weights)
        return self._places(scores.float().cpu().numpy(), events.items[place, last], users)

    def _places(
        self, scores: NDArray[np.float32], true: NDArray[np.int64], users: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Place of each true item, where the items of the history take no part."""
        place = np.arange(len(users))
        wanted = scores[place, true]
        offsets, items = self.sequences.histories.offsets, self.sequences.histories.items
        starts, stops = offsets[users], offsets[users + 1] - 1
        for row, (start, stop) in enumerate(zip(starts, stops, strict=True)):
            scores[row, items[start:stop]] = -np.inf
        scores[place, true] = wanted
        above = (scores > wanted[:, None]).sum(axis=1)
        level = (scores == wanted[:, None]).sum(axis=1) - 1
        return np.asarray(1 + above + 0.5 * level, np.float64)
