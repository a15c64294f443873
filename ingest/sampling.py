"""Which frames of a video are decoded, and which stretches a video or sound is cut into.

- One set of frames serves the whole item and its segments: the file is cut into equal stretches,
  each stretch into equal slots, and every slot gives one frame.
- A keyframe decodes alone; any other frame needs all frames since its keyframe. A slot takes its
  keyframe nearest the middle. Where keyframes fill at least half of the slots and every stretch,
  the other slots stay empty; where they do not, the other slots are decoded at their middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ingest.decoded import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSampling:
    """Which frames of a video are decoded."""

    num_frames: int = 8
    """Frames of a short video; a longer one has at least one per segment."""
    max_frames: int = 64
    """Most frames and most segments, however long the video."""
    segment_seconds: float = 5.0
    """Length that segments come close to; longer where there would be more than max_frames."""
    keyframes_first: bool = True
    """Take keyframes where there are enough; else the exact middle of every slot."""
    short_side: int = 256
    """Pixels of the shorter side that frames are scaled down to."""
    num_threads: int = 1
    """Decoding threads per file; several processes scale better."""

    def __post_init__(self) -> None:
        if not 1 <= self.num_frames <= self.max_frames:
            raise ValueError(
                "expected 1 <= num_frames <= max_frames: "
                f"{self.num_frames = }, {self.max_frames = }"
            )
        if not (self.segment_seconds > 0 and self.short_side >= 32 and self.num_threads >= 1):
            raise ValueError(
                "expected segment_seconds > 0, short_side >= 32, num_threads >= 1: "
                f"{self.segment_seconds = }, {self.short_side = }, {self.num_threads = }"
            )


def cut_segments(
    duration_seconds: float, segment_seconds: float, max_segments: int
) -> tuple[Segment, ...]:
    """Cut a file into equal stretches of about a length, at most so many.

    Returns:
        Half-open stretches in order, from 0 to the duration; none for no duration.
    """
    if duration_seconds <= 0:
        return ()
    count = min(max(1, round(duration_seconds / segment_seconds)), max_segments)
    bounds = [duration_seconds * step / count for step in range(count + 1)]
    return tuple(Segment(start_seconds=start, end_seconds=end) for start, end in pairwise(bounds))


def choose_frames(
    times: NDArray[np.float64],
    keyframes: Sequence[int],
    duration_seconds: float,
    sampling: VideoSampling,
) -> list[tuple[int, int]]:
    """Choose one frame per slot.

    Args:
        times: seconds from the start, (N,), rising.
        keyframes: numbers of frames that decode alone.
        duration_seconds: length of the video.
        sampling: how many frames.

    Returns:
        For each chosen frame, its number and that of the frame in the middle of its slot; both
        rising, without repeats.
    """
    segments = cut_segments(duration_seconds, sampling.segment_seconds, sampling.max_frames)
    per_segment = max(
        1, min(-(-sampling.num_frames // len(segments)), sampling.max_frames // len(segments))
    )
    num_slots = len(segments) * per_segment
    edges = np.linspace(0.0, duration_seconds, num_slots + 1)
    middles = _nearest(times, (edges[:-1] + edges[1:]) / 2)
    chosen: list[int | None] = [None] * num_slots
    if sampling.keyframes_first:
        chosen = _keyframes_of_slots(times, np.asarray(keyframes, dtype=np.int64), edges, middles)
    filled = np.array([number is not None for number in chosen])
    enough = filled.mean() >= 0.5 and filled.reshape(len(segments), -1).any(axis=1).all()
    pairs = {
        middle if number is None else number: middle
        for number, middle in zip(chosen, middles.tolist(), strict=True)
        if number is not None or not enough
    }
    return sorted(pairs.items())


def _nearest(times: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers of the frames on screen at these times."""
    shown = np.searchsorted(times, wanted, side="right") - 1
    return np.clip(shown, 0, len(times) - 1).astype(np.int64)


def _keyframes_of_slots(
    times: NDArray[np.float64],
    keyframes: NDArray[np.int64],
    edges: NDArray[np.float64],
    middles: NDArray[np.int64],
) -> list[int | None]:
    """The keyframe nearest the middle of each slot, or None."""
    slots = np.searchsorted(edges, times[keyframes], side="right") - 1
    chosen: list[int | None] = [None] * len(middles)
    for slot, middle in enumerate(middles):
        inside = keyframes[slots == slot]
        if len(inside):
            chosen[slot] = int(inside[np.abs(times[inside] - times[middle]).argmin()])
    return chosen
