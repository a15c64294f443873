"""Make a corpus of distinct stills, clips and sounds, from real files or from nothing.

Real files are varied instead of copied, since exact copies are embedded once: a still is cropped
and saved anew, a clip is cut, cropped and encoded anew with a
keyframe every second as phones do, a sound is an excerpt. Everything depends
on the number of the file alone, so a corpus of 2,000 begins with the corpus of 200.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.media import picture, write_image, write_sound, write_video

STILLS, CLIPS, SOUNDS = {".jpg", ".jpeg", ".png"}, {".mp4", ".mkv", ".avi"}, {".wav", ".ogg"}
PATTERN = "sscsasscsa"
"""Kinds of every ten files: six stills (s), two clips (c), two sounds (a)."""
CLIP_SIDE, CLIP_SECONDS, CLIP_FPS = 720, 8, 24


@dataclass(slots=True, kw_only=True)
class Seeds:
    """Real files by kind; empty where a kind is made up."""

    stills: list[Path] = field(default_factory=list)
    clips: list[Path] = field(default_factory=list)
    sounds: list[Path] = field(default_factory=list)

    @classmethod
    def found(cls, folders: list[Path]) -> Seeds:
        """Every still, clip and sound below some folders."""
        files = sorted(f for folder in folders for f in folder.rglob("*") if f.is_file())
        of = lambda kinds: [f for f in files if f.suffix.lower() in kinds]  # noqa: E731
        return cls(stills=of(STILLS), clips=of(CLIPS), sounds=of(SOUNDS))


class Pool:
    """Files of each kind, from which corpora are linked together.

    Args:
        root: where files are kept.
        seeds: real files to vary.
    """

    def __init__(self, root: Path, seeds: Seeds) -> None:
        self._root = root
        self._seeds = seeds

    def folder(self, name: str, pattern: str, count: int) -> Path:
        """Put ``count`` files whose kinds follow a pattern into a folder of their own."""
        kinds = [pattern[number % len(pattern)] for number in range(count)]
        files = {kind: iter(self._files(kind, kinds.count(kind))) for kind in sorted(set(kinds))}
        folder = self._root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, kind in enumerate(kinds):
            source = next(files[kind])
            link = folder / f"{number:05d}{source.suffix}"
            if not link.exists():
                link.hardlink_to(source)
        return folder

    def _files(self, kind: str, count: int) -> list[Path]:
        make, suffix = {"s": (_still, ".jpg"), "c": (_clip, ".mp4"), "a": (_sound, ".wav")}[kind]
        folder = self._root / "files" / kind
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{number:05d}{suffix}" for number in range(count)]
        missing = [number for number, path in enumerate(paths) if not path.exists()]
        with ProcessPoolExecutor() as workers:
            drafts = [folder / f"draft-{number}{suffix}" for number in missing]
            list(workers.map(make, drafts, missing, [self._seeds] * len(missing), chunksize=4))
        for number, draft in zip(missing, drafts, strict=True):
            draft.rename(paths[number])
        return paths


def _still(path: Path, number: int, seeds: Seeds) -> None:
    from PIL import Image

    if not seeds.stills:
        write_image(path, picture(number, (800, 600)), quality=90)
        return
    with Image.open(seeds.stills[number % len(seeds.stills)]) as opened:
        image = np.asarray(opened.convert("RGB"))
    write_image(path, np.ascontiguousarray(_crop(image, number)), quality=90)


def _clip(path: Path, number: int, seeds: Seeds) -> None:
    if seeds.clips:
        frames = list(_read_clip(seeds.clips[number % len(seeds.clips)], number))
    else:
        frames = list(_made_clip(number))
    write_video(path, frames, fps=CLIP_FPS, keyframe_every=CLIP_FPS, tone_hz=220.0 + number)


def _made_clip(number: int) -> Iterator[NDArray[np.uint8]]:
    """A new scene every second, and within a scene a slow pan."""
    for second in range(CLIP_SECONDS):
        wide = picture(number * 1000 + second, (CLIP_SIDE + 8 * CLIP_FPS, CLIP_SIDE))
        for step in range(CLIP_FPS):
            yield np.ascontiguousarray(wide[:, 8 * step : 8 * step + CLIP_SIDE])


def _read_clip(path: Path, number: int) -> Iterator[NDArray[np.uint8]]:
    import av

    wanted = CLIP_SECONDS * CLIP_FPS
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        skip = number % max(1, stream.frames - wanted) if stream.frames > wanted else 0
        for index, frame in enumerate(container.decode(stream)):
            if index < skip:
                continue
            if index >= skip + wanted:
                return
            height = CLIP_SIDE
            width = round(frame.width * height / frame.height / 2) * 2
            data = frame.to_ndarray(format="rgb24", width=width, height=height)
            yield np.ascontiguousarray(_crop(data, number, even=True))


def _crop(image: NDArray[np.uint8], number: int, even: bool = False) -> NDArray[np.uint8]:
    """Nine tenths of a picture, or a little less, from a place that depends on the number."""
    rng = np.random.default_rng(number)
    height, width = (round(side * rng.uniform(0.8, 0.95)) for side in image.shape[:2])
    if even:
        height, width = height // 2 * 2, width // 2 * 2
    top, left = (
        int(rng.integers(0, whole - part + 1))
        for whole, part in ((image.shape[0], height), (image.shape[1], width))
    )
    return image[top : top + height, left : left + width]


def _sound(path: Path, number: int, seeds: Seeds) -> None:
    rng = np.random.default_rng(number)
    seconds = float(rng.uniform(3, 8))
    if not seeds.sounds:
        noise: Any = rng.normal(0, 0.1, round(seconds * 22_050)).astype(np.float32)
        write_sound(path, noise, rate_hz=22_050)
        return
    import soundfile

    source = seeds.sounds[number % len(seeds.sounds)]
    info = soundfile.info(source)
    length = min(info.frames, round(seconds * info.samplerate))
    start = int(rng.integers(0, info.frames - length + 1))
    samples, rate = soundfile.read(source, length, start, dtype="float32")
    write_sound(path, samples * np.float32(rng.uniform(0.7, 1.0)), rate_hz=rate)
