"""Tiny media for tests: pictures, clips and sounds.

Everything is deterministic in its seed. Two seeds give plainly different pictures, and a clip of
several seconds changes its scene every second, so that near-duplicate tests have something to tell
apart. Clips are written with PyAV, stills with Pillow, sounds with soundfile. Rotation is written
into the track header of MP4 by hand, because an encoder only turns pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

SOUND_RATE_HZ = 48_000


def picture(seed: int, size: tuple[int, int] = (96, 64)) -> Picture:
    """A textured RGB picture that is like no picture of another seed.

    Args:
        seed: what to draw.
        size: width and height in pixels.

    Returns:
        RGB in [0, 255], (H, W, 3) uint8.
    """
    width, height = size
    rng = np.random.default_rng([seed, 1])
    field = _stretch(rng.uniform(20, 235, (4, 6, 3)), width, height)
    for _ in range(4):
        left, top = rng.uniform(0, 0.7, 2) * (width, height)
        wide, high = rng.uniform(0.15, 0.4, 2) * (width, height)
        field[int(top) : int(top + high), int(left) : int(left + wide)] = rng.uniform(0, 255, 3)
    return np.clip(field, 0, 255).astype(np.uint8)


def _stretch(grid: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """Bilinear enlargement of a coarse grid (h, w, 3) to (H, W, 3)."""
    rows = np.linspace(0, grid.shape[0] - 1, height)
    columns = np.linspace(0, grid.shape[1] - 1, width)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    bottom = np.minimum(top + 1, grid.shape[0] - 1)
    right = np.minimum(left + 1, grid.shape[1] - 1)
    down, across = (rows - top)[:, None, None], (columns - left)[None, :, None]
    upper = grid[top][:, left] * (1 - across) + grid[top][:, right] * across
    lower = grid[bottom][:, left] * (1 - across) + grid[bottom][:, right] * across
    return np.asarray(upper * (1 - down) + lower * down)


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (96, 64)) -> Picture:
    """A picture of one colour, (H, W, 3) uint8."""
    return np.full((size[1], size[0], 3), colour, np.uint8)


def clip(
    seed: int, seconds: float = 2.0, fps: int = 10, size: tuple[int, int] = (96, 64)
) -> Iterator[Picture]:
    """Frames of a clip: a new scene every second, and within a scene a slow pan."""
    width, height = size
    for index in range(round(seconds * fps)):
        scene, step = divmod(index, fps)
        wide = picture(seed * 1000 + scene, (width + width // 4, height))
        offset = step * (width // 4) // fps
        yield wide[:, offset : offset + width]


def tone(hz: float = 440.0, seconds: float = 1.0, rate_hz: int = SOUND_RATE_HZ) -> Any:
    """A sine of half amplitude, or digital silence for 0 Hz: (S,) float32."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * hz * times)).astype(np.float32)


def write_image(path: Path, image: Picture | int = 0, **options: Any) -> Path:
    """Write a still; the extension says the format.

    Args:
        path: where to.
        image: a picture, or the seed of one.
        options: given to Pillow's ``save``, for instance ``exif`` or ``quality``.
    """
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    data = picture(image) if isinstance(image, int) else image
    Image.fromarray(data).save(path, **options)
    return path


def write_sound(
    path: Path,
    samples: NDArray[np.floating] | float = 440.0,
    seconds: float = 1.0,
    rate_hz: int = SOUND_RATE_HZ,
    subtype: str | None = None,
) -> Path:
    """Write WAV, FLAC, OGG, Opus or MP3; the extension says which.

    Args:
        path: where to.
        samples: (S,) or (S, channels), or the frequency of a tone.
        seconds: length of the tone; unused where samples are given.
        rate_hz: samples per second.
        subtype: libsndfile's name of the sample format, for instance ``FLOAT``.
    """
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    data = samples if isinstance(samples, np.ndarray) else tone(samples, seconds, rate_hz)
    container, default = _CONTAINERS[path.suffix.lower()]
    soundfile.write(path, data, rate_hz, format=container, subtype=subtype or default)
    return path


_CONTAINERS = {
    ".wav": ("WAV", None),
    ".flac": ("FLAC", None),
    ".ogg": ("OGG", None),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", None),
}


def write_video(
    path: Path,
    frames: Sequence[Picture] | None = None,
    *,
    seed: int = 0,
    seconds: float = 2.0,
    fps: int = 10,
    size: tuple[int, int] = (96, 64),
    sound: bool = True,
    tone_hz: float = 440.0,
    rotation: int = 0,
    codec: str = "libx264",
    keyframe_every: int = 10,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a clip; the extension says the container.

    Args:
        path: where to.
        frames: RGB pictures of even width and height; made from ``seed`` where not given.
        seed: which clip to make.
        seconds: length of a made clip.
        fps: frames per second.
        size: width and height of a made clip.
        sound: whether to add a sound track as long as the pictures.
        tone_hz: frequency of the sound; 0 for a track of digital silence.
        rotation: clockwise degrees that a player has to turn the stored pictures by; the pictures
            are stored turned the other way, so that the clip plays upright. MP4 and MOV only.
        codec: FFmpeg's name of the picture codec.
        keyframe_every: frames from one keyframe to the next.
        options: more for the codec, for instance ``{"crf": "35"}``.
    """
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    shown = list(clip(seed, seconds, fps, size)) if frames is None else list(frames)
    stored = [np.ascontiguousarray(np.rot90(frame, rotation // 90)) for frame in shown]
    settings = {"g": str(keyframe_every), "threads": "1"}
    if codec == "libx264":
        settings |= {"preset": "veryfast", "sc_threshold": "0", "crf": "18"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=settings | (options or {}))
        stream.height, stream.width = stored[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        track = container.add_stream(_sound_codec(path), rate=48_000) if sound else None
        for index, data in enumerate(stored):
            frame = av.VideoFrame.from_ndarray(data, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track is not None:
            _mux_sound(container, track, tone(tone_hz, len(stored) / fps, 48_000))
    if rotation:
        _turn_track(path, rotation)
    return path


def _sound_codec(path: Path) -> str:
    return "libopus" if path.suffix.lower() == ".webm" else "aac"


def _mux_sound(container: Any, track: Any, samples: NDArray[np.float32]) -> None:
    import av

    for start in range(0, len(samples), 960):
        part = samples[None, start : start + 960]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        container.mux(track.encode(frame))
    container.mux(track.encode(None))


def write_aac(path: Path, hz: float = 440.0, seconds: float = 1.0) -> Path:
    """Write a tone as AAC in an M4A (MP4) container or a bare ``.aac`` stream."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "adts" if path.suffix.lower() == ".aac" else "ipod"
    with av.open(str(path), "w", format=kind) as container:
        track = container.add_stream("aac", rate=48_000)
        _mux_sound(container, track, tone(hz, seconds, 48_000))
    return path


def write_crasher(path: Path) -> Path:
    """Write a bare ``.aac`` stream of sound headers and unreadable sound.

    decord divides by its length of zero and takes the whole process down, so decode it only in a
    process that may die.
    """
    data = bytearray(write_aac(path).read_bytes())
    start = 0
    while start + 7 < len(data):
        length = (data[start + 3] & 3) << 11 | data[start + 4] << 3 | data[start + 5] >> 5
        data[start + 7 : start + length] = b"\xff" * (length - 7)
        start += length
    path.write_bytes(data)
    return path


def _turn_track(path: Path, clockwise: int) -> None:
    """Write a display matrix into the first track header of an MP4 file."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise]
    matrix = struct.pack(
        ">9i",
        *(cosine << 16, sine << 16, 0),
        *(-sine << 16, cosine << 16, 0),
        *(0, 0, 1 << 30),
    )
    offset = start + (52 if data[start] == 1 else 40)
    data[offset : offset + 36] = matrix
    path.write_bytes(data)
