"""From the vector of a person to the topics that they will take up: a small head on what is frozen.

A person's vector goes through one hidden layer to what is looked for, and each topic is met by its
own vector, beside how often people take it up at all. Topics start as what read the lifecycles
knows them by. The head learns from what people did strictly after the day that their vectors speak
of; some people decide when learning ends.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Floats = NDArray[np.float32]
Marks = NDArray[np.bool_]
HELD_OUT_RATIO = 0.2
"""Share of people who decide when learning ends."""
FARTHEST = 3.0
"""Deviations from the mean beyond which a number counts no more; few are met while learning."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TakenUp:
    """What people took up after what is known of them."""

    people: Floats
    """What is known of each, (U, F)."""
    labels: Marks
    """Topics that each took up, (U, G)."""
    counted: Marks
    """Pairs of a person and a topic that say something, (U, G)."""

    def rows(self, some: NDArray[np.int64]) -> TakenUp:
        """Those of some people."""
        return TakenUp(
            people=self.people[some], labels=self.labels[some], counted=self.counted[some]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadTraining:
    """How a head learns."""

    hidden: int = 64
    """Numbers of the hidden layer."""
    epochs: int = 60
    """Most rounds."""
    patience: int = 6
    """Rounds without gain after which learning ends."""
    batch_size: int = 128
    """People per step."""
    learning_rate: float = 2e-3
    """Step of the optimiser."""
    weight_decay: float = 0.05
    """Pull of every number towards zero."""
    seed: int = 0
    """Decides everything random."""


class TopicHead(nn.Module):
    """Says how likely a person takes up each topic.

    Args:
        num_known: numbers known of a person, F.
        hidden: numbers of the hidden layer.
        topics: what topics are known by before learning, of any length, (G, V).
    """

    def __init__(self, num_known: int, hidden: int, topics: Tensor) -> None:
        super().__init__()
        width = topics.shape[1]
        self.mean = nn.Buffer(torch.zeros(num_known))
        self.scale = nn.Buffer(torch.ones(num_known))
        self.base = nn.Buffer(torch.zeros(len(topics)))
        self.tower = nn.Sequential(
            nn.Linear(num_known, hidden), nn.GELU(), nn.Dropout(0.1), nn.Linear(hidden, width + 1)
        )
        self.topics = nn.Parameter(functional.normalize(topics, dim=1))
        # Before learning everybody takes up what people take up at all.
        last = self.tower[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, people: Tensor) -> Tensor:
        """Logits of people (B, F) for each topic, (B, G)."""
        return self.base + self.lift(people)

    def lift(self, people: Tensor) -> Tensor:
        """How much likelier each topic is for these people than for all, as logits, (B, G)."""
        spread = ((people - self.mean) / self.scale).clamp(-FARTHEST, FARTHEST)
        sought: Tensor = self.tower(spread)  # (B, V + 1)
        return sought[:, :-1] @ self.topics.T + sought[:, -1:]

    def measure(self, taken: TakenUp) -> None:
        """Take from people how their numbers spread, and how often topics are taken up."""
        spread = taken.people.std(axis=0)
        self.mean.copy_(torch.from_numpy(taken.people.mean(axis=0)))
        self.scale.copy_(torch.from_numpy(np.where(spread > 0, spread, 1).astype(np.float32)))
        hits = (taken.labels & taken.counted).sum(axis=0) + 0.5
        rate = hits / (taken.counted.sum(axis=0) + 1)
        self.base.copy_(torch.from_numpy(np.log(rate / (1 - rate)).astype(np.float32)))


def fit_head(taken: TakenUp, topics: Tensor, config: HeadTraining) -> TopicHead:
    """Learn a head from people.

    Args:
        taken: what they took up.
        topics: what topics are known by before learning, (G, V).
        config: how to learn.
    """
    order = np.random.default_rng(config.seed).permutation(len(taken.people))
    held, learnt = np.split(order, [max(int(len(order) * HELD_OUT_RATIO), 1)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        head = TopicHead(taken.people.shape[1], config.hidden, topics)
        head.measure(taken.rows(learnt))
        optimiser = torch.optim.AdamW(
            head.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        asked = taken.rows(held)
        best, least, since = copy.deepcopy(head.state_dict()), _loss_of(head, asked), 0
        for _ in range(config.epochs):
            head.train()
            mixed = learnt[torch.randperm(len(learnt)).numpy()]
            for start in range(0, len(mixed), config.batch_size):
                optimiser.zero_grad()
                some = mixed[start : start + config.batch_size]
                _loss(head, taken.rows(some)).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            reached = _loss_of(head, asked)
            since = since + 1
            if reached < least:
                best, least, since = copy.deepcopy(head.state_dict()), reached, 0
            if since >= config.patience:
                break
    head.load_state_dict(best)
    return head.eval()


@torch.inference_mode()
def scores_of(head: TopicHead, people: Floats) -> Floats:
    """Logits of each topic for each person, (U, G)."""
    head.eval()
    return np.asarray(head(torch.from_numpy(people)).numpy(), np.float32)


def area(scores: NDArray[np.floating], labels: Marks) -> float:
    """Give the area under the curve of true against false positives.

    It is the chance that what is true stands above what is not, where ties count half; NaN where
    one of the two is missing.
    """
    from scipy.stats import rankdata

    hits = int(labels.sum())
    if not 0 < hits < len(labels):
        return float("nan")
    above = rankdata(scores)[labels].sum() - hits * (hits + 1) / 2
    return float(above / (hits * (len(labels) - hits)))


def _loss(head: TopicHead, taken: TakenUp) -> Tensor:
    logits = head(torch.from_numpy(taken.people))
    each = functional.binary_cross_entropy_with_logits(
        logits, torch.from_numpy(taken.labels.astype(np.float32)), reduction="none"
    )
    counted = torch.from_numpy(taken.counted)
    return (each * counted).sum() / counted.sum().clamp(min=1)


@torch.inference_mode()
def _loss_of(head: TopicHead, taken: TakenUp) -> float:
    head.eval()
    return float(_loss(head, taken))
