"""What decoding gives: plain arrays with their times, checked once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """Sampled frames of one video, or the one frame of a still."""

    data: NDArray[np.uint8]
    """RGB in [0, 255], shape (T, H, W, 3), T at least 1, upright."""
    pts_seconds: NDArray[np.float64]
    """Presentation time of each frame from the start of the file, shape (T,), rising."""

    def __post_init__(self) -> None:
        if self.data.ndim != 4 or self.data.shape[-1] != 3 or len(self.data) == 0:
            raise ValueError(f"expected frames (T, H, W, 3) with T > 0, got {self.data.shape = }")
        if self.data.shape[:1] != self.pts_seconds.shape:
            raise ValueError(
                f"one time per frame: {self.data.shape = }, {self.pts_seconds.shape = }"
            )

    def __repr__(self) -> str:
        return f"Frames(shape={self.data.shape})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """Mono sound."""

    samples: NDArray[np.float32]
    """Amplitude in [-1, 1], shape (S,), S at least 1.

    Stretch i of the file's K equal segments is samples ``[i * S / K, (i + 1) * S / K)``, also where
    a long sound was shortened to equal excerpts of them.
    """
    sample_rate_hz: int
    """Samples per second."""

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or len(self.samples) == 0:
            raise ValueError(f"expected mono samples (S,) with S > 0, got {self.samples.shape = }")

    @property
    def duration_seconds(self) -> float:
        """Length of the sound."""
        return len(self.samples) / self.sample_rate_hz

    def __repr__(self) -> str:
        return f"Waveform({self.duration_seconds:.2f} s at {self.sample_rate_hz} Hz)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a video or sound, half-open."""

    start_seconds: float
    """Start from the beginning of the file."""
    end_seconds: float
    """End, exclusive, greater than the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """One content as arrays, ready for the encoders."""

    content_hash: str
    """Hash of the bytes (or text) this was decoded from."""
    frames: Frames | None = None
    """Frames scaled for the image tower; none for sound and text."""
    page_frames: Frames | None = None
    """A few frames at reading size for words on screen; only where that is switched on."""
    waveform: Waveform | None = None
    """Sound at the encoder's rate; none where there is none."""
    text: str = ""
    """Cleaned text; empty for media."""
    segments: tuple[Segment, ...] = ()
    """Equal stretches for moment search, in order, covering the file; empty for stills and text.

    A stretch whose frames are all blank has no frame.
    """
    duration_seconds: float = 0.0
    """Length of a video or sound, 0 for stills and text."""
    width: int = 0
    """Upright width of the source in pixels, 0 where there is no picture."""
    height: int = 0
    """Upright height of the source in pixels, 0 where there is no picture."""
    thumbnail: bytes = b""
    """A small JPEG of the most informative frame; empty where there is no picture."""
    frame_hashes: NDArray[np.uint64] | None = None
    """Perceptual hash of each informative frame, shape (T,); for near-duplicates."""
    notes: tuple[str, ...] = ()
    """What was passed over without failing, one sentence each (an unreadable sound track, say)."""
