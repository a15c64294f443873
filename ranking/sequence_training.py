"""Learning a sequence model from histories: at every event, find the next.

- After every round the model is judged on validation events, and the best state is kept. What is
  kept for a test is never read here.
- Everything random follows from the seed and the round's number, and a round ends with a checkpoint
  that appears whole or not at all: a run that was killed goes on and ends with the same weights.
- A round has a bounded number of steps; histories and content may be mapped from disk.
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

from fusion.checkpoint import Checkpoint
from ranking.ranker import SequenceNetwork
from ranking.sequence_draws import SequenceTraining
from ranking.sequence_optimizer import AveragingAdamW
from ranking.sequence_progress import Progress
from ranking.sequence_step import Objective
from ranking.sequence_validation import NextItem, Validation
from ranking.sequences import ItemRows, Sequences

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceData:
    """What a sequence model is learnt from and judged by."""

    sequences: Sequences
    """Events to learn from."""
    validation: Sequences
    """The same or other users, each with one more event, the one to find."""
    rows: ItemRows
    """What is known of the items."""


def train_ranker(
    data: SequenceData,
    network: SequenceNetwork,
    config: SequenceTraining,
    checkpoint: Path,
    on_progress: Callable[[Progress], None],
) -> Progress:
    """Learn a ranker.

    Args:
        data: events and items.
        network: what learns, at its start; it ends in the best state.
        config: how.
        checkpoint: file that a killed run goes on from; the same run asked for again after its end
            gives what it found. Whoever has kept the weights may remove it.
        on_progress: told before the first round and after each.

    Returns:
        How the run went.

    Raises:
        ValueError: the network has another number of id rows or another width of content.
    """
    _check(data.rows, network)
    run = _Run(data, network.to(config.device), config)
    state = Checkpoint.load(checkpoint, run.signature, Progress.read) or run.first()
    state.restore(network, run.optimizer)
    on_progress(state.progress)
    while not _ended(state.progress, config):
        state = run.after(state)
        state.save(checkpoint)
        on_progress(state.progress)
    network.load_state_dict(state.best)
    network.eval()
    return state.progress


class _Run:
    """A network on its way."""

    def __init__(
        self, data: SequenceData, network: SequenceNetwork, config: SequenceTraining
    ) -> None:
        self.network, self._config = network, config
        self.signature = _signature(data, network, config)
        self.optimizer = AveragingAdamW(
            network.parameters(),
            config.averaged_steps,
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self._users = np.flatnonzero(data.sequences.histories.lengths > 1)
        self._objective = Objective(data.sequences, data.rows, network, config)
        self._validation = Validation(sequences=data.validation, rows=data.rows)

    def first(self) -> Checkpoint[Progress]:
        """The run before its first round."""
        return Checkpoint.first(self.network, Progress.start(self._judge()), self.signature)

    def after(self, state: Checkpoint[Progress]) -> Checkpoint[Progress]:
        """The run after one more round."""
        loss = self._round(state.progress.epoch)
        with self.optimizer.averaged(self.network) as weights:
            found = state.progress.after(self._judge(), loss, keep=self._config.keep)
            averages = {name: weight.detach().cpu().clone() for name, weight in weights.items()}
        following = state.after(self.network, self.optimizer, found)
        best = averages if found.best_epoch == found.epoch else state.best
        return dataclasses.replace(following, best=best)

    def _judge(self) -> NextItem:
        """How well the network finds the validation events."""
        if self._config.keep == "last":
            return NextItem(hits_at_10=0.0, ndcg_at_10=0.0)
        return self._validation.measure(self.network)

    def _round(self, epoch: int) -> float:
        """Learn for one round; gives the mean loss."""
        config = self._config
        random = np.random.default_rng([config.seed, epoch])
        order = random.permutation(self._users)[: config.num_steps * config.batch_size]
        losses = []
        self.network.train()
        devices = [torch.cuda.current_device()] if config.device == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(int(random.integers(2**62)))
            for start in range(0, len(order), config.batch_size):
                loss = self._objective.loss(order[start : start + config.batch_size], random)
                self.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimizer.step()
                losses.append(loss.detach())
        return float(torch.stack(losses).mean()) if losses else 0.0


def _check(rows: ItemRows, network: SequenceNetwork) -> None:
    config, num_known = network.config, len(rows.known)
    width = 0 if rows.content is None else rows.content.shape[1]
    if config.num_ids not in (0, num_known) or config.content_width not in (0, width):
        raise ValueError(
            f"the network is for other items: {config.num_ids = }, {num_known = }, "
            f"{config.content_width = }, {width = }"
        )


def _ended(progress: Progress, config: SequenceTraining) -> bool:
    stuck = config.keep == "best" and progress.epoch - progress.best_epoch >= config.patience
    return stuck or progress.epoch >= config.epochs


def _signature(data: SequenceData, network: SequenceNetwork, config: SequenceTraining) -> str:
    """Sixteen hex digits for all that a run's result depends on."""
    content = data.rows.content
    parts = [
        dataclasses.asdict(config),
        _digest_of_network(network),
        data.sequences.digest,
        data.validation.digest,
        data.rows.id_rows.tolist(),
        "" if content is None else _digest_of(content),
    ]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


def _digest_of_network(network: SequenceNetwork) -> str:
    digest = hashlib.blake2b(json.dumps(dataclasses.asdict(network.config)).encode())
    for tensor in network.state_dict().values():
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def _digest_of(content: Floats) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for start in range(0, len(content), 4_096):
        digest.update(np.ascontiguousarray(content[start : start + 4_096]).data)
    return digest.hexdigest()
