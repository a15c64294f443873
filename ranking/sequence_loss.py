"""What a sequence model is asked for: the next pair of item and action before all other pairs.

- ``softmax``: the true pair against all pairs of the items drawn, or of the whole catalogue.
- ``binary``: yes for the true pair and no for the others, one by one. Where few of many items are
  drawn, such a model is too sure of itself; ``calibration`` takes that back by weighing the true
  pair less (Petrov and Macdonald 2023, arXiv 2308.07192): 0 for not at all, 1 for fully.

The other actions of the true item are always among the pairs that lose. An item drawn that is the
true one is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def softmax_loss(true: Tensor, actions: Tensor, drawn: Tensor, same: Tensor) -> Tensor:
    """Mean cross-entropy of the true pair.

    Args:
        true: scores of the true items, (P, A).
        actions: the true action of each, int64 (P,).
        drawn: scores of the other items, (P, M, A), corrected for how they were drawn.
        same: which drawn items are the true one, bool (P, M).
    """
    others = drawn.masked_fill(same[..., None], -torch.inf).flatten(1)  # (P, M A)
    return functional.cross_entropy(torch.cat([true, others], dim=1), actions)


def binary_loss(
    true: Tensor, actions: Tensor, drawn: Tensor, same: Tensor, weight: float
) -> Tensor:
    """Mean over the true pairs of the loss of saying yes to each and no to the others.

    Args:
        true: scores of the true items, (P, A).
        actions: the true action of each, int64 (P,).
        drawn: scores of the other items, (P, M, A).
        same: which drawn items are the true one, bool (P, M).
        weight: of yes; see ``positive_weight``.
    """
    chosen = functional.one_hot(actions, true.shape[1]).bool()  # (P, A)
    yes = functional.softplus(-true[chosen])
    no = functional.softplus(true).masked_fill(chosen, 0).sum(dim=1)
    others = functional.softplus(drawn).masked_fill(same[..., None], 0).sum(dim=(1, 2))
    return (weight * yes + no + others).mean()


def positive_weight(num_drawn: int, num_items: int, calibration: float) -> float:
    """Weight of yes where some of many items are drawn: 1 without calibration, else less."""
    share = num_drawn / max(num_items - 1, 1)
    return share * (calibration * (1 - 1 / share) + 1 / share)


def corrected(drawn: Tensor, log_expected: Tensor) -> Tensor:
    """Scores that make a sum over drawn items stand for a sum over all.

    Args:
        drawn: scores, (P, M, A).
        log_expected: logarithm of how often each item is expected among those drawn, (M,) or
            (P, M).
    """
    return drawn - log_expected[..., None]
