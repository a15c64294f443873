"""Which items people engage with together: pairs to learn from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW = 10
"""How many of a person's later events an event is paired with: a very long history counts by its
length, not by its square."""


def co_engaged(
    users: NDArray[np.integer],
    items: NDArray[np.integer],
    times: NDArray[np.number] | None = None,
    window: int = WINDOW,
) -> NDArray[np.int64]:
    """Pair the items that one person engaged with near each other.

    Args:
        users: who, one number per event, (E,).
        items: with what, (E,).
        times: when, in any unit, (E,); None takes the order of events.
        window: how many later events of the same person an event is paired with.

    Returns:
        Pairs of different items, both ways round, (P, 2); a pair seen twice is there twice.
    """
    order = np.lexsort((np.arange(len(users)) if times is None else times, users))
    users, items = users[order], items[order]
    found = [np.zeros((0, 2), np.int64)]
    for step in range(1, window + 1):
        same = (users[step:] == users[:-step]) & (items[step:] != items[:-step])
        found.append(np.stack([items[:-step][same], items[step:][same]], axis=1))
    pairs = np.concatenate(found)
    return np.concatenate([pairs, pairs[:, ::-1]]).astype(np.int64)


def log_frequency(pairs: NDArray[np.int64], num_items: int) -> NDArray[np.float32]:
    """Log of how often each item is the second of a pair, (N,); rare ones are kept finite."""
    counts = np.bincount(pairs[:, 1], minlength=num_items)
    return np.log(np.maximum(counts, 1) / max(len(pairs), 1)).astype(np.float32)
