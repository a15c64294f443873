"""Learning what is clicked among items shown together.

- For each click some items of the same impression that were not clicked are drawn, anew in every
  round, and the softmax over the few is to name the clicked one (called NCE in the papers).
- After a round, impressions held out judge by AUC; the best state is kept, the first among them.
- Everything random follows from the seed and the round's number, and a round ends with a checkpoint
  that appears whole or not at all: a run that was killed goes on and ends with the same weights.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from fusion.attentive import ItemViews
from fusion.checkpoint import Checkpoint
from ranking.click_network import ClickNetwork
from ranking.impression_metrics import impression_figures
from ranking.impressions import Impressions, draw_choices


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickTraining:
    """How clicks are learnt from."""

    epochs: int = 10
    """Most rounds."""
    patience: int = 3
    """Rounds without gain after which learning ends."""
    batch_size: int = 128
    """Clicks of a step."""
    learning_rate: float = 1e-3
    """Step of Adam."""
    num_drawn: int = 4
    """Items that a clicked one is held against."""
    seed: int = 0
    """Decides everything random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickProgress:
    """Where a run stands; figures are AUC on impressions held out."""

    epoch: int
    """Rounds done."""
    best_epoch: int
    """Round of the best state; 0 for the start."""
    first: float
    """Before learning."""
    last: float
    """After the last round."""
    best: float
    """Of the best state."""

    @classmethod
    def start(cls, reached: float) -> ClickProgress:
        """Before the first round."""
        return cls(epoch=0, best_epoch=0, first=reached, last=reached, best=reached)

    @classmethod
    def read(cls, values: dict[str, Any]) -> ClickProgress:
        """From plain values."""
        return cls(**values)

    def after(self, reached: float) -> ClickProgress:
        """After one more round."""
        epoch, better = self.epoch + 1, reached > self.best
        return dataclasses.replace(
            self,
            epoch=epoch,
            best_epoch=epoch if better else self.best_epoch,
            last=reached,
            best=max(reached, self.best),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClickData:
    """What is learnt from, and what judges."""

    views: ItemViews
    """Of the catalogue."""
    fit: Impressions
    """To learn from."""
    validation: Impressions
    """To decide when learning ends; each has a click and an item not clicked."""


def train_clicks(
    data: ClickData,
    network: ClickNetwork,
    config: ClickTraining,
    checkpoint: Path,
    on_progress: Callable[[ClickProgress], None] = lambda _progress: None,
) -> ClickProgress:
    """Learn; the network ends in its best state.

    Args:
        data: what is learnt from, and what judges.
        network: what learns, at its start.
        config: how.
        checkpoint: file that a killed run goes on from.
        on_progress: told before the first round and after each.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    signature = _signature(data, network, config)
    state = Checkpoint.load(checkpoint, signature, ClickProgress.read) or Checkpoint.first(
        network, ClickProgress.start(reached_by(network, data)), signature
    )
    state.restore(network, optimizer)
    on_progress(state.progress)
    while not _ended(state.progress, config):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed((config.seed << 16) + state.progress.epoch)
            _round(data, network, optimizer, config, state.progress.epoch)
        progress = state.progress.after(reached_by(network, data))
        state = state.after(network, optimizer, progress)
        state.save(checkpoint)
        on_progress(progress)
    network.load_state_dict(state.best)
    network.eval()
    return state.progress


def reached_by(network: ClickNetwork, data: ClickData) -> float:
    """Mean AUC on what judges."""
    held = data.validation
    scores = network.scores(data.views, held)
    return float(impression_figures(scores, held.clicked, held.offsets)["auc"].mean())


def _round(
    data: ClickData,
    network: ClickNetwork,
    optimizer: torch.optim.Optimizer,
    config: ClickTraining,
    epoch: int,
) -> None:
    random = np.random.default_rng([config.seed, epoch])
    rows, items = draw_choices(data.fit, config.num_drawn, random)
    order = random.permutation(len(rows))
    network.train()
    for start in range(0, len(order), config.batch_size):
        chosen = order[start : start + config.batch_size]
        logits = network(data.views, data.fit, rows[chosen], items[chosen])
        loss = functional.cross_entropy(logits, torch.zeros(len(chosen), dtype=torch.long))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _ended(progress: ClickProgress, config: ClickTraining) -> bool:
    stuck = progress.epoch - progress.best_epoch >= config.patience
    return stuck or progress.epoch >= config.epochs


def _signature(data: ClickData, network: ClickNetwork, config: ClickTraining) -> str:
    """Sixteen hex digits for all that a run's result depends on."""
    digest = hashlib.blake2b(json.dumps(dataclasses.asdict(config)).encode(), digest_size=8)
    for part in (data.fit, data.validation):
        for name in ("users", "items", "clicked", "offsets", "events", "known"):
            digest.update(np.ascontiguousarray(getattr(part, name)).tobytes())
    for rows in (*data.views.contents, data.views.labels):
        digest.update(np.ascontiguousarray(rows).tobytes())
    for name, value in network.state_dict().items():
        digest.update(name.encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()
