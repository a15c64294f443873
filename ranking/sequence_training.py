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
from torch import Tensor

from fusion.checkpoint import Checkpoint
from ranking.ranker import SequenceNetwork
from ranking.sequence_draws import SequenceTraining
from ranking.sequence_optimizer import AveragingAdamW
from ranking.sequence_progress import Progress
from ranking.sequence_step import Objective
from ranking.sequence_validation import NextItem, Validation
from ranking.sequences import ItemRows, Sequences
from ranking.team import Alone, Team, share_of

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
    weights: Floats | None = None
    """What each action is worth, (A,): validation ranks by it; see ``Validation``."""


def train_ranker(
    data: SequenceData,
    network: SequenceNetwork,
    config: SequenceTraining,
    checkpoint: Path,
    on_progress: Callable[[Progress], None],
    team: Team | None = None,
) -> Progress:
    """Learn a ranker.

    Args:
        data: events and items.
        network: what learns, at its start; it ends in the best state.
        config: how.
        checkpoint: file that a killed run goes on from; the same run asked for again after its end
            gives what it found. Whoever has kept the weights may remove it.
        on_progress: told before the first round and after each.
        team: this process's place among those that learn together, which all do the same call with
            networks that start alike; None to learn alone. The first one reads and writes the
            checkpoint.

    Returns:
        How the run went.

    Raises:
        ValueError: the network has another number of id rows or another width of content.
    """
    _check(data.rows, network)
    team = team or Alone()
    run = _Run(data, network.to(config.device), config, team)
    state = team.ask_first(
        lambda: Checkpoint.load(checkpoint, run.signature, Progress.read) or run.first()
    )
    state.restore(network, run.optimizer)
    on_progress(state.progress)
    while not _ended(state.progress, config):
        state = run.after(state)
        if team.place == 0:
            state.save(checkpoint)
        on_progress(state.progress)
    network.load_state_dict(state.best)
    network.eval()
    return state.progress


class _Run:
    """A network on its way."""

    def __init__(
        self, data: SequenceData, network: SequenceNetwork, config: SequenceTraining, team: Team
    ) -> None:
        self.network, self._config, self._team = network, config, team
        self.signature = _signature(data, network, config)
        self.optimizer = AveragingAdamW(
            network.parameters(),
            config.averaged_steps,
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
            fused=True,
        )
        lengths = data.sequences.histories.lengths
        self._users = np.flatnonzero(lengths > 1)
        self._num_events = np.minimum(lengths, network.config.length + 1) - 1
        self._objective = Objective(data.sequences, data.rows, network, config)
        self._validation = Validation(
            sequences=data.validation, rows=data.rows, weights=data.weights
        )

    def first(self) -> Checkpoint[Progress]:
        """The run before its first round."""
        return Checkpoint.first(self.network, Progress.start(self._judge()), self.signature)

    def after(self, state: Checkpoint[Progress]) -> Checkpoint[Progress]:
        """The run after one more round."""
        loss = self._round(state.progress.epoch)
        with self.optimizer.averaged(self.network) as weights:
            judged = self._team.ask_first(self._judge)
            found = state.progress.after(judged, loss, keep=self._config.keep)
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
        self.network.train()
        devices = [torch.cuda.current_device()] if config.device == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(int(random.integers(2**62)) + self._team.place)
            losses = [
                self._step(order[start : start + config.batch_size], random)
                for start in range(0, len(order), config.batch_size)
            ]
        if not losses:
            return 0.0
        total = torch.stack(losses)
        self._team.add_up([total])
        return float(total.mean())

    def _step(self, users: NDArray[np.int64], random: np.random.Generator) -> Tensor:
        """Learn from some users; gives this process's part of the loss."""
        own, share = share_of(self._team, users, self._num_events[users])
        loss = self._objective.loss(own, random) * share
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [weight.grad for weight in self.network.parameters()]
        self._team.add_up([one for one in gradients if one is not None])
        self.optimizer.step()
        return loss.detach()


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
        [] if data.weights is None else data.weights.tolist(),
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
