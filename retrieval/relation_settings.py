"""Settings of how relations are learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

READ_AT_ONCE = 5
"""References that are read together at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationSettings:
    """How relations are learnt."""

    vectors: Literal["items", "graph"] = "items"
    """What entities are known by: the library's vectors, or the graph of common relations."""
    background_from: int = 1_000
    """Pairs from which a relation is background and is not completed."""
    learnt_from: int = 10
    """Pairs from which a relation is learnt from; with fewer it is merely completed."""
    width: int = 50
    """Numbers per entity; even."""
    epochs: int = 10
    """Rounds over the graph, where vectors are learnt of it."""
    steps: int = 1_000
    """Tasks that the network learns from."""
    most: int = 5
    """Most completions of an item by one relation, in the table."""
    seed: int = 0
    """Decides everything random."""

    def __post_init__(self) -> None:
        if self.learnt_from <= READ_AT_ONCE or self.background_from <= self.learnt_from:
            raise ValueError(
                f"learnt_from must be above {READ_AT_ONCE}, background_from above it: "
                f"{self.learnt_from = }, {self.background_from = }"
            )
        if min(self.width, self.epochs, self.steps, self.most) < 1 or self.width % 2:
            raise ValueError(
                "width must be even, and width, epochs, steps and most 1 or more: "
                f"{self.width = }, {self.epochs = }, {self.steps = }, {self.most = }"
            )
