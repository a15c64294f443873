"""Learning vectors that find what comes next: at every event of a history, find the next.

Stages, after GemiRec (Wu et al. 2025, arXiv 2510.14626) as far as it is known:
1. a network of one vector is learnt, so that item vectors mean something;
2. the dictionary is learnt of the item vectors, and every item gets its code; both then stay;
3. the next item's code is foretold, and the item found by the vector for its code. A share of the
   events is found by whichever of the likely codes suits the item best: a network that is only ever
   told the true code trusts it too much. Another share is found without any.

A network of one vector has the first stage only, one that pools by attention as well: there each
event is learnt by the vector that suits the item best.

Everything random follows from the seed and the round's number; a run that was killed goes on and
ends with the same weights. The state kept is the best on validation.
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
from torch.nn import functional

from fusion.checkpoint import Checkpoint
from ranking.interest_config import InterestTraining
from ranking.interest_network import InterestNetwork
from ranking.interest_progress import InterestProgress
from ranking.interest_validation import Held
from ranking.quantiser import CodeUse
from ranking.ranker import Items, items_of
from ranking.sequence_draws import Draws
from ranking.sequence_loss import log_total
from ranking.sequence_step import like_lengths
from ranking.sequences import ItemRows, Sequences
from ranking.splits import Case

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestData:
    """What a network is learnt from and judged by."""

    sequences: Sequences
    """Events to learn from."""
    validation: tuple[Case, ...]
    """Questions of users who are not among them, or of later events."""
    rows: ItemRows
    """What is known of the items."""


def train_interests(
    data: InterestData,
    network: InterestNetwork,
    config: InterestTraining,
    checkpoint: Path,
    on_progress: Callable[[InterestProgress], None],
) -> InterestProgress:
    """Learn query vectors, and interests where the network is to have some.

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
        ValueError: the network has another number of id rows or another width of content, or there
            are no rounds left for its interests.
    """
    _check(data.rows, network, config)
    run = _Run(data, network.to(config.device), config)
    state = Checkpoint.load(checkpoint, run.signature, InterestProgress.read) or Checkpoint.first(
        network, InterestProgress.start(run.judge(), run.warm(0)), run.signature
    )
    state.restore(network, run.optimizer)
    on_progress(state.progress)
    while not _ended(state.progress, config):
        progress = run.round(state.progress)
        state = state.after(network, run.optimizer, progress)
        state.save(checkpoint)
        on_progress(state.progress)
    network.load_state_dict(state.best)
    network.eval()
    return state.progress


@dataclass(frozen=True, slots=True)
class _Losses:
    """Means over the events of a step."""

    item: Tensor
    code: Tensor


class _Run:
    """A network on its way."""

    def __init__(
        self, data: InterestData, network: InterestNetwork, config: InterestTraining
    ) -> None:
        self.network, self._data, self._config = network, data, config
        self.signature = _signature(data, network, config)
        self.optimizer = torch.optim.AdamW(
            [
                weight
                for name, weight in network.named_parameters()
                if not name.startswith("quantiser.")
            ],
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
        )
        self._users = np.flatnonzero(data.sequences.histories.lengths > 1)
        self._draws = Draws(data.sequences, config.draws)
        self._held = Held(cases=data.validation, rows=data.rows)

    def warm(self, epoch: int) -> bool:
        """Whether interests are still to come after so many rounds."""
        return self.network.quantiser is not None and epoch <= self._config.warm_epochs

    def judge(self) -> float:
        """How much the network finds of what validation asks for."""
        return self._held.recall(self.network)

    def round(self, before: InterestProgress) -> InterestProgress:
        """Learn for one round."""
        config, epoch = self._config, before.epoch + 1
        use = None
        if before.warm and not self.warm(epoch):
            use = self._learn_dictionary()
        random = np.random.default_rng([config.seed, epoch])
        order = random.permutation(self._users)[: config.num_steps * config.batch_size]
        losses = []
        self.network.train()
        devices = [torch.cuda.current_device()] if config.device == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(int(random.integers(2**62)))
            for start in range(0, len(order), config.batch_size):
                loss = self._losses(order[start : start + config.batch_size], random)
                self.optimizer.zero_grad()
                total = loss.item + config.code_weight * loss.code
                total.backward()  # type: ignore[no-untyped-call]
                self.optimizer.step()
                losses.append(torch.stack([loss.item.detach(), loss.code.detach()]))
        mean = torch.stack(losses).mean(dim=0).tolist() if losses else [0.0, 0.0]
        return self._after(before, (mean[0], mean[1]), use)

    def _after(
        self, before: InterestProgress, losses: tuple[float, float], use: CodeUse | None
    ) -> InterestProgress:
        found, epoch = self.judge(), before.epoch + 1
        better = before.warm or found > before.best
        return InterestProgress(
            epoch=epoch,
            best_epoch=epoch if better else before.best_epoch,
            warm=self.warm(epoch),
            best=found if better else before.best,
            last=found,
            item_loss=losses[0],
            code_loss=losses[1],
            perplexity=before.perplexity if use is None else use.perplexity,
            dead_ratio=before.dead_ratio if use is None else use.dead_ratio,
        )

    def _learn_dictionary(self) -> CodeUse:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._config.seed)
            known = items_of(self._data.rows, self._data.rows.known, self._config.device)
            return self.network.learn_dictionary(known, self._config)

    def _losses(self, users: Numbers, random: np.random.Generator) -> _Losses:
        device = self._config.device
        states, pooled, true = self._events(users)
        drawn, log_expected = self._draws.draw(true, random)
        ids = items_of(self._data.rows, true, device)
        met = self.network.targets(self._hidden(ids))
        code = states.new_zeros(())
        if self.network.has_interests:
            codes = self.network.codes(ids)
            code = -self.network.code_log_chance(states, codes).sum(dim=-1).mean()
            vectors = self._of_interests(states, codes, met)
        else:
            vectors = _suiting(pooled, met)
        asked = functional.pad(vectors / self.network.config.temperature, (0, 1))[:, None]
        others = log_total(
            asked,
            self.network.targets(self._hidden(items_of(self._data.rows, drawn, device))),
            torch.from_numpy(log_expected).to(device),
            torch.from_numpy(np.argwhere(drawn == true[:, None])).to(device),
        )
        found = (asked[:, 0, :-1] * met).sum(dim=-1)
        return _Losses(item=(torch.logaddexp(others, found) - found).mean(), code=code)

    def _events(self, users: Numbers) -> tuple[Tensor, Tensor, Numbers]:
        """States (P, D) and vectors (P, K, D) before the events of users to find, and items."""
        most = self.network.config.length + 1
        states, pooled, items = [], [], []
        for group in like_lengths(users, np.minimum(self._data.sequences.histories.lengths, most)):
            events = self._data.sequences.latest(group, most)
            before = items_of(self._data.rows, events.items[:, :-1], self._config.device)
            found, own = self.network.states(self._hidden(before))
            some = np.arange(1, events.items.shape[1]) < events.lengths[:, None]  # (B, T)
            kept = torch.from_numpy(some).to(found.device)
            states.append(found[kept])
            if not self.network.has_interests:
                pooled.append(self.network.pooled(found, own)[kept])
            items.append(events.items[:, 1:][some])
        every = torch.cat(states)
        return every, torch.cat(pooled) if pooled else every[:, None], np.concatenate(items)

    def _of_interests(self, states: Tensor, codes: Tensor, met: Tensor) -> Tensor:
        """Vector of each event (P, D): of its own interest, of a likely one, or of none."""
        config, network = self._config, self.network
        draw = torch.rand(len(states), device=states.device)
        own = draw < config.own_ratio
        free = draw >= 1 - config.free_ratio
        vectors = network.of_interest(states, codes)
        if bool(own.any()):
            with torch.no_grad():
                likely, _ = network.likely(states[own], network.config.num_interests)
            wide = states[own][:, None].expand(-1, likely.shape[1], -1)
            suiting = _suiting(network.of_interest(wide, likely), met[own])
            vectors = vectors.index_put((own,), suiting)
        plain = functional.normalize(states, dim=-1)
        return torch.where(free[:, None], plain, vectors)

    def _hidden(self, items: Items) -> Items:
        """The items, some of them without their ids."""
        ratio = self._config.id_dropped_ratio
        if ratio == 0 or self.network.content is None:
            return items
        hidden = torch.rand(items.ids.shape, device=items.ids.device) < ratio
        return dataclasses.replace(items, ids=items.ids.masked_fill(hidden, -1))


def _suiting(vectors: Tensor, met: Tensor) -> Tensor:
    """Of the vectors of each event (P, K, D), the one nearest to its item (P, D)."""
    if vectors.shape[1] == 1:
        return vectors[:, 0]
    place = (vectors @ met[..., None])[..., 0].argmax(dim=1)
    return vectors[torch.arange(len(vectors), device=vectors.device), place]


def _check(rows: ItemRows, network: InterestNetwork, config: InterestTraining) -> None:
    shape, num_known = network.config, len(rows.known)
    width = 0 if rows.content is None else rows.content.shape[1]
    if shape.num_ids not in (0, num_known) or shape.content_width not in (0, width):
        raise ValueError(
            f"the network is for other items: {shape.num_ids = }, {num_known = }, "
            f"{shape.content_width = }, {width = }"
        )
    if network.quantiser is not None and config.warm_epochs >= config.epochs:
        raise ValueError(f"no rounds are left for interests: {config.warm_epochs = }")


def _ended(progress: InterestProgress, config: InterestTraining) -> bool:
    stuck = progress.epoch - progress.best_epoch >= config.patience
    return stuck or progress.epoch >= config.epochs


def _signature(data: InterestData, network: InterestNetwork, config: InterestTraining) -> str:
    """Sixteen hex digits for all that a run's result depends on."""
    digest = hashlib.blake2b(digest_size=8)
    told = [dataclasses.asdict(config), dataclasses.asdict(network.config), data.sequences.digest]
    digest.update(json.dumps(told).encode())
    for tensor in network.state_dict().values():
        digest.update(tensor.detach().cpu().numpy().tobytes())
    for case in data.validation:
        for part in (case.history.items, case.targets):
            digest.update(np.ascontiguousarray(part).data)
    digest.update(data.rows.id_rows.data)
    if data.rows.content is not None:
        for start in range(0, len(data.rows.content), 4_096):
            digest.update(np.ascontiguousarray(data.rows.content[start : start + 4_096]).data)
    return digest.hexdigest()
