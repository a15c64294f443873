"""A planted world with two independent aspects: items know both, candidates speak of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.base import unit
from ranking.space import AspectSpace, Block, ItemViews

Array = NDArray[np.float32]

WIDTH = 64
KINDS = {"weak": 3, "strong": 4}
STRENGTH = {"weak": 1.0, "strong": 1.3}
DISTRACTORS = 12


@dataclass(frozen=True)
class World:
    """Items with a weak and a strong aspect, on directions at right angles."""

    views: ItemViews
    labels: dict[str, NDArray[np.int64]]
    words: dict[str, list[str]]
    vectors: dict[str, dict[str, Array]]

    def space(self, aspect: str) -> AspectSpace:
        """The space of one aspect."""
        return AspectSpace.fit(self.views, self.vectors[aspect])


def planted_aspects(seed: int, num_items: int = 480, noise: float = 0.06) -> World:
    """Draw a world."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)
    directions = {"weak": basis[:3], "strong": basis[3:7]}
    rest = basis[7:]
    labels = {name: rng.integers(0, kinds, num_items) for name, kinds in KINDS.items()}
    items = sum(STRENGTH[name] * directions[name][labels[name]] for name in KINDS)
    items = items + noise * rng.normal(size=(num_items, WIDTH))
    words, vectors = {}, {}
    for name, rows in directions.items():
        mixed = 0.6 * rows[rng.integers(0, len(rows), DISTRACTORS)] + rest[:DISTRACTORS]
        vectors[name] = {"joint": unit(np.vstack([rows, mixed]))}
        words[name] = [f"{name} {n}" for n in range(len(rows))]
        words[name] += [f"other {n}" for n in range(DISTRACTORS)]
    block = Block(np.arange(num_items), unit(np.asarray(items)))
    views = ItemViews(num_items=num_items, blocks={"joint": block})
    return World(views=views, labels=labels, words=words, vectors=vectors)
