"""Vectors of people learnt without labels: guess what was hidden of a lifecycle.

After Gou et al. 2025 (arXiv 2510.15412); see ``ranking.lifecycle`` for tokens and
``ranking.lifecycle_masking`` for what is hidden. Some people are held out. What is hidden of them
is the same in every round, and evenly so, and how well it is guessed decides which round is kept.
How often the topic is among the first few is told beside, on average over topics as over tokens; it
decides nothing, since a network that begins to learn knows hits only and falls behind chance by it.

A loss names the run before it and the one after. So where one is hidden, the others are not shown
either, though nobody asks for them: otherwise guessing is copying, and nothing is learnt of people.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ranking.lifecycle import Kind, Numbers
from ranking.lifecycle_masking import Doubles, Hidden, Masking, hide, mask_chances, rarity
from ranking.lifecycle_network import LifecycleNetwork, Lifecycles, LifecycleShape

HELD_OUT_RATIO = 0.1
"""Share of people who decide when learning ends."""
FOUND_AT, FOUND_RATIO = 5, 5
"""Places that a topic is to be among: five, but no more than one for every five topics."""
WEIGHT_DECAY, WARM_RATIO = 0.01, 0.02
AT_ONCE = 512
"""People of a batch where nothing is learnt."""
POOL = 16
"""Batches among which people are sorted by length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretraining:
    """How a network learns."""

    masking: Masking
    """What is hidden."""
    epochs: int
    """Most rounds."""
    patience: int
    """Rounds without gain after which learning ends."""
    batch_size: int
    """People per step."""
    learning_rate: float
    """Step of the optimiser at its largest."""
    seed: int
    """Decides everything random."""
    device: str = "cpu"
    """Where it learns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guessing:
    """How well hidden topics of people held out are guessed."""

    epoch: int
    """Round; 0 for the start."""
    loss: float
    """Mean over hidden tokens, nats."""
    macro: float
    """Share of hidden tokens whose topic is among the first few, mean over topics."""
    micro: float
    """The same, mean over tokens."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pretrained:
    """What learning gave."""

    network: LifecycleNetwork
    """In its best state."""
    rounds: tuple[Guessing, ...]
    """How each round went, from the start on."""

    @property
    def best(self) -> Guessing:
        """Of the round that was kept."""
        return min(self.rounds, key=lambda one: one.loss)


def pretrain(
    people: Lifecycles,
    shape: LifecycleShape,
    config: Pretraining,
    show: Callable[[Guessing], None] = lambda _one: None,
) -> Pretrained:
    """Learn a network from lifecycles.

    Args:
        people: all of them; some are held out. Who has no token with a topic is passed over.
        shape: of the network.
        config: how to learn.
        show: told of the start and of every round.

    Raises:
        ValueError: there are too few people to hold any out.
    """
    draw = np.random.default_rng(config.seed)
    hider = Hider(people, shape, config.masking)
    order = draw.permutation(hider.some)
    held, learnt = np.split(order, [max(int(len(order) * HELD_OUT_RATIO), 1)])
    if not len(learnt):
        raise ValueError(f"expected people with tokens: {len(order) = }")
    hider.count(learnt)
    # All networks are judged on what is hidden evenly, so that their figures compare.
    judge = _Judge(people, hider, held)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = LifecycleNetwork(shape).to(config.device)
        steps = -(-len(learnt) // config.batch_size) * config.epochs
        optimiser = torch.optim.AdamW(
            network.parameters(), config.learning_rate, weight_decay=WEIGHT_DECAY
        )
        rate = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda at: _rate(at, steps))
        rounds = [judge.of(network, 0)]
        show(rounds[0])
        best = copy.deepcopy(network.state_dict())
        for epoch in range(1, config.epochs + 1):
            network.train()
            for some in _batches(people, learnt, config.batch_size, draw):
                batch = people.rows(some)
                optimiser.zero_grad()
                loss, _ = _guessed(network, batch, hider.hide(batch, draw))
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                rate.step()
            rounds.append(judge.of(network, epoch))
            show(rounds[-1])
            kept = min(rounds, key=lambda one: one.loss).epoch
            if kept == epoch:
                best = copy.deepcopy(network.state_dict())
            if epoch - kept >= config.patience:
                break
    network.load_state_dict(best)
    return Pretrained(network=network.eval(), rounds=tuple(rounds))


@torch.inference_mode()
def vectors_of(network: LifecycleNetwork, people: Lifecycles) -> NDArray[np.float32]:
    """Vector of each person, (U, D); zeros of one without tokens."""
    network.eval()
    found = np.zeros((len(people), network.shape.width), np.float32)
    order = np.argsort(people.lengths, kind="stable")
    for start in range(0, len(order), AT_ONCE):
        some = order[start : start + AT_ONCE]
        found[some] = network.people(people.rows(some)).float().cpu().numpy()
    return found


class Hider:
    """Hides tokens by how common their topics are.

    Args:
        people: all of them.
        shape: says which tokens have a topic.
        masking: how tokens are hidden.
    """

    def __init__(self, people: Lifecycles, shape: LifecycleShape, masking: Masking) -> None:
        self._people, self._masking = people, masking
        self._topics = shape.num_topics
        self._told = 2 * shape.num_actions * shape.num_topics
        self._weights = np.ones(shape.num_topics)
        self.some = np.flatnonzero((people.some & (people.ids < self._told)).any(axis=1))

    def count(self, learnt: Numbers) -> None:
        """Take how common topics are from the tokens of some people."""
        part = self._people.rows(learnt)
        topics = part.ids[self.maskable(part)] % self._topics
        counts = np.bincount(topics, minlength=self._topics)
        self._weights = rarity(counts / max(counts.sum(), 1), self._masking.power)

    def maskable(self, batch: Lifecycles) -> NDArray[np.bool_]:
        """Tokens with a topic, (B, L)."""
        return batch.some & (batch.ids < self._told)

    def hide(
        self, batch: Lifecycles, draw: np.random.Generator, masking: Masking | None = None
    ) -> Hidden:
        """Hide some tokens of a batch, in another way than usual where ``masking`` is given."""
        some = self.maskable(batch)
        even = masking is not None and masking.power == 0
        by_topic: Doubles = np.ones_like(self._weights) if even else self._weights
        weights = by_topic[batch.ids % self._topics]
        chances = mask_chances(weights, some, masking or self._masking)
        found = hide(batch.ids, weights, chances, self._told + 1, draw)
        beside = (self._telling(batch) & found.asked[:, None]).any(axis=2) & ~found.asked
        return Hidden(ids=np.where(beside, self._told + 1, found.ids), asked=found.asked)

    def _telling(self, batch: Lifecycles) -> NDArray[np.bool_]:
        """Which tokens give which others away, (B, L, L): a loss and the runs at its two ends."""
        pairs = np.where(self.maskable(batch), batch.ids % (self._told // 2), -1)
        lost = batch.kinds == Kind.LOST
        same = (pairs[:, :, None] == pairs[:, None]) & (pairs >= 0)[:, None]
        ends = batch.last_bins[:, :, None] == batch.first_bins[:, None]
        meets = ends | ends.transpose(0, 2, 1)
        return np.asarray(same & meets & (lost[:, :, None] != lost[:, None]), np.bool_)


class _Judge:
    """Asks networks what was hidden, once for all, of people held out."""

    def __init__(self, people: Lifecycles, hider: Hider, held: Numbers) -> None:
        draw = np.random.default_rng(0)
        self._batches = []
        for start in range(0, len(held), AT_ONCE):
            order = held[np.argsort(people.lengths[held], kind="stable")]
            batch = people.rows(order[start : start + AT_ONCE])
            self._batches.append((batch, hider.hide(batch, draw, Masking(power=0))))

    @torch.inference_mode()
    def of(self, network: LifecycleNetwork, epoch: int) -> Guessing:
        """How well a network guesses."""
        network.eval()
        losses, topics, found = [], [], []
        for batch, hidden in self._batches:
            loss, logits = _guessed(network, batch, hidden)
            true = batch.ids[hidden.asked] % network.shape.num_topics
            losses.append((float(loss), len(true)))
            topics.append(true)
            found.append(_among_first(logits, true, network.shape.num_topics))
        every, hits = np.concatenate(topics), np.concatenate(found)
        of_topic = [hits[every == topic].mean() for topic in np.unique(every)]
        return Guessing(
            epoch=epoch,
            loss=sum(loss * number for loss, number in losses) / max(len(every), 1),
            macro=float(np.mean(of_topic)),
            micro=float(hits.mean()),
        )


def _batches(
    people: Lifecycles, some: Numbers, size: int, draw: np.random.Generator
) -> list[Numbers]:
    """Batches of people in random order, those of about one length together: padding costs."""
    order = draw.permutation(some)
    pools = [
        pool[np.argsort(people.lengths[pool], kind="stable")]
        for pool in np.split(order, range(POOL * size, len(order), POOL * size))
    ]
    batches = [pool[start : start + size] for pool in pools for start in range(0, len(pool), size)]
    return [batches[place] for place in draw.permutation(len(batches))]


def _among_first(logits: Tensor, topics: Numbers, num_topics: int) -> NDArray[np.bool_]:
    """Whether each topic is among the first, by the chance of all tokens of a topic."""
    by_topic = logits.view(len(logits), -1, num_topics).logsumexp(dim=1)  # (M, G)
    places = max(min(FOUND_AT, num_topics // FOUND_RATIO), 1)
    first = by_topic.topk(places, dim=1).indices.cpu().numpy()
    return np.asarray((first == topics[:, None]).any(axis=1), np.bool_)


def _guessed(network: LifecycleNetwork, batch: Lifecycles, hidden: Hidden) -> tuple[Tensor, Tensor]:
    """Mean loss of the hidden tokens of a batch, and their logits, (M, 2 * A * G)."""
    device = network.bias.device
    states = network(torch.from_numpy(hidden.ids).to(device), batch)
    logits = network.guess(states[torch.from_numpy(hidden.asked).to(device)])
    true = torch.from_numpy(batch.ids[hidden.asked]).to(device)
    return functional.cross_entropy(logits, true), logits


def _rate(step: int, steps: int) -> float:
    """Share of the learning rate: up over the first steps, then down along a cosine."""
    warm = max(int(steps * WARM_RATIO), 1)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + float(np.cos(np.pi * min((step - warm) / max(steps - warm, 1), 1))))
