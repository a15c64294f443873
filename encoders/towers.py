"""What one family of encoders consists of, whichever family it is.

A tower is named by the source of the views it makes: ``frames``, ``sound`` and ``text``; words that
were heard (``speech``) or read (``screen``) go through the text tower. Towers load their weights at
first use, so that a search by words never loads the image tower; everything that only describes
them (widths, fingerprints) is known at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from encoders.base import Encoder, Fingerprint
from ingest.decoded import Waveform

Source = Literal["frames", "sound", "text", "speech", "screen"]
WordEncoder = Callable[[Sequence[str]], NDArray[np.float32]]

SPACE_FIELDS = ("joint", "video", "image", "audio", "text")
"""Fields of the index whose vectors live in the joint space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one pass over one sound gives, window by window."""

    vectors: NDArray[np.float32]
    """Vector of each window, not scaled, (W, D_m), W at least 1."""
    scores: NDArray[np.float32]
    """Class scores of each window in [0, 1], (W, C); C is 0 for a tower without classes."""
    centres_seconds: NDArray[np.float64]
    """Middle of each window from the start of the sound, (W,), rising."""


SPEECH_SCORE = 0.2
"""A window that YAMNet scores below this as speech holds no words worth a transcript."""


class SoundEncoder(Encoder[Waveform], Protocol):
    """An encoder of sounds that also gives its windows, for moments."""

    def hear(self, media: Sequence[Waveform]) -> list[Heard]:
        """Encode every window of each sound; ``pooling.sound_vector`` joins them."""


class TextEncoder(Encoder[str], Protocol):
    """An encoder of texts that also says how long they are to it."""

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Count the tokens of some texts."""


class Aligner(Protocol):
    """Brings a tower's vectors into the joint space."""

    @property
    def fingerprint(self) -> str:
        """Changes with any number of the map."""

    def apply(self, native: NDArray[np.floating]) -> NDArray[np.float32]:
        """Native rows (B, D_m) to unit rows of the joint space (B, D)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Towers:
    """The encoders of one family and how they meet."""

    image: Encoder[NDArray[np.uint8]]
    """Stills and video frames, (H, W, 3) uint8."""
    sound: SoundEncoder
    """Sounds at the family's rate."""
    text: TextEncoder
    """Titles, descriptions, and words heard or read."""
    aligners: Mapping[str, Aligner]
    """Map into the joint space for ``frames``, ``sound`` and ``text``."""
    words: tuple[tuple[tuple[str, ...], WordEncoder], ...]
    """Fields of the index, and what makes the query vector of words in them."""
    native_field: Mapping[str, str]
    """Field of the index for the native vectors of each source."""
    space_width: int
    """Width D of the joint space."""
    drawn: WordEncoder | None = None
    """Drawn words in the native space of pictures, a row of zeros where one cannot be drawn; None
    for a family that needs no drawings."""

    def aligner(self, source: str) -> Aligner:
        """The map into the joint space for a source."""
        return self.aligners[source if source in self.aligners else "text"]


def fingerprint_of_words(reader: Fingerprint, text: Fingerprint) -> Fingerprint:
    """Fingerprint of a view whose words a model heard or read before the text tower saw them."""
    return Fingerprint(
        model=f"{reader.model} + {text.model}",
        revision=f"{reader.revision} + {text.revision}",
        preprocessing=f"{reader.preprocessing} + {text.preprocessing}",
    )


def may_be_speech(heard: Heard) -> bool:
    """Whether any window sounds like speech; true where the sound tower has no classes."""
    return heard.scores.shape[1] == 0 or bool(heard.scores[:, 0].max() >= SPEECH_SCORE)
