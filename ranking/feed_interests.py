"""What is known of a person's interests, as additions to the score of each candidate.

All additions are logarithms of factors. Interests are clusters of a view of the library, so each
has a name that a person can read, boost and mute.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ranking.feed_config import FatigueConfig, FeedConfig
from ranking.shelf import NO_INTEREST, Shelf
from ranking.user_state import UserState

Floats = NDArray[np.float64]
HOUR_US = 3_600_000_000
BOOSTS = (1 / 64, 64.0)
"""Bounds of what a person's boost counts for: beyond them nothing else would matter."""


def interests_of(shelf: Shelf, items: NDArray[np.int64]) -> NDArray[np.int32]:
    """Interest of each item, (C,); ``NO_INTEREST`` where there is no view or it has none."""
    if shelf.interests is None:
        return np.full(len(items), NO_INTEREST, np.int32)
    return shelf.interests.of_item[items]


def without_muted(shelf: Shelf, state: UserState) -> UserState:
    """Take out of a state's histories what it likes in interests that the person has muted.

    Otherwise these likes would go on calling for what is like them, and some of that the view has,
    by mistake, in other interests.
    """
    muted = np.append(state.boost <= 0, False)
    if not muted.any():
        return state
    recent, liked = state.recent, state.liked
    kept = ~muted[interests_of(shelf, recent.items)] | (state.weights < 0)
    still = ~muted[interests_of(shelf, liked.items)]
    return replace(
        state,
        recent=replace(recent, items=recent.items[kept], times_us=recent.times_us[kept]),
        types=tuple(kind for kind, keep in zip(state.types, kept, strict=True) if keep),
        weights=state.weights[kept],
        liked=replace(liked, items=liked.items[still], times_us=liked.times_us[still]),
    )


def taste(state: UserState, config: FeedConfig) -> Floats:
    """Addition for each interest that the person has, in [0, ``config.interest``], (K,).

    The strongest interest gets the whole of what goes by shares; one acted upon this moment the
    whole of what goes by recency.
    """
    shares = state.shares.astype(np.float64)
    standing = shares / max(float(shares.max(initial=0)), 1e-12)
    hours = (state.asked_us - state.last_met_us) / HOUR_US
    lately = np.where(shares > 0, 0.5 ** np.clip(hours / config.recency_hours, 0, 60), 0)
    added: Floats = config.interest * ((1 - config.recency) * standing + config.recency * lately)
    return added


def said(state: UserState) -> Floats:
    """Addition for what the person said about each interest, (K,); muted ones are filtered."""
    added: Floats = np.log(np.clip(state.boost.astype(np.float64), *BOOSTS))
    return added


def fatigue(state: UserState, config: FatigueConfig) -> Floats:
    """Addition, never above 0, for how much of each interest was shown of late, (K,).

    What is left of an interest falls exponentially with exposure, from 1 to a floor. The floor is
    one for all: when all are worn out they stand in the order of taste again, so a strong interest
    stays alive, and a weak one shown little is never damped more than a strong one shown a lot.
    """
    worn = np.exp(-state.exposure.astype(np.float64) / config.patience)
    left = config.floor + (1 - config.floor) * worn
    added: Floats = config.strength * np.log(left)
    return added


def per_item(by_interest: Floats, owner: NDArray[np.int32]) -> Floats:
    """Read additions of interests (K,) for candidates of interests ``owner`` (C,); 0 for none."""
    added: Floats = np.append(by_interest, 0.0)[owner]  # NO_INTEREST reads the last
    return added


def representatives(shelf: Shelf, each: int) -> NDArray[np.int64]:
    """Items that the view is surest of, in turns: the best of every interest, the second best, ...

    Args:
        shelf: the items; hidden ones and near copies are left out.
        each: most items of one interest.

    Returns:
        Numbers, at most K times ``each``.
    """
    if shelf.interests is None:
        return np.zeros(0, np.int64)
    owner = shelf.interests.of_item
    fit = ~shelf.hidden & (owner != NO_INTEREST) & (shelf.group == np.arange(len(shelf)))
    items = np.flatnonzero(fit)
    items = items[np.lexsort((-shelf.interests.confidence[items], owner[items]))]
    starts = np.searchsorted(owner[items], owner[items])  # where each item's interest begins
    turn = np.arange(len(items)) - starts
    kept = turn < each
    return items[kept][np.argsort(turn[kept], kind="stable")]
