"""What a sequence model is asked for: the next pair of item and action before all other pairs.

- ``softmax``: the true pair against all pairs of the items drawn, or of the whole catalogue.
- ``binary``: yes for the true pair and no for the others, one by one. Where few of many items are
  drawn, such a model is too sure of itself; ``calibration`` takes that back by weighing the true
  pair less (Petrov and Macdonald 2023, arXiv 2308.07192): 0 for not at all, 1 for fully.

The other actions of the true item are always among the pairs that lose. An item drawn that is the
true one is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

MOST_SCORES = 2**22
"""Scores that ``log_total`` holds at once: what fits into a large cache."""


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


def log_total(asked: Tensor, met: Tensor, log_expected: Tensor, same: Tensor) -> Tensor:
    """Logarithm of the sum of the exponents of corrected scores of drawn items, shared by all.

    Scores are made and left again a part at a time, on the way there and once more on the way
    back: whatever is drawn, memory does not grow, and no score is written more than once.

    Args:
        asked: what each action looks for at each event, and how likely it is, (P, A, D + 1).
        met: what drawn items are met by, (M, D), in the type that products are computed in.
        log_expected: as for ``corrected``, (M,); zeros where nothing is to be corrected.
        same: pairs of event and drawn item that are left out, int64 (S, 2), events rising.

    Returns:
        (P,), float32; minus infinity where every drawn item is left out.
    """
    found: Tensor = _LogTotal.apply(asked, met, log_expected, same)  # type: ignore[no-untyped-call]
    return found


class _LogTotal(torch.autograd.Function):
    """The sum, and its gradient by scores that are computed once more."""

    @staticmethod
    def forward(ctx: Any, asked: Tensor, met: Tensor, log_expected: Tensor, same: Tensor) -> Tensor:
        found = [part.logsumexp(dim=1) for _, part in _scores(asked, met, log_expected, same)] or [
            asked.new_zeros(0)
        ]
        total = torch.cat(found)
        ctx.save_for_backward(asked, met, log_expected, same, total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grown: Tensor) -> tuple[Tensor, Tensor, None, None]:
        asked, met, log_expected, same, total = ctx.saved_tensors
        by_asked = torch.zeros_like(asked, dtype=torch.float32)
        by_met = torch.zeros(met.shape, dtype=torch.float32, device=met.device)
        finite = total.clamp(min=torch.finfo(torch.float32).min)
        for part, scores in _scores(asked, met, log_expected, same):
            share = scores.sub_(finite[part, None]).exp_().mul_(grown[part, None])  # (P, A M)
            share = share.view(-1, len(met))  # (P A, M)
            level = share.sum(dim=1)
            short = share.to(met.dtype)
            wide = by_asked[part].view(-1, asked.shape[2])
            wide[:, :-1] = short @ met
            wide[:, -1] = level
            by_met += short.T @ asked[part].reshape(-1, asked.shape[2])[:, :-1].to(met.dtype)
        return by_asked.to(asked.dtype), by_met.to(met.dtype), None, None


def _scores(
    asked: Tensor, met: Tensor, log_expected: Tensor, same: Tensor
) -> Iterator[tuple[slice, Tensor]]:
    """Corrected scores of some events at a time, (P, A M), float32."""
    num_events, num_actions, _ = asked.shape
    step = max(1, MOST_SCORES // max(num_actions * len(met), 1))
    bounds = torch.searchsorted(same[:, 0].contiguous(), torch.arange(0, num_events + step, step))
    for number, start in enumerate(range(0, num_events, step)):
        part = slice(start, min(start + step, num_events))
        flat = asked[part].reshape(-1, asked.shape[2])
        scores = (flat[:, :-1].to(met.dtype) @ met.T).float()  # (P A, M)
        scores += flat[:, -1:]
        scores -= log_expected
        scores = scores.view(-1, num_actions, len(met))
        event, item = same[bounds[number] : bounds[number + 1]].unbind(dim=1)
        scores[event - start, :, item] = -torch.inf
        yield part, scores.flatten(1)
