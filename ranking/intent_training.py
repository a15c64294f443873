"""Learning category intent: at moments drawn from the past, what is wanted next.

What is judged is the average precision over people and categories together, on moments after those
that were learnt from; the state kept is the best. A wanted category counts as the root of how rare
it is, or the network would say of rare ones that nobody ever wants them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ranking.intent_config import Clock, IntentConfig, IntentTraining
from ranking.intent_cubes import Behaviour, Floats, Moments, cubes_of, lift_of, wants_of
from ranking.intent_figures import average_precision
from ranking.intent_network import IntentNetwork

Bools = NDArray[np.bool_]
AT_ONCE = 256
"""Moments that are asked in one pass."""
MOST_FOR_LIFT = 50_000
"""Moments that lift and shares are counted over, at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntentData:
    """What a network is learnt from and judged by."""

    behaviour: Behaviour
    """Who did what."""
    clock: Clock
    """How time is cut."""
    learnt: Moments
    """Moments to learn from."""
    validation: Moments
    """Later moments, to choose by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentProgress:
    """Where a run stands."""

    epoch: int
    """Rounds done."""
    best_epoch: int
    """Round after which the best state stood; 0 for the start."""
    best: float
    """Average precision of that state on validation."""
    last: float
    """That of the state now."""
    loss: float
    """Mean loss of the last round."""


def train_intent(
    data: IntentData,
    config: IntentConfig,
    training: IntentTraining,
    on_progress: Callable[[IntentProgress], None] = lambda _progress: None,
) -> tuple[IntentNetwork, IntentProgress]:
    """Learn a network.

    Args:
        data: events and moments.
        config: shape; its categories, actions and length are those of the data.
        training: how.
        on_progress: told before the first round and after each.

    Returns:
        The network in its best state, and how the run went.

    Raises:
        ValueError: there is no moment to learn from or to judge by, or the shape is another.
    """
    _check(data, config)
    random = np.random.default_rng(training.seed)
    judged = data.validation.some(training.most_validated, random)
    true = wants_of(data.behaviour, data.clock, judged)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        network, weights = _start(data, config, random)
        optimizer = torch.optim.Adam(network.parameters(), lr=training.learning_rate)
        found = _judge(network, data, judged, true)
        progress = IntentProgress(epoch=0, best_epoch=0, best=found, last=found, loss=0.0)
        best = _copy(network)
        on_progress(progress)
        while not _ended(progress, training):
            loss = _round(network, optimizer, data, (training, weights), random)
            found = _judge(network, data, judged, true)
            epoch, better = progress.epoch + 1, found > progress.best
            progress = IntentProgress(
                epoch=epoch,
                best_epoch=epoch if better else progress.best_epoch,
                best=max(found, progress.best),
                last=found,
                loss=loss,
            )
            best = _copy(network) if better else best
            on_progress(progress)
    network.load_state_dict(best)
    return network.eval(), progress


def chances(network: IntentNetwork, behaviour: Behaviour, clock: Clock, moments: Moments) -> Floats:
    """How likely each category is wanted after moments, (P, C)."""
    network.eval()
    found = [np.zeros((0, network.config.num_categories), np.float32)]
    for start in range(0, len(moments), AT_ONCE):
        part = moments.only(np.arange(start, min(start + AT_ONCE, len(moments))))
        cube = cubes_of(behaviour, clock, part, network.config.num_actions)
        with torch.inference_mode():
            found.append(torch.sigmoid(network(torch.from_numpy(cube))).numpy())
    return np.concatenate(found)


def _start(
    data: IntentData, config: IntentConfig, random: np.random.Generator
) -> tuple[IntentNetwork, Tensor]:
    """The network before its first round, and what each wanted category counts, (C,)."""
    some = data.learnt.some(MOST_FOR_LIFT, random)
    wanted = wants_of(data.behaviour, data.clock, some).sum(axis=0) + 1.0
    odds = wanted / (len(some) + 2.0 - wanted)
    lift = lift_of(data.behaviour, data.clock, some, config.scales[-1])
    weights = np.sqrt(1 / odds).astype(np.float32)
    base = torch.from_numpy(np.log(odds).astype(np.float32))
    network = IntentNetwork(config, torch.from_numpy(lift), base)
    return network, torch.from_numpy(weights)


def _round(
    network: IntentNetwork,
    optimizer: torch.optim.Optimizer,
    data: IntentData,
    how: tuple[IntentTraining, Tensor],
    random: np.random.Generator,
) -> float:
    """Learn for one round; gives the mean loss."""
    training, weights = how
    order = random.permutation(len(data.learnt))[: training.num_steps * training.batch_size]
    losses = []
    network.train()
    for start in range(0, len(order), training.batch_size):
        part = data.learnt.only(order[start : start + training.batch_size])
        cube = cubes_of(data.behaviour, data.clock, part, network.config.num_actions)
        true = wants_of(data.behaviour, data.clock, part).astype(np.float32)
        logits = network(torch.from_numpy(cube)) + weights.log()
        loss = functional.binary_cross_entropy_with_logits(
            logits, torch.from_numpy(true), pos_weight=weights
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _judge(network: IntentNetwork, data: IntentData, judged: Moments, true: Bools) -> float:
    return average_precision(true, chances(network, data.behaviour, data.clock, judged))


def _copy(network: IntentNetwork) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _ended(progress: IntentProgress, training: IntentTraining) -> bool:
    stuck = progress.epoch - progress.best_epoch >= training.patience
    return stuck or progress.epoch >= training.epochs


def _check(data: IntentData, config: IntentConfig) -> None:
    if not len(data.learnt) or not len(data.validation):
        raise ValueError(
            f"expected moments to learn from and to judge by: {len(data.learnt)}, "
            f"{len(data.validation)}"
        )
    shape = (data.behaviour.num_categories, data.clock.length)
    if shape != (config.num_categories, config.length):
        raise ValueError(f"the network is for other data: {shape}, {config}")
    if data.behaviour.channels.max(initial=-1) >= config.num_actions:
        raise ValueError(f"an action has no channel: {config.num_actions = }")
