"""How vectors of lifecycles are learnt, as a person says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleSettings:
    """Shape of the network over lifecycles, and how it is learnt."""

    masking: Literal["rare", "even"] = "rare"
    """Which tokens are hidden to be guessed: those of rare topics more often, or all alike."""
    power: float = 0.75
    """Of how common a topic is, in [0, 1], where rare ones are hidden more often."""
    width: int = 64
    """Numbers per token and person."""
    num_layers: int = 2
    """Blocks over the tokens."""
    num_heads: int = 4
    """Attention heads; they divide the width."""
    length: int = 128
    """Most tokens of a person that are looked at, the latest."""
    dropped_ratio: float = 0.1
    """Share of numbers dropped while learning."""
    most_days: int = 14
    """Longest window of a pair: days without it after which it counts as lost."""
    silent_days: int = 7
    """Days without anything that are silence."""
    epochs: int = 20
    """Most rounds."""
    patience: int = 5
    """Rounds without gain after which learning ends."""
    batch_size: int = 256
    """People per step."""
    learning_rate: float = 1e-3
    """Step of the optimiser."""
    seed: int = 0
    """Decides everything random."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it learns; auto takes a GPU where there is one."""

    def __post_init__(self) -> None:
        if self.num_heads < 1 or self.width < 1 or self.width % self.num_heads:
            raise ValueError(f"heads divide the width: {self.num_heads = }, {self.width = }")
        counts = (self.num_layers, self.length, self.epochs, self.patience, self.batch_size)
        if min(*counts, self.most_days, self.silent_days) < 1:
            raise ValueError(f"expected counts of 1 or more: {self}")
        if not 0 <= self.power <= 1 or not 0 <= self.dropped_ratio < 1:
            raise ValueError(f"expected shares: {self.power = }, {self.dropped_ratio = }")
