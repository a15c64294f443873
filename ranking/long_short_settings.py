"""How long- and short-term taste is learnt, as a person says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class LongShortSettings:
    """Shape of the model of long- and short-term taste, and how it is learnt."""

    width: int = 64
    """Numbers per item and person."""
    reader: Literal["gru", "lstm", "attention"] = "gru"
    """What reads the latest events: a recurrent net beside a vector of the person, or attention in
    which events fade and that knows no persons."""
    join: Literal["con", "ini"] = "con"
    """How a person and a recurrent net meet: side by side and projected, or the person is where
    reading starts."""
    length: int = 50
    """Most events that are looked at, the most recent."""
    knows: Literal["both", "ids", "content"] = "both"
    """What an item is known by, where the library has content vectors: views that are weighed by
    attention."""
    hidden_persons_ratio: float = 0.5
    """Chance of a person to be taken for an unknown one while learning, for the sake of those who
    come later; 1 to know nobody."""
    hidden_views_ratio: float = 0.1
    """Chance of a view of an item to be hidden while learning."""
    dropped_ratio: float = 0.2
    """Share of numbers dropped while learning."""
    shown: int = 20
    """Items that stand together in learning, one of them chosen."""
    num_drawn: int = 4
    """Items among them that the chosen one is held against in a step, drawn anew each round."""
    epochs: int = 30
    """Most rounds."""
    patience: int = 4
    """Rounds without gain after which learning ends."""
    batch_size: int = 0
    """Choices per step; 0 for as many as suit how many there are."""
    learning_rate: float = 1e-3
    """Step of the optimiser."""
    seed: int = 0
    """Decides everything random."""

    def __post_init__(self) -> None:
        counts = (self.width, self.length, self.shown - 1, self.num_drawn, self.epochs)
        if min(counts) < 1:
            raise ValueError(f"expected counts of 1 or more, and two items shown: {self}")
        ratios = (self.hidden_persons_ratio, self.hidden_views_ratio, self.dropped_ratio)
        if min(ratios) < 0 or max(ratios) > 1 or self.dropped_ratio == 1:
            raise ValueError(f"expected shares in [0, 1]: {ratios}")
