"""Shape of the network of category intent, and how it is learnt; apart, so reading is cheap."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How time is cut before and after a moment."""

    bin_days: float = 1.0
    """Length of a bin."""
    length: int = 56
    """T: bins that are looked at. The first also holds all that lies before it."""
    horizon: int = 7
    """Bins after the moment within which something is wanted or not."""

    def __post_init__(self) -> None:
        if self.bin_days <= 0 or min(self.length, self.horizon) < 1:
            raise ValueError(f"expected bins of some length, and one or more: {self}")

    @property
    def bin_us(self) -> int:
        """Microseconds of a bin."""
        return round(self.bin_days * DAY_US)

    @property
    def horizon_us(self) -> int:
        """Microseconds that are asked about."""
        return self.horizon * self.bin_us


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentConfig:
    """Shape of the network; the last four switch its parts off."""

    num_categories: int
    """C."""
    num_actions: int = 1
    """A."""
    length: int = 56
    """T."""
    scales: tuple[int, ...] = (1, 2, 4, 8)
    """Bins that a step of each scale spans, finest first; each divides the next, and the last
    divides the length."""
    width: int = 32
    """D."""
    num_layers: int = 2
    """Layers of the graph of categories."""
    dropped_ratio: float = 0.2
    """Share of numbers dropped while learning."""
    pyramid: bool = True
    """Whether there are coarser scales at all; without them the finest is alone."""
    recurrence: bool = True
    """Whether order counts; without, the steps of a scale are averaged."""
    gate: bool = True
    """Whether scales are weighed by what they say; without, they are added up."""
    graph: bool = True
    """Whether categories tell of each other."""

    def __post_init__(self) -> None:
        if min(self.num_categories, self.num_actions, self.length, self.width) < 1:
            raise ValueError(f"expected 1 or more of everything: {self}")
        ladder = (*self.scales, self.length)
        if self.scales[:1] != (1,) or any(b % a for a, b in pairwise(ladder)):
            raise ValueError(
                f"scales begin with 1, each divides the next, the last the length: {self.scales = }"
                f", {self.length = }"
            )

    @property
    def used_scales(self) -> tuple[int, ...]:
        """Scales that there are, S of them."""
        return self.scales if self.pyramid else self.scales[:1]

    @property
    def used_layers(self) -> int:
        """Layers of the graph that there are."""
        return self.num_layers if self.graph and self.num_categories > 1 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentTraining:
    """How such a network is learnt."""

    epochs: int = 30
    """Most rounds."""
    patience: int = 5
    """Rounds without gain on validation after which learning ends."""
    batch_size: int = 64
    """Moments per step."""
    num_steps: int = 60
    """Most steps per round."""
    learning_rate: float = 1e-3
    """Step of Adam."""
    most_validated: int = 2_000
    """Moments of validation that a round is judged by, at most; drawn once."""
    seed: int = 0
    """Decides everything random."""

    def __post_init__(self) -> None:
        counts = (self.epochs, self.patience, self.batch_size, self.num_steps, self.most_validated)
        if min(counts) < 1 or self.learning_rate <= 0:
            raise ValueError(f"expected counts of 1 or more, and a step above 0: {self}")
