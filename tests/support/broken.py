"""Files that are broken in a known way, each with the codes that name its fault.

Everything is deterministic in its seed; the good files behind them come from ``support.media``.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from support.media import picture, plain, tone, write_image, write_sound, write_video


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that decoding has to refuse."""

    path: Path
    """The file."""
    kind: str
    """What is wrong with it."""
    codes: frozenset[str]
    """Quarantine codes that name the fault well."""


def broken_files(folder: Path, per_kind: int = 1) -> list[Broken]:
    """Write ``per_kind`` files of every kind of breakage.

    Args:
        folder: where to; made where it is missing.
        per_kind: files of each kind; their bytes differ, except for empty files.

    Returns:
        The files, with the codes that a decoder may answer with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for kind, (suffixes, make, codes) in BREAKAGES.items():
        for index in range(per_kind):
            path = folder / f"{kind}-{index:03d}{suffixes[index % len(suffixes)]}"
            make(path, index)
            made.append(Broken(path, kind, frozenset(codes.split())))
    return made


def _empty(path: Path, seed: int) -> None:
    path.write_bytes(b"")


def _cut_still(path: Path, seed: int) -> None:
    write_image(path, picture(seed, (320, 240)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _cut_video(path: Path, seed: int) -> None:
    write_video(path, seed=seed, seconds=1.0, sound=False)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])


def _cut_sound(path: Path, seed: int) -> None:
    write_sound(path, 200.0 + seed, 2.0)
    path.write_bytes(path.read_bytes()[: 50_000 + seed])


def _text(path: Path, seed: int) -> None:
    path.write_text(f"Note {seed}: this is prose, whatever the name of the file says.\n" * 40)


def _noise(path: Path, seed: int) -> None:
    path.write_bytes(b"\x13\x37" + np.random.default_rng([seed, 7]).bytes(4000))


def _still_as_other(path: Path, seed: int) -> None:
    write_image(path.with_suffix(".png"), seed).rename(path)


def _sound_as_still(path: Path, seed: int) -> None:
    write_sound(path.with_suffix(".flac"), 300.0 + seed, 0.5).rename(path)


def _bomb(path: Path, seed: int) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000 + seed, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", b"") + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, body: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + checksum


def _html(path: Path, seed: int) -> None:
    path.write_text(f"<!DOCTYPE html>\n<html><body>Error 40{seed}: not found</body></html>\n")


def _scrambled_still(path: Path, seed: int) -> None:
    write_image(path, picture(seed, (320, 240)))
    data = bytearray(path.read_bytes())
    data[12:] = np.random.default_rng([seed, 9]).bytes(len(data) - 12)
    path.write_bytes(data)


def _scrambled_video(path: Path, seed: int) -> None:
    write_video(path, seed=seed, seconds=1.0, sound=False)
    data = bytearray(path.read_bytes())
    start = data.index(b"ftyp") - 4
    length = int.from_bytes(data[start : start + 4], "big")
    rest = start + length + 8
    data[rest:] = np.random.default_rng([seed, 9]).bytes(len(data) - rest)
    path.write_bytes(data)


def _no_streams(path: Path, seed: int) -> None:
    kind = b"isom" + struct.pack(">I", 512) + b"isomiso2mp41"
    movie = struct.pack(">IIIII", 0, seed, seed, 1000, 0) + struct.pack(">IH", 1 << 16, 1 << 8)
    movie += bytes(10) + struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    movie += bytes(24) + struct.pack(">I", 1)
    path.write_bytes(_box(b"ftyp", kind) + _box(b"moov", _box(b"mvhd", movie)))


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


def _no_samples(path: Path, seed: int) -> None:
    write_sound(path, np.zeros(0, np.float32), rate_hz=8000 + seed)


def _not_numbers(path: Path, seed: int) -> None:
    samples = tone(300.0 + seed, 0.5)
    samples[100:200] = np.nan
    write_sound(path, samples, subtype="FLOAT")


def _days_long(path: Path, seed: int) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"threads": "1", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(picture(seed * 10 + index), format="rgb24")
            frame.pts, frame.time_base = index * 1_000_000, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _black(path: Path, seed: int) -> None:
    write_video(path, [plain((0, 0, 0))] * (10 + seed), sound=False)


def _dangling(path: Path, seed: int) -> None:
    path.symlink_to(path.with_name(f"nowhere-{seed}"))


BREAKAGES = {
    "empty": ((".jpg", ".mp4", ".wav", ".png"), _empty, "empty"),
    "cut-still": ((".jpg", ".png", ".webp"), _cut_still, "truncated"),
    "cut-video": ((".mp4", ".mov"), _cut_video, "truncated"),
    "cut-sound": ((".wav",), _cut_sound, "truncated"),
    "text": ((".mp4", ".jpg", ".wav"), _text, "mismatch"),
    "noise": ((".jpg", ".mp4", ".ogg"), _noise, "mismatch"),
    "still-as-video": ((".mp4", ".avi", ".wav"), _still_as_other, "mismatch"),
    "sound-as-still": ((".jpg", ".webp"), _sound_as_still, "mismatch"),
    "bomb": ((".png",), _bomb, "too_many_pixels"),
    "html": ((".jpg", ".mp4"), _html, "mismatch"),
    "scrambled-still": (
        (".jpg", ".png", ".gif"),
        _scrambled_still,
        "corrupt truncated too_many_pixels",
    ),
    "scrambled-video": ((".mp4",), _scrambled_video, "corrupt truncated"),
    "no-streams": ((".mp4",), _no_streams, "no_stream"),
    "no-samples": ((".wav",), _no_samples, "no_stream"),
    "not-numbers": ((".wav",), _not_numbers, "corrupt"),
    "days-long": ((".mp4",), _days_long, "too_long"),
    "black": ((".mp4",), _black, "blank"),
    "dangling": ((".jpg", ".mp4"), _dangling, "missing"),
}
"""Kind of breakage: extensions in turn, the function that makes it, and its fitting codes."""
