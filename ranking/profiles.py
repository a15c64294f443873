"""Short- and long-term text profiles: what a person has been after lately, and lasting taste.

After Sabouri, Mansoury, Lin and Mobasher 2025 (arXiv 2511.00176). Two short texts per person are
written from what they liked, by a language model or by a template; the texts are encoded, mixed by
attention (``profile_network``) and held against items. Departures:
- events are told as dated lines instead of JSON, and no more than a few dozen of them, spread over
  the whole time: small models read a few hundred tokens well, and every token costs;
- whoever has few events is told of once: both profiles are then one text, and weigh one half each;
- an answer of the wrong length is asked for once more, and then a template writes instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import numpy as np

from ingest.errors import SensoriumError

Horizon = Literal["short", "long"]
HORIZONS: tuple[Horizon, ...] = ("short", "long")
FEW = 4
"""Events of a person below which one text serves both horizons."""


class ProfileError(SensoriumError):
    """Profiles cannot be written or shown."""

    code = "profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSettings:
    """Whether and how people are described, and when they are described anew."""

    writer: Literal["off", "template", "model"] = "off"
    """Who writes: nobody, a template, or the configured language model."""
    latest: int = 3
    """Events that count most for the short profile."""
    told_short: int = 10
    """Most events, the latest, that the short profile is written from."""
    told_long: int = 20
    """Most events, spread over the whole time, that the long profile is written from."""
    short_every: int = 3
    """New events after which a short profile is written anew."""
    long_every: int = 20
    """New events after which a long profile is written anew."""
    learnt_from: int = 2_000
    """Most people whose profiles the weighing of items is learnt from."""
    hidden: int = 256
    """Hidden numbers of attention and scorer."""
    dropped_ratio: float = 0.2
    """Share of numbers dropped while learning."""
    num_negatives: int = 5
    """Items drawn against each liked one."""
    batch_size: int = 2_048
    """Liked items of a step."""
    learning_rate: float = 1e-3
    """Step of the optimiser."""
    weight_decay: float = 1e-5
    """Pull of weights towards 0."""
    epochs: int = 100
    """Most rounds."""
    patience: int = 5
    """Rounds without gain after which learning ends."""
    seed: int = 0
    """Decides everything random."""

    def __post_init__(self) -> None:
        counts = (
            self.latest, self.told_short, self.told_long, self.short_every, self.long_every,
            self.learnt_from, self.hidden, self.num_negatives, self.batch_size, self.epochs,
            self.patience,
        )  # fmt: skip
        if min(counts) < 1 or not 0 <= self.dropped_ratio < 1 or self.learning_rate <= 0:
            raise ValueError(
                "expected counts of 1 or more, a dropped_ratio in [0, 1) and a learning_rate above "
                f"0: {self}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that a person liked, in words."""

    title: str
    """Of the item."""
    about: str = ""
    """More of it, such as labels or the beginning of a description."""
    chosen_at: datetime | None = None
    """When, aware; None where only the order is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What a profile is to be written from; nothing else reaches who writes it."""

    horizon: Horizon
    """Which profile."""
    choices: tuple[Choice, ...]
    """What is told, earliest first, at least one."""
    latest: int
    """How many of them count most in a short profile."""

    def __post_init__(self) -> None:
        if not self.choices:
            raise ValueError("a profile is written from one choice or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A profile in words, and what it cost."""

    text: str
    """One paragraph."""
    writer: str
    """Who wrote it; the template's name where an answer was refused."""
    calls: int = 0
    """Answers of a language model."""
    refused: int = 0
    """Of these, answers of a wrong length."""
    characters_read: int = 0
    """Of all prompts."""
    characters_written: int = 0
    """Of all answers."""
    seconds: float = 0.0
    """Wall time of writing."""


class Summariser(Protocol):
    """Writes profiles."""

    @property
    def name(self) -> str:
        """Who writes, with all that answers depend on beside the prompt."""

    def write(self, tellings: Sequence[Telling]) -> list[Written]:
        """Write a profile for each telling, in order.

        Raises:
            LanguageModelError: a language model cannot be reached or gives no answer.
        """


def tellings_of(choices: Sequence[Choice], settings: ProfileSettings) -> dict[Horizon, Telling]:
    """Say what the profiles of a person are to be written from.

    Args:
        choices: all that the person liked until now, earliest first.
        settings: how much is told.

    Returns:
        By horizon; both the same where there are few choices, and nothing where there are none.
    """
    if not choices:
        return {}
    long = Telling(
        horizon="long",
        choices=tuple(choices[place] for place in _spread(len(choices), settings.told_long)),
        latest=settings.latest,
    )
    if len(choices) < FEW:
        return {"short": long, "long": long}
    short = Telling(
        horizon="short",
        choices=tuple(choices[-settings.told_short :]),
        latest=settings.latest,
    )
    return {"short": short, "long": long}


def is_due(horizon: Horizon, events_then: int, events_now: int, settings: ProfileSettings) -> bool:
    """Whether a profile is to be written anew, by the events it was written from and those now.

    Fewer events than then mean that some were taken away; what they said must not stay.
    """
    every = settings.short_every if horizon == "short" else settings.long_every
    return not 0 <= events_now - events_then < every


def _spread(number: int, most: int) -> list[int]:
    """Places of at most so many of a number of events, evenly over all, ends included."""
    if number <= most:
        return list(range(number))
    return sorted({round(place) for place in np.linspace(0, number - 1, most).tolist()})
