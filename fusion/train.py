"""Learning a fuser from a library's own views, and from what people liked together where known.

- A part of the items is held out; after every round the fuser is judged on them and the best state
  is kept. The state before learning, which is the masked mean, takes part: nothing worse is kept.
- A state that finds items less well by words, beyond chance, is never the best.
- Everything random follows from the seed and the round's number, and a round ends with a checkpoint
  that appears whole or not at all: a run that was killed goes on and ends with the same weights.
- A round has a bounded number of steps, and views are mapped from disk, so that neither time
  between checkpoints nor memory grows with the catalogue.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fusion.checkpoint import Checkpoint
from fusion.engagement import log_frequency
from fusion.judge import Judge, Score
from fusion.network import FusionNetwork, weights_of
from fusion.objectives import agreement, anchor, contrast, thinned, without
from fusion.progress import Progress
from fusion.stored import StoredViews
from fusion.weights import FusionWeights, NetworkConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How a fuser is learnt."""

    epochs: int = 20
    """Most rounds."""
    patience: int = 4
    """Rounds without gain after which learning ends."""
    batch_size: int = 256
    """Items, or pairs of items, per step."""
    num_steps: int = 120
    """Most steps per round."""
    learning_rate: float = 3e-4
    """Step of AdamW."""
    weight_decay: float = 0.01
    """Pull of every number towards its start, which is zero for all that changes the mean."""
    temperature: float = 0.1
    """Of both contrasts."""
    dropped_ratio: float = 0.3
    """Chance of a modality to be taken away in a step."""
    agreement_weight: float = 0.1
    """Share of agreement in the loss where pairs are given; without pairs it counts fully."""
    anchor_weight: float = 0.1
    """Share of the anchor in the loss."""
    held_out_ratio: float = 0.1
    """Share of items that judge and are not learnt from."""
    seed: int = 0
    """Decides everything random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What learning gained on items held out."""

    before: Score
    """Of the masked mean."""
    after: Score
    """Of the state returned."""
    best_epoch: int
    """Round of the state returned; 0 is the masked mean."""
    epochs: int
    """Rounds run."""


def train(
    views: StoredViews,
    pairs: NDArray[np.int64],
    config: TrainConfig,
    checkpoint: Path,
    on_progress: Callable[[Progress], None],
    network: FusionNetwork | None = None,
) -> tuple[FusionWeights, TrainReport]:
    """Learn a fuser.

    Args:
        views: the items.
        pairs: numbers of items that someone liked together, (P, 2); P may be 0.
        config: how.
        checkpoint: file that a killed run goes on from; the same run asked for again after its end
            gives what it found. Whoever has kept the weights may remove it.
        on_progress: told before the first round and after each.
        network: what learns, at its start; None for the default in the views' width.

    Returns:
        The best state, and what it gained.
    """
    if network is None:
        network = start_of(NetworkConfig(width=views.width), config.seed)
    run = _Run(views, pairs, config, network)
    state = Checkpoint.load(checkpoint, run.signature, Progress.read) or Checkpoint.first(
        run.network, Progress.start(run.judge(run.network)), run.signature
    )
    state.restore(run.network, run.optimizer)
    on_progress(state.progress)
    while not _ended(state.progress, config):
        run.round(state.progress.epoch)
        progress = state.progress.after(run.judge(run.network))
        state = state.after(run.network, run.optimizer, progress)
        state.save(checkpoint)
        on_progress(state.progress)
    run.network.load_state_dict(state.best)
    progress = state.progress
    report = TrainReport(
        before=progress.first,
        after=progress.best,
        best_epoch=progress.best_epoch,
        epochs=progress.epoch,
    )
    return weights_of(run.network), report


def start_of(shape: NetworkConfig, seed: int) -> FusionNetwork:
    """A network before its first round; the seed decides its weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FusionNetwork(shape)


class _Run:
    """A network on its way."""

    def __init__(
        self,
        views: StoredViews,
        pairs: NDArray[np.int64],
        config: TrainConfig,
        network: FusionNetwork,
    ) -> None:
        random = np.random.default_rng(config.seed)
        held = random.random(len(views)) < config.held_out_ratio
        self.judge = Judge(views, pairs, np.flatnonzero(held), random)
        self.signature = _signature(views, pairs, config, network)
        self.network = network
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._views, self._config = views, config
        self._pairs = pairs[~held[pairs].any(axis=1)]
        self._items = np.flatnonzero(~held & (views.present.sum(axis=1) > 1))
        self._log_frequency = torch.from_numpy(log_frequency(self._pairs, len(views)))

    def round(self, epoch: int) -> None:
        """Learn for one round."""
        config = self._config
        random = np.random.default_rng([config.seed, epoch])
        learnt_from = self._pairs if len(self._pairs) else self._items
        order = random.permutation(len(learnt_from))[: config.num_steps * config.batch_size]
        for start in range(0, len(order) - 1, config.batch_size):
            chosen = learnt_from[order[start : start + config.batch_size]]
            loss = (
                self._pair_loss(chosen, random)
                if len(self._pairs)
                else self._view_loss(*self._views.batch(chosen), random)
            )
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()

    def _pair_loss(self, pairs: NDArray[np.int64], random: np.random.Generator) -> Tensor:
        config = self._config
        left, right = pairs.T
        sides = [self._views.batch(items) for items in (left, right)]
        kept = [thinned(present, config.dropped_ratio, random) for _, present in sides]
        first, second = (self._fused(sides[n][0], kept[n]) for n in (0, 1))
        same = torch.from_numpy((right[:, None] == right) | (left[:, None] == right))
        often = self._log_frequency[torch.from_numpy(right)]
        loss = contrast(first, second, config.temperature, same, often)
        loss = loss + config.anchor_weight * anchor(first, *_tensors(sides[0][0], kept[0]))
        if config.agreement_weight:
            loss = loss + config.agreement_weight * self._view_loss(*sides[0], random)
        return loss

    def _view_loss(
        self, tokens: NDArray[np.float32], present: NDArray[np.bool_], random: np.random.Generator
    ) -> Tensor:
        """Agreement of one view with the rest, over the items that have it and more."""
        config = self._config
        has = present[:, :, 0]
        usable = has & (has.sum(axis=1) > 1)[:, None]  # (B, M)
        possible = np.flatnonzero(usable.sum(axis=0) > 1)
        if not len(possible):
            return torch.zeros(())
        kept = int(random.choice(possible))
        tokens, present = tokens[usable[:, kept]], present[usable[:, kept]]
        rest = thinned(without(present, kept), config.dropped_ratio, random)
        joint = self._fused(tokens, rest)
        asked = torch.from_numpy(tokens[:, kept, 0])
        loss = agreement(joint, asked, config.temperature)
        return loss + config.anchor_weight * anchor(joint, *_tensors(tokens, rest))

    def _fused(self, tokens: NDArray[np.float32], present: NDArray[np.bool_]) -> Tensor:
        joint: Tensor = self.network(*_tensors(tokens, present))[0]
        return joint


def _tensors(tokens: NDArray[np.float32], present: NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(tokens), torch.from_numpy(present)


def _ended(progress: Progress, config: TrainConfig) -> bool:
    stuck = progress.epoch - progress.best_epoch >= config.patience
    return stuck or progress.epoch >= config.epochs


def _signature(
    views: StoredViews, pairs: NDArray[np.int64], config: TrainConfig, network: FusionNetwork
) -> str:
    """Sixteen hex digits for all that a run's result depends on."""
    parts = [dataclasses.asdict(config), weights_of(network).fingerprint, views.digest]
    return hashlib.blake2b(json.dumps(parts).encode() + pairs.tobytes(), digest_size=8).hexdigest()
