"""Learning to complete relations from few pairs: every step is a task of its own.

A step draws a relation, a number of references, pairs to ask for and wrong tails, and neighbours
are drawn anew now and then, so that nothing depends on the order of a file. Held relations, which
no step has seen, decide which state is kept. Everything random follows from the seed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from retrieval.graph_vectors import VectorKind
from retrieval.relation_graph import RelationGraph
from retrieval.relation_network import CompletingNetwork, Surroundings
from retrieval.relation_tasks import Held, RelationTask, drawn_episode
from retrieval.relation_trials import held_ranks, looked_up

REDRAWN = 200
"""Steps after which neighbours are drawn anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FewShotTraining:
    """How a network learns."""

    steps: int = 2_000
    """Tasks that are drawn."""
    shots: tuple[int, ...] = (1, 3, 5)
    """Numbers of references, drawn evenly."""
    num_asked: int = 24
    """Pairs of a task that are asked for in a step."""
    num_wrong: int = 4
    """Wrong tails for each."""
    margin: float = 1.0
    """By which a true tail is to score higher."""
    rebuilding: float = 1e-5
    """Weight of how badly references are rebuilt."""
    learning_rate: float = 1e-3
    """Of Adam; a quarter of it in the second half."""
    check_every: int = 250
    """Steps between looks at the held relations."""
    seed: int = 0
    """Decides everything random."""

    def __post_init__(self) -> None:
        least = min(self.steps, self.num_asked, self.num_wrong, self.check_every, *self.shots)
        if least < 1 or not self.shots or self.margin <= 0:
            raise ValueError(
                "steps, shots, num_asked, num_wrong and check_every must be 1 or more, margin "
                f"positive: {self!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """The background that tasks are seen before."""

    graph: RelationGraph
    """Its triples, none of a relation that is to be completed."""
    vectors: NDArray[np.float32]
    """Of the entities, (N, D)."""
    symbols: NDArray[np.float32]
    """Of each relation, then of each on the way back, (2R, D)."""
    kind: VectorKind
    """How a relation acts on the vector of its head."""
    places: int = 20
    """Most neighbours of an entity."""

    def around(self, seed: int = 0) -> Surroundings:
        """Draw neighbours."""
        rng = np.random.default_rng([seed, len(self.graph.triples)])
        return Surroundings(
            vectors=torch.from_numpy(self.vectors),
            symbols=torch.from_numpy(self.symbols),
            neighbours=torch.from_numpy(self.graph.neighbours(self.places, rng)),
            kind=self.kind,
        )


@dataclass(slots=True, kw_only=True)
class FewShotProgress:
    """How a run goes."""

    step: int = 0
    """Steps done."""
    last: float = 0.0
    """Mean reciprocal rank on the held relations, last."""
    best: float = -1.0
    """The best so far."""
    best_step: int = 0
    """When that was."""
    looks: list[float] = field(default_factory=list)
    """All of them."""


def train_completing(
    network: CompletingNetwork,
    scene: Scene,
    tasks: Sequence[RelationTask],
    held: Sequence[Held],
    config: FewShotTraining,
    on_progress: Callable[[FewShotProgress], None] = lambda _progress: None,
) -> FewShotProgress:
    """Learn; the network ends in its best state on the held relations.

    Args:
        network: what learns, at its start.
        scene: the background.
        tasks: relations to learn from, each with two pairs or more.
        held: relations that decide; none keeps the last state.
        config: how.
        on_progress: told at every look at the held relations.
    """
    rng, progress = np.random.default_rng(config.seed), FewShotProgress()
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    best, fixed = copy.deepcopy(network.state_dict()), scene.around()
    around = fixed
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if held:
            _look_at(network, fixed, held, progress, 0)
        for step in range(1, config.steps + 1):
            if step % REDRAWN == 1:
                around = scene.around(int(rng.integers(2**31)))
            rate = config.learning_rate * (1.0 if 2 * step <= config.steps else 0.25)
            optimizer.param_groups[0]["lr"] = rate
            _step(network, around, tasks[int(rng.integers(len(tasks)))], config, rng, optimizer)
            if held and (step % config.check_every == 0 or step == config.steps):
                _look_at(network, fixed, held, progress, step)
                if progress.best_step == step:
                    best = copy.deepcopy(network.state_dict())
                on_progress(progress)
    if held:
        network.load_state_dict(best)
    network.eval()
    return progress


def _step(
    network: CompletingNetwork,
    around: Surroundings,
    task: RelationTask,
    config: FewShotTraining,
    rng: np.random.Generator,
    optimizer: torch.optim.Optimizer,
) -> None:
    network.train()
    shots = int(rng.choice(config.shots))
    episode = drawn_episode(task, shots, (config.num_asked, config.num_wrong), rng)
    scores, own = network.scores(around, looked_up(network, around, episode), episode)
    short = functional.relu(config.margin + scores[:, 1:] - scores[:, :1]).mean()
    optimizer.zero_grad()
    (short + config.rebuilding * own).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _look_at(
    network: CompletingNetwork,
    around: Surroundings,
    held: Sequence[Held],
    progress: FewShotProgress,
    step: int,
) -> None:
    middle = 3
    ranks = held_ranks(network, around, held, middle)
    progress.step, progress.last = step, float(np.mean([(1 / one).mean() for one in ranks]))
    progress.looks.append(progress.last)
    if progress.last > progress.best:
        progress.best, progress.best_step = progress.last, step
