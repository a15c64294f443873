"""How the weighing of profiles and items is learnt: liked pairs against drawn ones.

Each liked item of a person stands against some that the person did not like. Learning ends when
what is held out is not found better any more: ndcg and not the loss, because the loss is about
drawn items, most of which nobody would mistake for a liking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ranking.profile_network import ProfileNetwork, ProfileShape

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
REDRAWS = 20
"""How often drawn items that are liked are drawn again."""
Judge = Callable[[ProfileNetwork], float]
"""Says how well a network finds what was held out; more is better."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProfileData:
    """What is learnt from."""

    profiles: Floats
    """Encoded profiles of each person, the short one first, (U, 2, D)."""
    items: Floats
    """Vectors of items, (N, D)."""
    liked_by: Numbers
    """Number of the person of each liking, (E,)."""
    liked: Numbers
    """Number of its item, (E,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileTraining:
    """How it is learnt."""

    hidden: int = 256
    """See ``ProfileShape``."""
    dropped_ratio: float = 0.2
    """See ``ProfileShape``."""
    num_negatives: int = 5
    """Items drawn against each liked one."""
    batch_size: int = 2_048
    """Liked items of a step."""
    learning_rate: float = 1e-3
    """Step of the optimiser."""
    weight_decay: float = 1e-5
    """Pull of weights towards 0."""
    epochs: int = 100
    """Most rounds."""
    patience: int = 5
    """Rounds without gain after which learning ends."""
    least_gain: float = 1e-4
    """What counts as a gain."""
    seed: int = 0
    """Decides everything random."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedProfiles:
    """What learning gave."""

    network: ProfileNetwork
    """In its best state."""
    epochs: int
    """Rounds run."""
    best_epoch: int
    """Round that was kept; 0 for the start."""
    best: float
    """What was found then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileProgress:
    """Where a run stands."""

    epoch: int
    """Rounds done."""
    last: float
    """What the judge said last."""
    best: float
    """The best of what it said."""
    best_epoch: int
    """The round of that."""


OnProgress = Callable[[ProfileProgress], None]


def train_profiles(
    data: ProfileData,
    training: ProfileTraining,
    judge: Judge,
    on_progress: OnProgress = lambda _progress: None,
) -> FittedProfiles:
    """Learn from likings.

    Args:
        data: likings and vectors.
        training: how.
        judge: decides which round is kept, and when learning ends.
        on_progress: told after each round.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        network = ProfileNetwork(
            ProfileShape(
                width=data.items.shape[1],
                hidden=training.hidden,
                dropped_ratio=training.dropped_ratio,
            )
        )
        return _train(network, data, training, judge, on_progress)


def drawn_against(
    known: Numbers, liked_by: Numbers, shape: tuple[int, int], draw: np.random.Generator
) -> Numbers:
    """Draw items that people did not like.

    Args:
        known: every liking as ``person * N + item``, rising.
        liked_by: person of each row, (B,).
        shape: N, and how many are drawn per row, K.
        draw: source of chance.

    Returns:
        Numbers of items, (B, K). Who liked nearly everything may meet an item that they liked.
    """
    num_items, number = shape
    found = draw.integers(num_items, size=(len(liked_by), number))
    for _ in range(REDRAWS):
        pairs = liked_by[:, None] * num_items + found
        places = np.searchsorted(known, pairs).clip(max=len(known) - 1)
        hit = known[places] == pairs
        if not hit.any():
            break
        found[hit] = draw.integers(num_items, size=int(hit.sum()))
    return found


def _train(
    network: ProfileNetwork,
    data: ProfileData,
    training: ProfileTraining,
    judge: Judge,
    on_progress: OnProgress,
) -> FittedProfiles:
    optimizer = torch.optim.Adam(
        network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
    )
    best, best_epoch, epoch = judge(network.eval()), 0, 0
    kept = _state(network)
    batches = _Batches(data, training)
    for epoch in range(1, training.epochs + 1):
        network.train()
        for profiles, pairs, wanted in batches.round():
            logits = network.logits(profiles, batches.items, pairs)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten())
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        last = judge(network.eval())
        if last > best + training.least_gain:
            best, best_epoch, kept = last, epoch, _state(network)
        on_progress(ProfileProgress(epoch=epoch, last=last, best=best, best_epoch=best_epoch))
        if epoch - best_epoch >= training.patience:
            break
    network.load_state_dict(kept)
    return FittedProfiles(network=network.eval(), epochs=epoch, best_epoch=best_epoch, best=best)


class _Batches:
    """Likings in a new order each round, with new items against them."""

    def __init__(self, data: ProfileData, training: ProfileTraining) -> None:
        self._data, self._training = data, training
        self.items = torch.from_numpy(data.items)
        self._profiles = torch.from_numpy(data.profiles)
        self._known = np.unique(data.liked_by * len(data.items) + data.liked)
        self._draw = np.random.default_rng(training.seed)

    def round(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield profiles (B, 2, D), numbers of items (B, 1 + K) and which are liked, (B, 1 + K)."""
        data, training = self._data, self._training
        order = self._draw.permutation(len(data.liked))
        for start in range(0, len(order), training.batch_size):
            rows = order[start : start + training.batch_size]
            shape = (len(data.items), training.num_negatives)
            others = drawn_against(self._known, data.liked_by[rows], shape, self._draw)
            pairs = np.concatenate([data.liked[rows, None], others], axis=1)
            wanted = torch.zeros(pairs.shape, dtype=torch.int64)
            wanted[:, 0] = 1
            yield self._profiles[data.liked_by[rows]], torch.from_numpy(pairs), wanted


def _state(network: ProfileNetwork) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
