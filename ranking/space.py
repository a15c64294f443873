"""One space for items and the words of an aspect: fields of the index, side by side.

A field that words can be compared in is one block of numbers; an item's vector is its blocks, each
centred over the items that have it. Choices a reader would question:
- blocks are centred and scaled to length one before they are joined, so that no tower outweighs
  another, and a missing block is zero: it neither attracts nor repels;
- words are centred over the candidates of the aspect: what all of them share ("a colour of") says
  nothing about which of them fits;
- per block, scores are divided by their spread: a tower whose scores lie close together would
  otherwise have no say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.base import unit

Array = NDArray[np.float32]

LEAST_SPREAD = 1e-6
SMALLEST = 1e-4
"""Directions of the words weaker than this share of the strongest are rounding."""
SPREAD_ITEMS = 4_000
"""Items whose scores are looked at for a block's spread."""


class Block(NamedTuple):
    """The vectors of one field."""

    rows: NDArray[np.int64]
    """Which items have one, (B,), rising."""
    vectors: Array
    """Unit vectors, (B, D_field)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemViews:
    """Stored vectors of N items by field; an item may lack any of them."""

    num_items: int
    """N."""
    blocks: Mapping[str, Block]
    """By field of the index."""

    def part(self, rows: NDArray[np.int64]) -> ItemViews:
        """The views of some items, in the order of ``rows``, which rise."""
        blocks = {}
        for name, block in self.blocks.items():
            place = np.searchsorted(block.rows, rows)
            place = np.minimum(place, max(len(block.rows) - 1, 0))
            held = block.rows[place] == rows if len(block.rows) else np.zeros(len(rows), bool)
            blocks[name] = Block(np.flatnonzero(held), block.vectors[place[held]])
        return ItemViews(num_items=len(rows), blocks=blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class AspectSpace:
    """Where items and candidate words of one aspect meet."""

    means: Mapping[str, Array]
    """Mean of the items' vectors by field, (D_field,); its order is that of the blocks."""
    words: Array
    """Centred candidates, blocks of length one, (P, D); zero where words have no such field."""
    anchors: Array
    """Candidates with every block divided by the spread of its scores, (P, D)."""

    @classmethod
    def fit(cls, views: ItemViews, words: Mapping[str, Array]) -> AspectSpace:
        """Learn means and spreads.

        Args:
            views: the items.
            words: unit vectors (P, D_field) of the candidates by field; fields without words help
                to tell items apart, but not to name them.

        Raises:
            ValueError: no field holds both items and words.
        """
        fields = [name for name, block in views.blocks.items() if len(block.rows)]
        if not any(name in words for name in fields):
            raise ValueError(f"no field with items and words: {fields = }, {list(words) = }")
        means = {name: views.blocks[name].vectors.mean(axis=0) for name in fields}
        num_words = len(next(iter(words.values())))
        plain, scaled = [], []
        for name in fields:
            vectors = views.blocks[name].vectors[:SPREAD_ITEMS]
            if name not in words:
                plain.append(np.zeros((num_words, vectors.shape[1]), np.float32))
                scaled.append(plain[-1])
                continue
            centred = unit(words[name] - words[name].mean(axis=0))
            spread = float((unit(vectors - means[name]) @ centred.T).std())
            plain.append(centred)
            scaled.append(centred / max(spread, LEAST_SPREAD))
        return cls(means=means, words=np.hstack(plain), anchors=np.hstack(scaled))

    @property
    def width(self) -> int:
        """Width D: all blocks together."""
        return int(self.words.shape[1])

    @property
    def slices(self) -> dict[str, slice]:
        """Where each field's block lies."""
        ends = np.cumsum([len(mean) for mean in self.means.values()])
        return {
            name: slice(int(end) - len(mean), int(end))
            for (name, mean), end in zip(self.means.items(), ends, strict=True)
        }

    @property
    def span(self) -> Array:
        """Orthonormal columns (D, R) that span the words: all that they can speak of."""
        _, sizes, rows = np.linalg.svd(self.words, full_matrices=False)
        return np.ascontiguousarray(rows[sizes > SMALLEST * sizes[0]].T, np.float32)

    def items(self, views: ItemViews) -> Array:
        """Bring items here.

        Returns:
            Unit rows (B, D); zero for an item without any of the fields.
        """
        joined = np.zeros((views.num_items, self.width), np.float32)
        for name, place in self.slices.items():
            if name in views.blocks and len(views.blocks[name].rows):
                block = views.blocks[name]
                joined[block.rows, place] = unit(block.vectors - self.means[name])
        return unit(joined)
