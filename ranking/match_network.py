"""The network that matches items and tastes, and how it is learnt; see ``title_matches``."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ranking.title_matches import Array, Numbers, Pairs
from ranking.user_groups import Groups

PASS = 1 << 16
"""Pairs matched in one go."""
SMALL = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchTraining:
    """How matching is learnt."""

    width: int = 64
    """Of the two projections."""
    num_layers: int = 2
    """Mixer layers."""
    num_negatives: int = 8
    """Items that others liked beside each that was."""
    centred: float = 0.2
    """Part of the tastes that is replaced by the centre of the reader's group."""
    epochs: int = 8
    """Most rounds."""
    patience: int = 2
    """Rounds without gain that end learning."""
    batch_size: int = 128
    """Likings per step."""
    learning_rate: float = 3e-3
    """Of AdamW."""
    held_out: float = 0.15
    """Part of the readers that decides which round is kept."""
    seed: int = 0
    """Decides everything random."""


class _Mixer(nn.Module):
    """One layer over two tokens: mix the tokens, then the numbers of each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens = nn.Sequential(nn.Linear(2, 8), nn.GELU(), nn.Linear(8, 2))
        self.numbers = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU())
        self.back = nn.Linear(3 * width, width)

    def forward(self, pair: Tensor) -> Tensor:
        """Mix pairs (B, 2, W)."""
        pair = pair + self.tokens(self.first(pair).transpose(1, 2)).transpose(1, 2)
        mixed: Tensor = pair + self.back(self.numbers(self.second(pair)))
        return mixed


class _Centred(nn.Module):
    """Takes out of vectors what all have in common, and brings the rest to a size of one.

    Tastes are means of many items, and so alike that nothing could be learnt from them as they are.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, rows: Array) -> None:
        super().__init__()
        mean = rows.mean(axis=0)
        spread = max(float(np.std(rows - mean)), SMALL)
        self.register_buffer("mean", torch.from_numpy(np.asarray(mean, np.float32)))
        self.register_buffer("spread", torch.tensor(spread))

    def forward(self, rows: Tensor) -> Tensor:
        """Centre rows (B, D)."""
        centred: Tensor = (rows - self.mean) / self.spread
        return centred


class MatchNetwork(nn.Module):
    """Logits of pairs of a taste and an item.

    Args:
        tastes: rows that tell what tastes have in common, (U, D).
        items: the same of items, (N, D).
        training: shape.
    """

    def __init__(self, tastes: Array, items: Array, training: MatchTraining) -> None:
        super().__init__()
        self.of_taste, self.of_item = _Centred(tastes), _Centred(items)
        self.taste = nn.Linear(tastes.shape[1], training.width)
        self.item = nn.Linear(items.shape[1], training.width)
        self.layers = nn.Sequential(*(_Mixer(training.width) for _ in range(training.num_layers)))
        self.norm, self.out = nn.LayerNorm(training.width), nn.Linear(training.width, 1)
        self.scale = nn.Parameter(torch.tensor(1.0))
        nn.init.zeros_(self.out.weight)  # It begins as the product of what sets both apart.
        nn.init.constant_(self.out.bias, -math.log(training.num_negatives))

    def forward(self, tastes: Tensor, items: Tensor) -> Tensor:
        """Match tastes with items, both (B, D); gives logits (B,)."""
        tastes, items = self.of_taste(tastes), self.of_item(items)
        pair = torch.stack([self.taste(tastes), self.item(items)], dim=1)  # (B, 2, W)
        mixed = self.norm(self.layers(pair)).mean(dim=1)  # (B, W)
        logits: Tensor = self.scale * (tastes * items).mean(dim=1) + self.out(mixed)[:, 0]
        return logits

    @torch.inference_mode()
    def matches(self, items: Array, centres: Array) -> Array:
        """Logits of every item (N, D) with every centre (K, D), (N, K)."""
        rows, groups = torch.from_numpy(np.ascontiguousarray(items)), torch.from_numpy(centres)
        number, found = len(centres), []
        for part in torch.split(rows, max(1, PASS // number)):
            tastes = groups.repeat(len(part), 1)
            logits = self(tastes, part.repeat_interleave(number, dim=0))
            found.append(logits.reshape(len(part), number).numpy())
        return np.concatenate(found) if found else np.zeros((0, number), np.float32)


Show = Callable[[float, str], None]


def learn_matches(
    pairs: Pairs, vectors: Array, groups: Groups, training: MatchTraining, show: Show
) -> MatchNetwork | None:
    """Learn from what readers went on to like.

    Args:
        pairs: that.
        vectors: of the items, (N, D).
        groups: whose centres it will be asked of.
        training: how.
        show: told of every round.

    Returns:
        The network of the best round; None where none is better than the cosine.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        network = MatchNetwork(pairs.tastes, vectors, training)
        return _fitted(network, _Drawn(pairs, vectors, groups, training), training, show)


class _Drawn:
    """Pairs to learn from and to judge by, with negatives.

    Negatives are items that other pairs of the same part liked: as often as they are liked.
    """

    def __init__(
        self, pairs: Pairs, vectors: Array, groups: Groups, training: MatchTraining
    ) -> None:
        self._draw = np.random.default_rng(training.seed)
        readers = self._draw.permutation(np.unique(pairs.readers))
        held = readers[: max(1, int(training.held_out * len(readers)))]
        self._vectors, self._centres, self._training = vectors, groups.centres, training
        self.judged, self.learnt = pairs.of(held), pairs.of(readers[len(held) :])
        self._fixed = self._negatives(self.judged, len(self.judged))

    def steps(self) -> list[tuple[Tensor, Tensor]]:
        """Tastes and items of a round, in batches; see ``_batch``."""
        order = self._draw.permutation(len(self.learnt))
        size, drawn = self._training.batch_size, self._negatives(self.learnt, len(order))
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        return [
            self._batch(self._centred(self.learnt.tastes[rows]), self.learnt.items[rows],
                        drawn[rows])
            for rows in batches
        ]  # fmt: skip

    def held(self) -> tuple[Tensor, Tensor]:
        """What rounds are judged by, with readers as their groups' centres."""
        tastes = self._centres[np.argmax(self.judged.tastes @ self._centres.T, axis=1)]
        return self._batch(tastes, self.judged.items, self._fixed)

    def _negatives(self, pairs: Pairs, number: int) -> Numbers:
        return self._draw.choice(pairs.items, (number, self._training.num_negatives))

    def _centred(self, tastes: Array) -> Array:
        chosen = self._draw.random(len(tastes)) < self._training.centred
        centres = self._centres[np.argmax(tastes @ self._centres.T, axis=1)]
        return np.where(chosen[:, None], centres, tastes)

    def _batch(self, tastes: Array, liked: Numbers, others: Numbers) -> tuple[Tensor, Tensor]:
        """Tastes (B, 1 + negatives, D) and items alike; the first of each was liked."""
        items = torch.from_numpy(self._vectors[np.column_stack([liked, others])])
        return torch.from_numpy(tastes)[:, None].expand_as(items), items


def _fitted(
    network: MatchNetwork, drawn: _Drawn, training: MatchTraining, show: Show
) -> MatchNetwork | None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=training.learning_rate)
    best, kept, waited = _share_above(_cosines(drawn)), None, 0
    for epoch in range(1, training.epochs + 1):
        network.train()
        for tastes, items in drawn.steps():
            optimizer.zero_grad()
            _loss(network, tastes, items).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        reached = _hits(network.eval(), drawn)
        show(epoch / training.epochs, f"learning matches, round {epoch}: {reached:.3f}")
        waited += 1
        if reached > best:
            best, kept, waited = reached, copy.deepcopy(network.state_dict()), 0
        if waited > training.patience:
            break
    if kept is None:
        return None
    network.load_state_dict(kept)
    return network.eval()


def _logits(network: MatchNetwork, tastes: Tensor, items: Tensor) -> Tensor:
    """Logits (B, 1 + negatives)."""
    return network(tastes.flatten(0, 1), items.flatten(0, 1)).reshape(items.shape[:2])  # type: ignore[no-any-return]


def _loss(network: MatchNetwork, tastes: Tensor, items: Tensor) -> Tensor:
    logits = _logits(network, tastes, items)
    liked = torch.zeros_like(logits)
    liked[:, 0] = 1
    return functional.binary_cross_entropy_with_logits(logits, liked)


@torch.inference_mode()
def _hits(network: MatchNetwork, drawn: _Drawn) -> float:
    """Share of the negatives that an item liked comes before, over the held-out readers."""
    return _share_above(_logits(network, *drawn.held()))


def _cosines(drawn: _Drawn) -> Tensor:
    """What the cosine says of the same pairs."""
    tastes, items = drawn.held()
    return (tastes * items).sum(dim=2)


def _share_above(logits: Tensor) -> float:
    above = (logits[:, :1] > logits[:, 1:]).float() + 0.5 * (logits[:, :1] == logits[:, 1:])
    return float(above.mean())
