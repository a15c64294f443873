"""How category intent is learnt, as a person says it; what follows from data is not here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ranking.intent_config import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentSettings:
    """Categories, time, shape of the network and way of learning."""

    by: Literal["view", "tags"] = "view"
    """What the categories are: the clusters of a view, or the most common tags."""
    view: str = ""
    """Name of the view; empty for the one made last."""
    most_categories: int = 50
    """Tags that are categories, at most."""
    asked: Literal["returning", "everybody"] = "returning"
    """Whom it learns from at a moment: those who did something within the horizon, which is what a
    page is made for, or all who did something before; then it also learns who stays away."""
    bin_days: float = 7.0
    """Length of a bin of time."""
    length: int = 56
    """Bins that are looked at; the first holds all that lies before it."""
    horizon: int = 1
    """Bins that are foretold."""
    scales: tuple[int, ...] = (1, 2, 4, 8)
    """Bins that a step of each scale spans, finest first; each divides the next, and the last
    divides the length."""
    width: int = 32
    """Numbers per category and scale."""
    num_layers: int = 2
    """Layers of the graph of categories."""
    dropped_ratio: float = 0.2
    """Share of numbers dropped while learning."""
    pyramid: bool = True
    """Whether there are coarser scales."""
    recurrence: bool = True
    """Whether order within a scale counts."""
    gate: bool = True
    """Whether scales are weighed by what they say."""
    graph: bool = True
    """Whether categories tell of each other."""
    epochs: int = 30
    """Most rounds."""
    patience: int = 5
    """Rounds without gain after which learning ends."""
    learning_rate: float = 1e-3
    """Step of the optimiser."""
    seed: int = 0
    """Decides everything random."""

    def __post_init__(self) -> None:
        if self.most_categories < 2 or min(self.epochs, self.patience, self.width) < 1:
            raise ValueError(f"expected two categories or more, and rounds: {self}")
        if not self.scales or self.scales[0] != 1:
            raise ValueError(f"scales begin with 1: {self.scales = }")

    @property
    def clock(self) -> Clock:
        """How time is cut."""
        return Clock(bin_days=self.bin_days, length=self.length, horizon=self.horizon)
