"""How a ranker is learnt, as a person says it; what follows from the data is not among it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerSettings:
    """Shape of a sequence model and how it is learnt."""

    block: Literal["plain", "gated", "pointwise"] = "gated"
    """Kind of block."""
    width: int = 64
    """Numbers per item and state."""
    num_layers: int = 2
    """Blocks."""
    num_heads: int = 1
    """Attention heads; they divide the width."""
    length: int = 50
    """Most events of a history that are looked at, the latest."""
    time: Literal["none", "gaps", "request"] = "none"
    """Whether times are looked at: none; those of past events; or also that of the request."""
    temperature: float | None = None
    """Of cosines between what is looked for and items, above 0, such as 0.07; none to compare by
    plain products."""
    dropped_ratio: float = 0.2
    """Share of numbers dropped while learning."""
    event_dropped_ratio: float = 0.0
    """Share of past events whose item is hidden while learning."""
    knows: Literal["both", "ids", "content"] = "both"
    """What an item is known by, where the library has content vectors."""
    id_dropped_ratio: float = 0.2
    """Share of items whose id is hidden while learning, so that content alone is learnt to stand
    for an item; only where both are known."""
    fewest_events: int = 1
    """Events to learn from, below which an item is known by its content alone: what is learnt of an
    id that was met a few times drowns it. Only where both are known."""
    actions: Literal["all", "likes"] = "all"
    """What is learnt from: everything that people did, with a head for each kind of event that
    there are enough of, so that a like is told from a click and a skip; or what they liked alone.
    A log of likes is the same to both."""
    epochs: int = 100
    """Most rounds."""
    patience: int = 10
    """Rounds without gain after which learning ends."""
    batch_size: int = 0
    """Users per step; 0 for as many as suit how many there are."""
    learning_rate: float = 1e-3
    """Step of the optimiser."""
    weight_decay: float = 0.0
    """Pull of every number towards zero."""
    loss: Literal["softmax", "binary"] = "softmax"
    """What is asked; see ``ranking.sequence_loss``."""
    drawn: Literal["all", "uniform", "popular", "batch"] = "uniform"
    """Items that the true one is held against."""
    num_drawn: int = 256
    """How many are drawn, where they are."""
    corrected: bool = True
    """Whether softmax makes up for how likely an item was to be drawn. Without it, popular items
    are put down where items are drawn by popularity or from the step."""
    averaged_steps: int = 0
    """Steps that an average of the weights reaches back, which is then what is judged and kept; 0
    keeps the weights themselves."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of products while learning. The shorter one is several times as fast on processors and GPUs
    with units for it."""
    seed: int = 0
    """Decides everything random."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it learns; auto takes a GPU where there is one."""

    def __post_init__(self) -> None:
        if self.num_heads < 1 or self.width < 1 or self.width % self.num_heads:
            raise ValueError(f"heads divide the width: {self.num_heads = }, {self.width = }")
        counts = (self.num_layers, self.length, self.epochs, self.num_drawn, self.fewest_events)
        if min(counts) < 1 or self.averaged_steps < 0:
            raise ValueError(
                f"expected counts of 1 or more, and averaged_steps of 0 or more: {self}"
            )
        shares = (self.dropped_ratio, self.id_dropped_ratio, self.event_dropped_ratio)
        if min(shares) < 0 or max(shares) >= 1:
            raise ValueError(
                f"expected shares in [0, 1): {self.dropped_ratio = }, {self.id_dropped_ratio = }, "
                f"{self.event_dropped_ratio = }"
            )
        if self.temperature is not None and self.temperature <= 0:
            raise ValueError(f"a temperature is positive: {self.temperature = }")
