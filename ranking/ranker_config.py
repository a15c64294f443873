"""Shape of the sequence model; kept from the network, so that reading it is cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RankerConfig:
    """Shape of the network."""

    num_ids: int = 0
    """Items that have a row of their own, learnt from events; 0 to know items by content alone."""
    content_width: int = 0
    """Width F of the items' content vectors; 0 to know items by their ids alone."""
    num_actions: int = 1
    """A, kinds of events; each has a head."""
    block: Literal["plain", "gated", "pointwise"] = "gated"
    """Kind of block."""
    width: int = 64
    """D."""
    num_layers: int = 2
    """Blocks."""
    num_heads: int = 1
    """Attention heads; they divide the width."""
    expansion: int = 4
    """Inner width of a block's layers, in widths."""
    length: int = 50
    """Most events of a history that are looked at, the latest."""
    dropped_ratio: float = 0.2
    """Share of numbers dropped while learning."""
    time: Literal["none", "gaps", "request"] = "none"
    """Whether times are used: none; those of past events; or also the time of the request. With the
    last, figures compare only with those of models that know the time of the target, too."""
    temperature: float | None = None
    """Of cosines; None to compare by plain products."""

    def __post_init__(self) -> None:
        if self.width % self.num_heads:
            raise ValueError(f"heads divide the width: {self.num_heads = }, {self.width = }")
        if max(self.num_ids, self.content_width) < 1 or min(self.num_ids, self.content_width) < 0:
            raise ValueError(f"expected ids, content or both: {self}")
        if min(self.num_actions, self.num_heads, self.length, self.expansion) < 1:
            raise ValueError(f"expected counts of 1 or more: {self}")
        if self.temperature is not None and self.temperature <= 0:
            raise ValueError(f"a temperature is positive: {self.temperature = }")
