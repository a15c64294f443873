"""PyAV, where it is installed: what decord cannot open, above all newer codecs such as AV1.

Its wheels carry GPL codecs, so it is an extra (``sensorium[pyav]``) and imported only here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.errors import DecodeError


def has_pyav() -> bool:
    """Whether the extra is installed."""
    return find_spec("av") is not None


class PyAVReader:
    """Pictures of one video by frame number, with the same face as ``DecordReader``.

    Args:
        path: a local file.
        num_threads: decoding threads.

    Raises:
        DecodeError: ``no_stream``, ``unsupported`` or ``corrupt``.
    """

    def __init__(self, path: Path, num_threads: int) -> None:
        self._path = path
        self._num_threads = num_threads
        with _opened(path) as container:
            stream = _best_stream(container, path)
            packets = [p for p in container.demux(stream) if p.pts is not None]
            if not packets:
                raise DecodeError("corrupt", f"{path.name} has a video stream without pictures")
            packets.sort(key=lambda packet: packet.pts)
            self._pts = [packet.pts for packet in packets]
            base = float(stream.time_base)
            self.times = np.array(self._pts) * base
            last = float(packets[-1].duration or 0) * base
            self.end_seconds = float(self.times[-1]) + (last or float(np.diff(self.times).mean()))
            self.keyframes = [n for n, packet in enumerate(packets) if packet.is_keyframe]

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Decode one frame, upright, (H, W, 3) uint8 RGB.

        Raises:
            DecodeError: ``corrupt``.
        """
        with _opened(self._path) as container:
            stream = _best_stream(container, self._path)
            stream.thread_count = self._num_threads
            wanted = self._pts[number]
            container.seek(wanted, stream=stream)
            for frame in container.decode(stream):
                if frame.pts is not None and frame.pts >= wanted:
                    turns = round(frame.rotation / 90)
                    return np.ascontiguousarray(
                        np.rot90(frame.to_ndarray(format="rgb24"), turns), dtype=np.uint8
                    )
        raise DecodeError("corrupt", f"{self._path.name} has no picture at frame {number}")


def read_sound(path: Path, sample_rate_hz: int) -> NDArray[np.float32] | None:
    """Decode the first sound track to mono, or None where there is none.

    Raises:
        DecodeError: ``corrupt``, ``unsupported``.
    """
    import av

    with _opened(path) as container:
        if not container.streams.audio:
            return None
        resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate_hz)
        parts = [
            part.to_ndarray()[0]
            for frame in container.decode(container.streams.audio[0])
            for part in resampler.resample(frame)
        ]
        parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.concatenate(parts).astype(np.float32) if parts else None


def _best_stream(container: Any, path: Path) -> Any:
    """The largest picture stream that is not a cover."""
    from av.stream import Disposition

    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        what = "sound alone" if container.streams.audio else "neither pictures nor sound"
        raise DecodeError("no_stream", f"{path.name} holds {what}")
    known = [stream for stream in streams if stream.codec_context is not None]
    if not known:
        raise DecodeError("unsupported", f"{path.name} needs a codec not found here")
    return max(known, key=lambda stream: stream.width * stream.height)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import av

    try:
        with av.open(str(path)) as container:
            yield container
    except (av.DecoderNotFoundError, av.DemuxerNotFoundError) as error:
        raise DecodeError("unsupported", f"{path.name} needs a codec not found here") from error
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DecodeError("corrupt", f"{path.name} cannot be decoded ({reason})") from error
