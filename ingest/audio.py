"""Decode a sound to mono at one rate, of bounded length.

- WAV, FLAC, MP3, Ogg and Opus go through soundfile in blocks, and are resampled by torchaudio.
- Sound tracks of videos, M4A and AAC go through decord (PyAV where decord refuses), which resamples
  while it decodes, so that a film's track never stands in memory at its own rate.
- A sound longer than ``max_seconds`` is not cut at its head: each of its equal stretches gives an
  equal excerpt from its middle, joined in order. So stretch i of S is always samples
  ``[i * len / S, (i + 1) * len / S)``, whether the sound was shortened or not.
- A track whose loudest sample is below -80 dB is silence, which is no sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ingest.decoded import Segment, Waveform
from ingest.errors import DecodeError
from ingest.pyav import has_pyav, read_sound

Samples = NDArray[np.float32]

SILENCE_PEAK = 1e-4
BLOCK_FRAMES = 1 << 18
_COUNTED_FORMATS = {"WAV", "WAVEX", "FLAC", "AIFF", "AU", "CAF", "RF64"}
"""Formats whose header says how many samples follow."""


def is_silent(waveform: Waveform) -> bool:
    """Whether nothing can be heard."""
    return bool(np.abs(waveform.samples).max() < SILENCE_PEAK)


def open_soundfile(path: Path) -> float | None:
    """Give the duration in seconds of a sound that soundfile reads, or None where it does not.

    Raises:
        DecodeError: ``no_stream``, where the file is a sound without a sample.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as sound:
            if sound.frames == 0:
                raise DecodeError("no_stream", f"{path.name} is a sound without a sample")
            return float(sound.frames / sound.samplerate)
    except soundfile.SoundFileError:
        return None


def read_soundfile(
    path: Path, sample_rate_hz: int, segments: tuple[Segment, ...], max_seconds: float
) -> Waveform:
    """Decode with soundfile.

    Args:
        path: a local file that ``open_soundfile`` takes.
        sample_rate_hz: rate to resample to.
        segments: equal stretches that cover the file.
        max_seconds: longest result.

    Raises:
        DecodeError: ``truncated`` or ``corrupt``.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as sound:
            own_rate = int(sound.samplerate)
            spans = _excerpts(segments, max_seconds, own_rate)
            parts = [_read_span(sound, start, end) for start, end in spans]
            missing = spans[-1][1] - spans[-1][0] - len(parts[-1])
            if sound.format in _COUNTED_FORMATS and missing > 1:
                raise DecodeError("truncated", f"{path.name} lacks {missing} samples at its end")
    except soundfile.SoundFileError as error:
        raise DecodeError("corrupt", f"{path.name} cannot be decoded ({error})") from error
    return _finish(np.concatenate(parts), own_rate, sample_rate_hz, path)


def _excerpts(
    segments: tuple[Segment, ...], max_seconds: float, rate_hz: int
) -> list[tuple[int, int]]:
    """Samples [start, end) of the whole file, or of an equal part of each stretch's middle."""
    if segments[-1].end_seconds <= max_seconds:
        return [(0, round(segments[-1].end_seconds * rate_hz))]
    length = max(1, int(max_seconds * rate_hz / len(segments)))
    middles = [(s.start_seconds + s.end_seconds) / 2 for s in segments]
    starts = [int(middle * rate_hz) - length // 2 for middle in middles]
    return [(start, start + length) for start in starts]


def _read_span(sound: Any, start: int, end: int) -> Samples:
    """Read frames [start, end) of a SoundFile as mono, block by block."""
    sound.seek(start)
    parts: list[Samples] = []
    while start < end:
        block = sound.read(min(BLOCK_FRAMES, end - start), dtype="float32", always_2d=True)
        if len(block) == 0:
            break
        parts.append(block.mean(axis=1))
        start += len(block)
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def read_track(path: Path, sample_rate_hz: int) -> Waveform | None:
    """Decode the sound track of a container with decord, or PyAV where decord refuses.

    Returns:
        The whole track, or None where there is none.

    Raises:
        DecodeError: ``corrupt`` or ``unsupported``.
    """
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.AudioReader(str(path), sample_rate=sample_rate_hz, mono=True)
        # Its indexing copies sample by sample; the array behind it is the decoded track.
        samples = reader._array[0]  # noqa: SLF001
    except (decord.DECORDError, RuntimeError) as error:
        if has_pyav():
            found = read_sound(path, sample_rate_hz)
            return None if found is None else _finish(found, sample_rate_hz, sample_rate_hz, path)
        if "find audio stream" in str(error):
            return None
        raise DecodeError(
            "corrupt", f"decord cannot decode the sound of {path.name}", "install sensorium[pyav]"
        ) from error
    return _finish(samples, sample_rate_hz, sample_rate_hz, path) if len(samples) else None


def fit(
    waveform: Waveform, duration_seconds: float, segments: tuple[Segment, ...], max_seconds: float
) -> Waveform:
    """Bring a whole track to its file's duration and to the longest length allowed.

    A track that ends early is followed by silence, so that its times are those of the file.
    """
    rate = waveform.sample_rate_hz
    length = max(1, round(duration_seconds * rate))
    samples = waveform.samples[:length]
    samples = np.pad(samples, (0, length - len(samples)))
    excerpts = [samples[start:end] for start, end in _excerpts(segments, max_seconds, rate)]
    return Waveform(samples=np.concatenate(excerpts), sample_rate_hz=rate)


def _finish(samples: Samples, own_rate: int, sample_rate_hz: int, path: Path) -> Waveform:
    """Check, resample, and bring into [-1, 1]."""
    if len(samples) == 0:
        raise DecodeError("no_stream", f"{path.name} is a sound without a sample")
    if not np.isfinite(samples).all():
        raise DecodeError("corrupt", f"{path.name} has samples that are not numbers")
    if own_rate != sample_rate_hz:
        samples = _resample(samples, own_rate, sample_rate_hz)
    peak = float(np.abs(samples).max())
    scaled = samples / peak if peak > 1.0 else samples
    return Waveform(
        samples=np.ascontiguousarray(scaled, dtype=np.float32), sample_rate_hz=sample_rate_hz
    )


def _resample(samples: Samples, own_rate: int, sample_rate_hz: int) -> Samples:
    import torch

    with torch.inference_mode(), _without_onednn():
        resampled = _resampler(own_rate, sample_rate_hz)(torch.from_numpy(samples)[None])[0]
        return np.asarray(resampled.numpy(), dtype=np.float32)


@lru_cache(maxsize=8)
def _resampler(own_rate: int, sample_rate_hz: int) -> Any:
    from torchaudio.transforms import Resample

    return Resample(own_rate, sample_rate_hz)


@contextmanager
def _without_onednn() -> Iterator[None]:
    """Keep torch from oneDNN, which is slower here and remembers a plan for every length it meets.

    Those plans add up to hundreds of megabytes in a process that decodes many sounds.
    """
    from torch.backends import mkldnn

    before: Any = mkldnn.enabled
    mkldnn.enabled = cast("Any", False)
    try:
        yield
    finally:
        mkldnn.enabled = before
