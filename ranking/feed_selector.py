"""Which of the ranked candidates make a page: greedily, the best of what adds something.

Maximal marginal relevance (Carbonell and Goldstein 1998) over joint vectors, within quotas of
interests. How alike two items are is counted from what is usual among the candidates: in a space
where everything resembles everything, resemblance says little. A page is never short because of a
quota: where nothing else is left, the quotas that are least exceeded give way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.feed_config import VarietyConfig
from ranking.shelf import NO_INTEREST

Floats = NDArray[np.float64]
NO_LIMIT = 2**31
MOST_USUAL = 0.99
"""Likeness that is taken for usual at most: equal candidates are alike in any space."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """A page, as places among the candidates."""

    places: NDArray[np.int64]
    """In the order of choice, (P,)."""
    alike: Floats
    """How alike each is to one chosen before it, in [0, 1], (P,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quotas:
    """Bounds on the interests of one page."""

    most: NDArray[np.int64]
    """Items of each interest, (K + 1,); the last is for items in none."""
    least: int
    """Different interests."""


def quotas(size: int, num_likes: int, boost: NDArray[np.float32], config: VarietyConfig) -> Quotas:
    """Work out the bounds for a person.

    With no likes a page is divided evenly among interests, or by what the person said about them;
    with likes, taste takes over. Where there are few interests, each may fill twice an even share.

    Args:
        size: items of the page.
        num_likes: what is known of the person, 0 or more.
        boost: of each interest, 0 for muted, (K,).
        config: bounds for a person who is well known.
    """
    num_interests = int((boost > 0).sum())
    known = num_likes / (num_likes + config.settled)
    even = boost.astype(np.float64) / max(float(boost.sum()), 1e-12)
    share = known * max(config.most_share, 2 / max(num_interests, 1)) + (1 - known) * even
    most = np.clip(np.ceil(size * share), 1, size).astype(np.int64)
    least = max(config.least_interests, math.ceil(size * (1 - known)))
    return Quotas(most=np.append(most, NO_LIMIT), least=min(least, num_interests))


def select(
    scores: Floats,
    vectors: NDArray[np.float32],
    owner: NDArray[np.int32],
    bounds: Quotas,
    size: int,
    strength: float,
) -> Chosen:
    """Choose a page.

    Args:
        scores: of the candidates, (C,).
        vectors: of unit length, or zeros for an item that resembles nothing, (C, D).
        owner: interest of each candidate, (C,).
        bounds: quotas.
        size: most items; fewer only where there are fewer candidates.
        strength: what being the same as an item above costs.
    """
    usual = _usual(vectors)
    near = np.zeros(len(scores))
    open_, counts = np.ones(len(scores), np.bool_), np.zeros(len(bounds.most), np.int64)
    least = min(bounds.least, len(np.unique(owner[owner != NO_INTEREST])))
    places, alike = [], []
    for left in range(min(size, len(scores)), 0, -1):
        owed = least - int(np.count_nonzero(counts[:NO_INTEREST])) >= left
        allowed = _allowed(open_, owner, counts, bounds, owed)
        place = int(np.argmax(np.where(allowed, scores - strength * near, -np.inf)))
        places.append(place)
        alike.append(near[place])
        open_[place] = False
        counts[owner[place]] += 1
        if strength:
            cosines = vectors @ vectors[place]
            np.maximum(near, (cosines - usual) / (1 - usual), out=near)
            np.minimum(near, 1, out=near)
    return Chosen(places=np.array(places, np.int64), alike=np.array(alike))


def _allowed(
    open_: NDArray[np.bool_],
    owner: NDArray[np.int32],
    counts: NDArray[np.int64],
    bounds: Quotas,
    owed: bool,
) -> NDArray[np.bool_]:
    """Candidates that the quotas let in next, (C,); at least one where one is open."""
    if owed:
        unmet = counts == 0
        unmet[NO_INTEREST] = False
        first: NDArray[np.bool_] = open_ & unmet[owner]
        if first.any():
            return first
    room: NDArray[np.bool_] = open_ & (counts < bounds.most)[owner]
    if room.any():
        return room
    over = (counts - bounds.most)[owner]
    least: NDArray[np.bool_] = open_ & (over == over[open_].min())
    return least


def _usual(vectors: NDArray[np.float32]) -> float:
    """Mean cosine of two different candidates, (C, D), in [0, ``MOST_USUAL``]."""
    num = len(vectors)
    if num < 2:
        return 0.0
    whole = vectors.sum(axis=0)
    own = np.vdot(vectors, vectors)
    return float(np.clip((whole @ whole - own) / (num * (num - 1)), 0, MOST_USUAL))
