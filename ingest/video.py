"""Open a video and decode single frames of it: decord, and PyAV for what decord refuses.

- A blank keyframe (a fade-in, say) is replaced by the middle of its slot; what is blank then is
  left out, so a blank stretch has no frame.
- decord turns pictures upright by the container's matrix and converts one frame at a time.
  Pictures narrower than 64 pixels come out of it misshapen, so they are enlarged by it.
- Some AVI files carry no presentation times. decord then seeks to wrong frames without a word, so
  it is not trusted with them.
- What decord cannot open goes to PyAV where that is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.errors import DecodeError
from ingest.pictures import is_blank
from ingest.pyav import PyAVReader, has_pyav

MIN_DECORD_WIDTH = 64
ABSURD_SECONDS = 1e12


class Reader(Protocol):
    """Pictures of one video by frame number."""

    times: NDArray[np.float64]
    """Presentation time of each frame in seconds as the file counts them, (N,), rising."""
    end_seconds: float
    """When the last frame ends, on the same clock."""
    keyframes: list[int]
    """Numbers of frames that decode alone, rising."""

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Decode one frame, upright, (H, W, 3) uint8 RGB."""


class DecordReader:
    """Pictures of one video through decord.

    Args:
        path: a local file.
        num_threads: decoding threads.

    Raises:
        DecodeError: ``corrupt`` or ``unsupported``, where decord is no help.
    """

    def __init__(self, path: Path, num_threads: int) -> None:
        import decord

        decord.logging.set_level(decord.logging.QUIET)
        self._path = path
        self._error: type[Exception] = decord.DECORDError
        try:
            self._video = decord.VideoReader(str(path), num_threads=num_threads)
            height, width = self._video[0].shape[:2]
            if width < MIN_DECORD_WIDTH:
                size = {"width": MIN_DECORD_WIDTH, "height": MIN_DECORD_WIDTH * height // width}
                self._video = decord.VideoReader(str(path), num_threads=num_threads, **size)
            spans = self._video.get_frame_timestamp(range(len(self._video)))
            self.keyframes = sorted(int(n) for n in self._video.get_key_indices())
        except (decord.DECORDError, RuntimeError, AssertionError, IndexError) as error:
            raise _refused(path, error) from error
        if not (np.isfinite(spans) & (np.abs(spans) < ABSURD_SECONDS)).all():
            raise DecodeError(
                "unsupported",
                f"{path.name} has pictures without times, which decord misplaces",
                "install sensorium[pyav]",
            )
        self.times = np.maximum.accumulate(spans[:, 0].astype(np.float64))
        self.end_seconds = float(max(spans[:, 1].max(), self.times[-1]))

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Decode one frame, upright, (H, W, 3) uint8 RGB.

        Raises:
            DecodeError: ``corrupt``.
        """
        try:
            data = self._video[number].asnumpy()
        except (self._error, RuntimeError, StopIteration) as error:
            raise _refused(self._path, error) from error
        return np.ascontiguousarray(data[..., :3], dtype=np.uint8)


def _refused(path: Path, error: Exception) -> DecodeError:
    reason = str(error).strip().partition("\n")[0].rpartition(": ")[2][:120]
    return DecodeError("corrupt", f"decord cannot decode {path.name} ({reason or 'no reason'})")


def open_video(path: Path, num_threads: int) -> Reader:
    """Open a video with decord, or with PyAV what decord refuses.

    Raises:
        DecodeError: ``no_stream``, ``unsupported`` or ``corrupt``.
    """
    try:
        return DecordReader(path, num_threads)
    except DecodeError as error:
        if has_pyav():
            return PyAVReader(path, num_threads)
        if "cannot find video stream" not in str(error.__cause__):
            raise
        raise DecodeError(
            "unsupported",
            f"decord finds no pictures that it can decode in {path.name}",
            "install sensorium[pyav]; if it holds sound alone, name it as sound",
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One decoded frame that is not blank."""

    frame: NDArray[np.uint8]
    """RGB at source size, upright, (H, W, 3)."""
    pts_seconds: float
    """From the start of the video."""


def read_shot(reader: Reader, number: int, middle: int) -> Shot | None:
    """Decode the frame of a slot, or its middle where that is blank; None if both are.

    Raises:
        DecodeError: ``corrupt``.
    """
    for candidate in dict.fromkeys((number, middle)):
        frame = reader.frame(candidate)
        if not is_blank(frame):
            start = float(reader.times[0])
            return Shot(frame=frame, pts_seconds=float(reader.times[candidate]) - start)
    return None
