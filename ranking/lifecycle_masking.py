"""Which tokens are hidden to be guessed: those of rare topics more often.

A few topics make up nearly all that people do, and a network that guesses what was hidden at random
learns those. Here the chance of being hidden falls with how common a token's topic is, to a power
between 0 (everything alike) and 1 (every topic hidden as often as any other, as far as bounds
allow), while the share hidden of each person's tokens stays what it is. After the inverse
probability masking of Gou et al. 2025 (arXiv 2510.15412), whose formula was not published to us.

The scale that keeps that share is found by bisection, since the sum of bounded chances grows with
it, and then made exact on the chances that meet no bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Numbers = NDArray[np.int64]
STEPS = 20
"""Of the bisection."""
KEPT, SWAPPED = 0.1, 0.1
"""Shares of the hidden tokens that stay as they are, and that become a random one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """How tokens are hidden."""

    power: float = 0.75
    """Of how common a topic is, in [0, 1]; 0 hides all alike."""
    hidden_ratio: float = 0.15
    """Mean share of tokens that are hidden."""
    least: float = 0.05
    """Chance of a token at least."""
    most: float = 0.4
    """Chance of a token at most."""

    def __post_init__(self) -> None:
        if not 0 <= self.power <= 1 or not 0 <= self.least < self.most <= 1:
            raise ValueError(f"expected shares in [0, 1], least below most: {self}")
        if not self.least <= self.hidden_ratio <= self.most:
            raise ValueError(f"the share hidden lies between its bounds: {self}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hidden:
    """A batch of which some tokens are to be guessed."""

    ids: Numbers
    """What the network sees, (B, L)."""
    asked: NDArray[np.bool_]
    """Where it is to guess, (B, L)."""


def rarity(shares: Doubles, power: float) -> Doubles:
    """Weigh each topic by its share of all tokens, (G,).

    A topic that was never met is as rare as the rarest that was.
    """
    met = shares > 0
    least = shares[met].min() if met.any() else 1.0
    return np.where(met, shares, least) ** -power


def mask_chances(weights: Doubles, maskable: NDArray[np.bool_], masking: Masking) -> Doubles:
    """Chance of each token to be hidden.

    Args:
        weights: of each token, above 0, (B, L); read where maskable.
        maskable: tokens that can be hidden, (B, L).
        masking: bounds, and the share to keep.

    Returns:
        In the bounds and with the mean ``hidden_ratio`` over the maskable tokens of each row; 0
        elsewhere, (B, L).
    """
    safe = np.where(maskable, weights, 1.0)
    wanted = masking.hidden_ratio * maskable.sum(axis=1)  # (B,)
    low = np.log(
        max(masking.least, 1e-9) / np.where(maskable, weights, 0).max(axis=1, initial=1e-9)
    )
    high = np.log(masking.most / np.where(maskable, weights, np.inf).min(axis=1, initial=1e9))
    for _ in range(STEPS):
        middle = (low + high) / 2
        few = _bounded(safe, middle, masking, maskable).sum(axis=1) < wanted
        low, high = np.where(few, middle, low), np.where(few, high, middle)
    found = _bounded(safe, (low + high) / 2, masking, maskable)
    free = maskable & (found > masking.least) & (found < masking.most)
    rest = wanted - np.where(free, 0, found).sum(axis=1)
    total = np.where(free, safe, 0).sum(axis=1)
    exact = safe * np.divide(rest, total, out=np.zeros_like(rest), where=total > 0)[:, None]
    return np.where(free, np.clip(exact, masking.least, masking.most), found)


def hide(
    ids: Numbers, weights: Doubles, chances: Doubles, hidden_id: int, draw: np.random.Generator
) -> Hidden:
    """Hide some tokens; where chance leaves a row whole, one of it all the same.

    Args:
        ids: tokens, (B, L); those with a topic are numbered below ``hidden_id`` - 1.
        weights: of each token, above 0, (B, L).
        chances: from ``mask_chances``, (B, L).
        hidden_id: what stands for a hidden token.
        draw: decides.
    """
    maskable = chances > 0
    asked = draw.random(ids.shape) < chances
    # The largest of weights with noise of this kind is each of them as often as its weight says.
    noise = -np.log(-np.log(draw.random(ids.shape).clip(1e-12, 1 - 1e-12)))
    forced = np.where(maskable, np.log(np.where(maskable, weights, 1)) + noise, -np.inf)
    whole = maskable.any(axis=1) & ~asked.any(axis=1)
    asked[whole, forced.argmax(axis=1)[whole]] = True
    fate = draw.random(ids.shape)
    others = draw.integers(hidden_id - 1, size=ids.shape)
    shown = np.where(fate < KEPT, ids, np.where(fate < KEPT + SWAPPED, others, hidden_id))
    return Hidden(ids=np.where(asked, shown, ids), asked=asked)


def _bounded(
    weights: Doubles, scale: Doubles, masking: Masking, maskable: NDArray[np.bool_]
) -> Doubles:
    chances = np.clip(np.exp(scale)[:, None] * weights, masking.least, masking.most)
    return np.where(maskable, chances, 0)
