"""What a true item is held against while a sequence model is learnt, and the settings of learning.

Only items that were there to learn from are drawn: a cold item never follows in the events, and a
model that were told so would learn to put cold items down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ranking.sequences import Sequences

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceTraining:
    """How a sequence model is learnt."""

    epochs: int = 100
    """Most rounds."""
    patience: int = 10
    """Rounds without gain on validation after which learning ends."""
    batch_size: int = 128
    """Users per step."""
    num_steps: int = 1_000
    """Most steps per round."""
    learning_rate: float = 1e-3
    """Step of AdamW."""
    weight_decay: float = 0.0
    """Pull of every number towards zero."""
    loss: Literal["softmax", "binary"] = "softmax"
    """Of what is asked."""
    drawn: Literal["all", "uniform", "popular", "batch"] = "uniform"
    """Items that the true one is held against: all of them; drawn evenly; drawn by how often they
    occur; or the true items of the step."""
    num_drawn: int = 256
    """How many are drawn, where they are."""
    shared: bool = True
    """Whether a step draws once; without, each event draws for itself."""
    corrected: bool = True
    """Whether softmax makes up for how likely an item was to be drawn. Without it, popular items
    are put down where items are drawn by popularity or from the step."""
    calibration: float = 0.75
    """Of the binary loss, in [0, 1]."""
    id_dropped_ratio: float = 0.0
    """Share of items whose id is hidden from a network that knows content, too, so that content
    alone is learnt to stand for an item."""
    event_dropped_ratio: float = 0.0
    """Share of past events whose item is hidden from the network that looks back."""
    averaged_steps: int = 0
    """Steps that an average of the weights reaches back; what is judged and kept is the average. 0
    keeps the weights themselves."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of products while learning; weights, sums and the model in service stay float32. The shorter
    one is several times as fast on processors and GPUs with units for it."""
    keep: Literal["best", "last"] = "best"
    """Which state a run ends in: the best on validation, or the one after the last round. With the
    last, nothing is judged, and all rounds are run: for learning once more, from all events."""
    seed: int = 0
    """Decides everything random."""
    device: str = "cpu"
    """Where the network learns, ``cpu`` or ``cuda``."""

    def __post_init__(self) -> None:
        if min(self.batch_size, self.num_steps, self.num_drawn, self.patience) < 1:
            raise ValueError(f"expected counts of 1 or more: {self}")
        hidden = (self.id_dropped_ratio, self.event_dropped_ratio)
        if not 0 <= self.calibration <= 1 or min(hidden) < 0 or max(hidden) >= 1:
            raise ValueError(f"expected shares: {self.calibration = }, {hidden = }")


class Draws:
    """Draws items as the settings say."""

    def __init__(self, sequences: Sequences, config: SequenceTraining) -> None:
        self._config = config
        items = sequences.histories.items
        counts = np.bincount(items, minlength=sequences.histories.num_items)
        self._known = np.flatnonzero(counts)
        self._chance = counts / max(len(items), 1)
        self._steps = np.cumsum(self._chance[self._known])

    @property
    def num_items(self) -> int:
        """Items that can be drawn: those in the events, whether they have a row or not."""
        return len(self._known)

    def draw(self, true: Numbers, random: np.random.Generator) -> tuple[Numbers, Floats]:
        """Draw items to hold against others.

        Args:
            true: the true items of the step, (P,).
            random: where chance comes from.

        Returns:
            Items (M,) for all alike, or (P, M) for each; and the logarithm of how often each is
            expected among the M, of the same shape.
        """
        config, num_known = self._config, len(self._known)
        size = (config.num_drawn,) if config.shared else (len(true), config.num_drawn)
        match config.drawn:
            case "all":
                return self._known, np.zeros(num_known, np.float32)
            case "uniform":
                drawn = self._known[random.integers(num_known, size=size)]
                return drawn, np.full(size, np.log(config.num_drawn / num_known), np.float32)
            case "popular":
                found = np.searchsorted(self._steps, random.random(size) * self._steps[-1], "right")
                drawn = self._known[found]
            case "batch":
                drawn = true
        often = np.log(drawn.shape[-1] * self._chance[drawn])
        return drawn, often.astype(np.float32)
