"""Made histories: users walk around rings of items, so that what comes next is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingest.histories import Histories, gather_histories

DAY_US = 86_400_000_000


def histories_of(*sequences: str, step_us: int = 1) -> Histories:
    """One user per text, one item per letter, in that order."""
    return gather_histories(
        (f"u{number:04}", letter, place * step_us)
        for number, letters in enumerate(sequences)
        for place, letter in enumerate(letters)
    )


def walks(users: int = 300, rings: int = 6, size: int = 8, seed: int = 0) -> Histories:
    """Let users walk forward on a ring each, at times missing a step; a tenth is noise.

    Popularity knows nothing of rings: at best one ring's items are found by it.
    """
    draw = np.random.default_rng(seed)
    liked = []
    for user in range(users):
        ring, place = int(draw.integers(rings)), int(draw.integers(size))
        start = int(draw.integers(300)) * DAY_US
        for step in range(5):
            place += 1 + int(draw.random() < 0.2)
            item = ring * size + place % size
            if draw.random() < 0.1:
                item = int(draw.integers(rings * size))
            liked.append((f"u{user:04}", f"i{item:03}", start + 15 * step * DAY_US))
    return gather_histories(liked)


def kinds(
    seed: int, users: int = 300, groups: int = 6, common: int = 6, scarce: int = 40
) -> tuple[Histories, NDArray[np.float32]]:
    """Let users walk the common items of a kind, and turn to one of its many scarce ones at times.

    Content tells an item's kind and nothing else of it; also gives these vectors.
    """
    draw = np.random.default_rng(seed)
    liked = []
    for user in range(users):
        group, place = int(draw.integers(groups)), int(draw.integers(common))
        for step in range(5):
            place += 1
            item = f"{group}-{place % common}"
            if draw.random() < 0.3:
                item = f"{group}-s{draw.integers(scarce):02}"
            liked.append((f"u{user:04}", item, step * DAY_US))
    histories = gather_histories(liked)
    centres = draw.normal(size=(groups, 8))
    vectors = np.array([centres[int(item[0])] for item in histories.item_ids])
    vectors += 0.3 * draw.normal(size=vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return histories, vectors.astype(np.float32)
