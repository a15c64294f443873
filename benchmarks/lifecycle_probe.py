"""Logistic regression on what is known of people, its pull chosen on people held out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ranking.lifecycle_head import TakenUp

Floats = NDArray[np.float32]
PULLS = (1e-4, 1e-3, 1e-2)
"""Times half the squared weights, beside the mean loss of a topic."""
HELD_OUT = 0.2
ROUNDS = 40


def linear_probe(taken: TakenUp, asked: Floats) -> Floats:
    """One regression per topic; logits of others, (B, G)."""
    order = np.random.default_rng(0).permutation(len(taken.people))
    held, learnt = np.split(order, [int(len(order) * HELD_OUT)])
    losses = []
    for pull in PULLS:
        logits = _fitted(taken.rows(learnt), taken.people[held], pull)
        losses.append(float(_loss(torch.from_numpy(logits), taken.rows(held))))
    return _fitted(taken, asked, PULLS[int(np.argmin(losses))])


def binary_probe(people: Floats, labels: NDArray[np.bool_], asked: Floats) -> Floats:
    """One regression; logits of others, (B, 1)."""
    taken = TakenUp(
        people=people, labels=labels[:, None], counted=np.ones((len(labels), 1), np.bool_)
    )
    return linear_probe(taken, asked)


def _fitted(taken: TakenUp, asked: Floats, pull: float) -> Floats:
    mean, spread = taken.people.mean(axis=0), taken.people.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1)
    known = torch.from_numpy(((taken.people - mean) / spread).astype(np.float32))
    weights = torch.zeros(known.shape[1], taken.labels.shape[1], requires_grad=True)
    bias = torch.zeros(taken.labels.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = _loss(known @ weights + bias, taken) + 0.5 * pull * (weights**2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        others = torch.from_numpy(((asked - mean) / spread).astype(np.float32))
        return np.asarray((others @ weights + bias).numpy(), np.float32)


def _loss(logits: torch.Tensor, taken: TakenUp) -> torch.Tensor:
    """Sum over topics of the mean over people."""
    each = functional.binary_cross_entropy_with_logits(
        logits, torch.from_numpy(taken.labels.astype(np.float32)), reduction="none"
    )
    return (each * torch.from_numpy(taken.counted)).mean(dim=0).sum()
