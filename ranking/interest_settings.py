"""How vectors of interests are learnt, as a person says it; what follows from data is not here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestSettings:
    """Shape of the network of interests and how it is learnt."""

    kind: Literal["one", "attention", "interests"] = "interests"
    """How a history becomes vectors: one of them, several pooled by attention, or one for each
    likely next interest."""
    width: int = 64
    """Numbers per item and vector."""
    num_layers: int = 2
    """Blocks over the history."""
    num_heads: int = 2
    """Attention heads; they divide the width."""
    block: Literal["plain", "gated", "pointwise"] = "plain"
    """Kind of block."""
    length: int = 50
    """Most events of a history that are looked at, the latest."""
    dropped_ratio: float = 0.2
    """Share of numbers dropped while learning."""
    temperature: float = 0.1
    """Of cosines between vectors and items."""
    num_interests: int = 4
    """Vectors per history."""
    sizes: tuple[int, ...] = (64, 64)
    """Entries of each level of the dictionary of interests."""
    merge: Literal["max", "chance"] = "max"
    """Score of an item met by several vectors: the best, or chances added up."""
    knows: Literal["both", "ids", "content"] = "both"
    """What an item is known by, where the library has content vectors."""
    id_dropped_ratio: float = 0.2
    """Share of items whose id is hidden while learning; only where both are known."""
    epochs: int = 60
    """Most rounds, all stages together."""
    warm_epochs: int = 15
    """Rounds before there are interests."""
    patience: int = 8
    """Rounds without gain after which learning ends."""
    batch_size: int = 0
    """Users per step; 0 for as many as suit how many there are."""
    learning_rate: float = 1e-3
    """Step of the optimiser."""
    num_drawn: int = 1_024
    """Items that the true one is held against in a step."""
    seed: int = 0
    """Decides everything random."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it learns; auto takes a GPU where there is one."""

    def __post_init__(self) -> None:
        if self.num_heads < 1 or self.width < 1 or self.width % self.num_heads:
            raise ValueError(f"heads divide the width: {self.num_heads = }, {self.width = }")
        counts = (self.length, self.epochs, self.num_drawn, self.num_interests, *self.sizes)
        if min(counts) < 1 or not self.sizes:
            raise ValueError(f"expected counts of 1 or more: {self}")
        if self.kind == "interests" and self.warm_epochs >= self.epochs:
            raise ValueError(
                f"no rounds are left for interests: {self.warm_epochs = }, {self.epochs = }"
            )
