"""Learning a sequence model from histories: at every event, find the next.

- After every round the model is judged on validation events, and the best state is kept. What is
  kept for a test is never read here.
- Everything random follows from the seed and the round's number, and a round ends with a checkpoint
  that appears whole or not at all: a run that was killed goes on and ends with the same weights.
- A round has a bounded number of steps and a step a bounded number of scores at once; histories
  and content may be mapped from disk.
- Histories of a step go through the network in groups of like length, so that little is padded;
  the step's loss is one mean over all their events.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint as recomputed

from fusion.checkpoint import Checkpoint
from ranking.ranker import Items, SequenceNetwork, history_of, items_of
from ranking.sequence_draws import Draws, SequenceTraining
from ranking.sequence_loss import binary_loss, corrected, positive_weight, softmax_loss
from ranking.sequence_progress import Progress
from ranking.sequence_validation import NextItem, Validation
from ranking.sequences import ItemRows, Sequences

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]

MOST_SCORES = 2**25
"""Scores whose gradients are kept at once; beyond it, parts are computed twice instead."""


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
    state = Checkpoint.load(checkpoint, run.signature, Progress.read) or Checkpoint.first(
        network, Progress.start(run.judge()), run.signature
    )
    state.restore(network, run.optimizer)
    on_progress(state.progress)
    while not _ended(state.progress, config):
        loss = run.round(state.progress.epoch)
        progress = state.progress.after(run.judge(), loss)
        state = state.after(network, run.optimizer, progress)
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
        self.network, self._data, self._config = network, data, config
        self.signature = _signature(data, network, config)
        self.optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
        )
        self._users = np.flatnonzero(data.sequences.histories.lengths > 1)
        self._known = data.rows.known
        self._draws = Draws(data.sequences, self._known, config)
        self._validation = Validation(sequences=data.validation, rows=data.rows)

    def judge(self) -> NextItem:
        """How well the network finds the validation events."""
        return self._validation.measure(self.network)

    def round(self, epoch: int) -> float:
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
                loss = self._loss(order[start : start + config.batch_size], random)
                self.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimizer.step()
                losses.append(loss.detach())
        return float(torch.stack(losses).mean()) if losses else 0.0

    def _loss(self, users: NDArray[np.int64], random: np.random.Generator) -> Tensor:
        states, true, actions = self._events(users)
        drawn, log_expected = self._draws.draw(true, random)
        step = max(1, MOST_SCORES // (drawn.shape[-1] * self.network.config.num_actions))
        losses = []
        for start in range(0, len(true), step):
            part = slice(start, start + step)
            shared = drawn.ndim == 1
            given = (states[part], true[part], actions[part])
            against = (drawn, log_expected) if shared else (drawn[part], log_expected[part])
            loss = (
                self._part_loss(*given, *against)
                if len(true) <= step
                else recomputed(self._part_loss, *given, *against, use_reentrant=False)
            )
            losses.append(loss * (len(true[part]) / len(true)))
        return torch.stack(losses).sum()

    def _events(self, users: NDArray[np.int64]) -> tuple[Tensor, Numbers, Numbers]:
        """States before the P events of users to find, (P, D), their items and their actions."""
        most = self.network.config.length + 1
        states, items, actions = [], [], []
        for group in like_lengths(users, np.minimum(self._data.sequences.histories.lengths, most)):
            events = self._data.sequences.latest(group, most)
            history = history_of(
                self._data.rows, events.before_last(), events.times[:, 1:], self._config.device
            )
            hidden = dataclasses.replace(history, items=self._hidden(history.items))
            some = np.arange(1, events.items.shape[1]) < events.lengths[:, None]  # (B, T)
            states.append(self.network.states(hidden)[torch.from_numpy(some)])
            items.append(events.items[:, 1:][some])
            actions.append(events.actions[:, 1:][some])
        return torch.cat(states), np.concatenate(items), np.concatenate(actions)

    def _part_loss(
        self, states: Tensor, true: Numbers, actions: Numbers, drawn: Numbers, expected: Floats
    ) -> Tensor:
        """Mean loss of some events, given what is drawn and how often that is expected."""
        config, device = self._config, self._config.device
        asked = self.network.asked(states)  # (P, A, D + 1)
        met, others = self._targets(true), self._targets(drawn)
        true_scores = (asked @ met[..., None])[..., 0]  # (P, A)
        scores = (
            (asked @ others.T).transpose(1, 2)
            if drawn.ndim == 1
            else others @ asked.transpose(1, 2)
        )  # (P, M, A)
        same = torch.from_numpy(drawn == true[:, None]).to(device)
        action = torch.from_numpy(actions).to(device)
        if config.loss == "binary":
            num_others = min(drawn.shape[-1], len(self._known) - 1)
            weight = positive_weight(num_others, len(self._known), config.calibration)
            return binary_loss(true_scores, action, scores, same, weight)
        if config.corrected:
            scores = corrected(scores, torch.from_numpy(expected).to(device))
        return softmax_loss(true_scores, action, scores, same)

    def _targets(self, numbers: Numbers) -> Tensor:
        items = items_of(self._data.rows, numbers, self._config.device)
        return self.network.targets(self._hidden(items))

    def _hidden(self, items: Items) -> Items:
        """The items, some of them without their ids."""
        ratio = self._config.id_dropped_ratio
        if ratio == 0 or self.network.content is None:
            return items
        hidden = torch.rand(items.ids.shape, device=items.ids.device) < ratio
        return dataclasses.replace(items, ids=items.ids.masked_fill(hidden, -1))


def like_lengths(users: Numbers, lengths: Numbers) -> Iterator[Numbers]:
    """Cut users into groups in which no history is more than twice as long as another.

    Args:
        users: numbers of users.
        lengths: of the histories of all users, 1 or more.
    """
    doublings = np.ceil(np.log2(lengths[users]))
    for doubling in np.unique(doublings):
        yield users[doublings == doubling]


def _check(rows: ItemRows, network: SequenceNetwork) -> None:
    config, num_known = network.config, len(rows.known)
    width = 0 if rows.content is None else rows.content.shape[1]
    if config.num_ids not in (0, num_known) or config.content_width not in (0, width):
        raise ValueError(
            f"the network is for other items: {config.num_ids = }, {num_known = }, "
            f"{config.content_width = }, {width = }"
        )


def _ended(progress: Progress, config: SequenceTraining) -> bool:
    stuck = progress.epoch - progress.best_epoch >= config.patience
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
