"""Scores of actions, put together by what each action is worth; see ``ranking.worth``.

Computed in logarithms: chances of a whole catalogue span more than short numbers hold.
"""

from __future__ import annotations

import torch
from torch import Tensor

LEAST = -700.0
"""Logarithm of what speaks for an item that nothing speaks for."""


def worth_of_actions(scores: Tensor, weights: Tensor) -> Tensor:
    """Put the chances of actions together by what each is worth.

    Args:
        scores: of ``SequenceNetwork``, (..., A).
        weights: what each action is worth, of either sign, (A,).

    Returns:
        (...), comparable among the candidates of one history. What one is worth does not depend on
        the others.
    """
    gain = torch.logsumexp(scores + weights.clamp(min=0).log(), dim=-1).clamp(min=LEAST)
    loss = torch.logsumexp(scores + (-weights).clamp(min=0).log(), dim=-1)
    return 2 * gain - torch.logaddexp(gain, loss)
