"""What a fuser learns from: views of one item agree, items liked together lie near, words stay.

- *Agreement* needs no label: the joint vector of some of an item's views should be nearer to a view
  that was kept from it than to the same view of other items. With words as the kept view, that is
  what a search by words asks for.
- *Engagement* brings the joint vectors of two items together that one person liked. Popular items
  appear in a batch more often and would be pushed away for it; the log of their frequency is taken
  off their scores (Yi et al. 2019).
- *Anchor*: the joint vector stays near the masked mean, which words can be compared with.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional


def contrast(
    left: Tensor,
    right: Tensor,
    temperature: float,
    same: Tensor | None = None,
    log_frequency: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of finding each row's partner among all rows of the batch.

    Args:
        left: unit vectors, (B, D).
        right: unit vectors of their partners, (B, D).
        temperature: inner products are divided by it; above 0.
        same: bool (B, B), pairs that are no wrong answers; the diagonal is the right one anyhow.
        log_frequency: log of how often each partner is drawn, (B,).

    Returns:
        Mean over the batch, in nats.
    """
    scores = left @ right.T / temperature
    if log_frequency is not None:
        scores = scores - log_frequency
    own = torch.eye(len(left), dtype=torch.bool)
    if same is not None:
        scores = scores.masked_fill(same & ~own, -torch.inf)
    return functional.cross_entropy(scores, torch.arange(len(left)))


def agreement(joint: Tensor, kept: Tensor, temperature: float) -> Tensor:
    """How badly joint vectors and the views kept from them find each other, both ways round.

    Args:
        joint: unit vectors of the other views, (B, D).
        kept: unit vectors of the kept view, (B, D).
        temperature: as in ``contrast``.
    """
    there = contrast(joint, kept, temperature)
    return (there + contrast(kept, joint, temperature)) / 2


def anchor(joint: Tensor, tokens: Tensor, present: Tensor) -> Tensor:
    """One less the mean cosine between joint vectors and masked means, in [0, 2].

    Args:
        joint: unit vectors, (B, D).
        tokens: what they were made of, (B, M, T, D).
        present: which tokens exist, (B, M, T).
    """
    views = tokens[:, :, 0].masked_fill(~present[:, :, :1], 0.0)
    return 1 - functional.cosine_similarity(joint, views.sum(dim=1), dim=-1).mean()


def thinned(
    present: NDArray[np.bool_], ratio: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Take modalities away at random; an item that would lose all keeps all.

    Args:
        present: which tokens exist, (B, M, T).
        ratio: chance of a modality to go, in [0, 1).
        random: decides.
    """
    kept = present & (random.random(present.shape[:2]) >= ratio)[..., None]
    return np.where(kept.any(axis=(1, 2), keepdims=True), kept, present)


def without(present: NDArray[np.bool_], modality: int) -> NDArray[np.bool_]:
    """Take one modality away from every item, (B, M, T)."""
    rest = present.copy()
    rest[:, modality] = False
    return rest
