"""What stands for a file on a page: a small picture, or the shape of a sound over time."""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import unquote

import numpy as np

MOST_SECONDS = 600.0
"""Longer sounds are drawn from their beginning."""


def peaks_of(uri: str, bars: int = 48) -> tuple[float, ...]:
    """Loudest amplitude in each of some equal stretches of a local sound.

    Args:
        uri: absolute path, or ``file:`` URI.
        bars: most stretches.

    Returns:
        Heights in [0, 1], the loudest 1; empty where the file is remote, unreadable or silent.
    """
    import soundfile

    path = Path(unquote(uri.removeprefix("file://")) if uri.startswith("file://") else uri)
    try:
        with soundfile.SoundFile(path) as sound:
            wanted = min(sound.frames, int(MOST_SECONDS * sound.samplerate))
            samples = sound.read(wanted, dtype="float32", always_2d=True)
    except (OSError, RuntimeError):
        return ()
    if len(samples) < bars:
        return ()
    loudness = np.abs(samples).max(axis=1)
    peaks = np.array([part.max() for part in np.array_split(loudness, bars)])
    top = float(peaks.max())
    return tuple(float(peak / top) for peak in peaks) if top > 0 else ()


def thumbnail_of(file: Path, side: int = 240) -> bytes:
    """Make a small JPEG of a local picture.

    Args:
        file: the picture.
        side: pixels of the longer side.

    Returns:
        The JPEG; empty where the file is no picture that Pillow reads.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    small = io.BytesIO()
    try:
        with Image.open(file) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
            picture.thumbnail((side, side))
            picture.save(small, "JPEG", quality=80)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return b""
    return small.getvalue()
