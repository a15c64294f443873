"""Decode one medium into arrays, or say in a code and a sentence why not.

The bytes decide, not the name: a still under another still's extension is decoded, anything else
that is not what its name promises is refused. Checks go from cheap to dear: size, first bytes, the
container's own lengths, header, content. There is no timer here: a native decoder cannot be
interrupted, so whoever runs this in a worker process ends that process.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingest.audio import fit, is_silent, open_soundfile, read_soundfile, read_track
from ingest.containers import check_whole
from ingest.decoded import Decoded, Frames, Segment, Waveform
from ingest.errors import DecodeError
from ingest.files import local_copy
from ingest.image import decode_image
from ingest.item import Medium, Modality
from ingest.kinds import SNIFF_BYTES, check_kind
from ingest.pictures import detail, frame_hash, is_blank, make_thumbnail, scale
from ingest.sampling import VideoSampling, choose_frames, cut_segments
from ingest.text import DEFAULT_MAX_CHARACTERS, clean, read_text
from ingest.video import Reader, open_video, read_shot

SAME_HASH_BITS = 3
"""Neighbouring frames whose hashes differ in no more bits show the same."""
MAX_STILL_PIXELS = 170_000_000
"""Above this Pillow refuses by itself."""
_LIMITS = ("max_pixels", "max_duration_seconds", "max_bytes", "timeout_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeOptions:
    """How media become arrays, and what is too much."""

    max_pixels: int = 100_000_000
    """Most pixels of a still or of one frame; a header that claims more is refused."""
    max_duration_seconds: float = 7200.0
    """Longest video or sound."""
    max_bytes: int = 8 << 30
    """Largest file."""
    timeout_seconds: float = 120.0
    """Longest that one file may take; kept by whoever runs the worker."""
    sampling: VideoSampling = field(default_factory=VideoSampling)
    """Frames of a video, and the length of segments of videos and sounds."""
    sample_rate_hz: int = 16_000
    """Rate of sound: that of the sound encoder."""
    max_audio_seconds: float = 300.0
    """Longest sound kept; of a longer one, equal excerpts of all its stretches."""
    page_frames: bool = False
    """Whether to keep frames at reading size for words on screen."""
    max_page_frames: int = 4
    """Most frames at reading size, spread over the video."""
    page_short_side: int = 736
    """Pixels of the shorter side at reading size."""
    thumbnail_side: int = 320
    """Pixels of the longer side of a thumbnail."""
    max_text_characters: int = DEFAULT_MAX_CHARACTERS
    """Longest text kept."""

    def __post_init__(self) -> None:
        if not 1 <= self.max_pixels <= MAX_STILL_PIXELS:
            raise ValueError(f"expected 1 to {MAX_STILL_PIXELS}: {self.max_pixels = }")
        values = {name: value for name, value in asdict(self).items() if name != "sampling"}
        wrong = [name for name, value in values.items() if value <= 0 and name != "page_frames"]
        if wrong:
            raise ValueError(f"expected more than 0: {', '.join(wrong)}")

    @property
    def digest(self) -> str:
        """Sixteen hex digits that stand for everything that changes the arrays."""
        values = {name: value for name, value in asdict(self).items() if name not in _LIMITS}
        values["sampling"] = {**values["sampling"], "num_threads": 1}
        text = json.dumps(values, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def decode(medium: Medium, options: DecodeOptions) -> Decoded:
    """Decode one medium.

    Args:
        medium: the file; its hash is passed on, not checked.
        options: sizes, rates and limits.

    Returns:
        Arrays at the sizes asked for; at least frames, sound or text are there.

    Raises:
        DecodeError: with one of ``ingest.errors.DECODE_CODES``.
    """
    _check_size(medium.uri, medium.size_bytes, options)
    with local_copy(medium.uri) as path:
        try:
            size = path.stat().st_size
            with path.open("rb") as stream:
                head = stream.read(SNIFF_BYTES)
        except OSError as error:
            raise DecodeError(
                "missing", f"{medium.uri} cannot be read ({error.strerror})"
            ) from error
        _check_size(medium.uri, size, options)
        if medium.modality is Modality.TEXT:
            return _decode_text(path, medium.content_hash, options)
        check_kind(head, medium.modality, path.name)
        check_whole(path)
        if medium.modality is Modality.IMAGE:
            return _decode_still(path, medium.content_hash, options)
        if medium.modality is Modality.AUDIO:
            return _decode_sound(path, medium.content_hash, options)
        return _decode_video(path, medium.content_hash, options)


def _check_size(uri: str, size_bytes: int, options: DecodeOptions) -> None:
    if size_bytes > options.max_bytes:
        raise DecodeError(
            "too_large",
            f"{uri} has {size_bytes} bytes, over the limit of {options.max_bytes}",
            "raise decode.max_bytes to take it",
        )


def _check_duration(path: Path, seconds: float, options: DecodeOptions) -> None:
    if seconds > options.max_duration_seconds:
        raise DecodeError(
            "too_long",
            f"{path.name} lasts {seconds:.0f} s, over the limit of "
            f"{options.max_duration_seconds:.0f} s",
            "raise decode.max_duration_seconds to take it",
        )


def _decode_text(path: Path, content_hash: str, options: DecodeOptions) -> Decoded:
    with path.open("rb") as stream:
        data = stream.read(4 * options.max_text_characters + 1)
    text = clean(read_text(data, path.name), options.max_text_characters)
    if not text:
        raise DecodeError("empty", f"{path.name} has no words")
    return Decoded(content_hash=content_hash, text=text)


def _decode_still(path: Path, content_hash: str, options: DecodeOptions) -> Decoded:
    short_side = options.sampling.short_side
    wanted = max(short_side, options.thumbnail_side)
    if options.page_frames:
        wanted = max(wanted, options.page_short_side)
    picture, width, height = decode_image(path, options.max_pixels, wanted)
    frame = scale(picture, short_side)
    page = scale(picture, options.page_short_side) if options.page_frames else None
    blank = is_blank(frame)
    return Decoded(
        content_hash=content_hash,
        frames=_single(frame),
        page_frames=None if page is None else _single(page),
        width=width,
        height=height,
        thumbnail=make_thumbnail(scale(picture, options.thumbnail_side), options.thumbnail_side),
        frame_hashes=np.array([] if blank else [frame_hash(frame)], dtype=np.uint64),
        notes=("the picture is one plain colour",) if blank else (),
    )


def _single(frame: NDArray[np.uint8]) -> Frames:
    return Frames(data=np.ascontiguousarray(frame[None]), pts_seconds=np.zeros(1))


def _decode_sound(path: Path, content_hash: str, options: DecodeOptions) -> Decoded:
    duration = open_soundfile(path)
    if duration is None:
        track = read_track(path, options.sample_rate_hz)
        if track is None:
            raise DecodeError("no_stream", f"{path.name} holds nothing to see or hear")
        duration = track.duration_seconds
        _check_duration(path, duration, options)
        segments = _segments(duration, options)
        waveform = fit(track, duration, segments, options.max_audio_seconds)
    else:
        _check_duration(path, duration, options)
        segments = _segments(duration, options)
        waveform = read_soundfile(path, options.sample_rate_hz, segments, options.max_audio_seconds)
    if is_silent(waveform):
        raise DecodeError("blank", f"{path.name} is silent from end to end")
    return Decoded(
        content_hash=content_hash,
        waveform=waveform,
        segments=segments,
        duration_seconds=duration,
        notes=_shortened(duration, options),
    )


def _segments(duration_seconds: float, options: DecodeOptions) -> tuple[Segment, ...]:
    sampling = options.sampling
    return cut_segments(duration_seconds, sampling.segment_seconds, sampling.max_frames)


def _shortened(duration_seconds: float, options: DecodeOptions) -> tuple[str, ...]:
    if duration_seconds <= options.max_audio_seconds:
        return ()
    return (f"{options.max_audio_seconds:.0f} s of the sound are used, spread over all of it",)


def _decode_video(path: Path, content_hash: str, options: DecodeOptions) -> Decoded:
    try:
        reader = open_video(path, options.sampling.num_threads)
    except DecodeError as error:
        if error.code == "no_stream":
            return _decode_sound(path, content_hash, options)
        raise
    duration = float(reader.end_seconds - reader.times[0]) or 1.0
    _check_duration(path, duration, options)
    pictures = _Pictures(path, options)
    pictures.read(reader, duration)
    segments = _segments(duration, options)
    waveform, notes = _track(path, duration, segments, options)
    if not pictures.frames:
        if waveform is None:
            raise DecodeError("blank", f"{path.name} has blank frames only, and no sound")
        notes = (*notes, "every frame is blank")
    return Decoded(
        content_hash=content_hash,
        frames=pictures.stack(pictures.frames),
        page_frames=pictures.stack(pictures.pages),
        waveform=waveform,
        segments=segments,
        duration_seconds=duration,
        width=pictures.width,
        height=pictures.height,
        thumbnail=pictures.thumbnail(),
        frame_hashes=pictures.hashes(),
        notes=notes,
    )


def _track(
    path: Path, duration_seconds: float, segments: tuple[Segment, ...], options: DecodeOptions
) -> tuple[Waveform | None, tuple[str, ...]]:
    """The sound of a video, and what was passed over."""
    try:
        track = read_track(path, options.sample_rate_hz)
    except DecodeError as error:
        return None, (f"the sound track cannot be read: {error.sentence}",)
    if track is None:
        return None, ()
    if is_silent(track):
        return None, ("the sound track is silent",)
    waveform = fit(track, duration_seconds, segments, options.max_audio_seconds)
    return waveform, _shortened(duration_seconds, options)


class _Pictures:
    """Collects the frames of one video at their final sizes; full frames are let go at once."""

    def __init__(self, path: Path, options: DecodeOptions) -> None:
        self._path = path
        self._options = options
        self.frames: dict[float, NDArray[np.uint8]] = {}
        self.pages: dict[float, NDArray[np.uint8]] = {}
        self.width = 0
        self.height = 0

    def read(self, reader: Reader, duration_seconds: float) -> None:
        """Decode the frames of all slots.

        Raises:
            DecodeError: ``corrupt`` or ``too_many_pixels``.
        """
        options = self._options
        times = reader.times - reader.times[0]
        slots = choose_frames(times, reader.keyframes, duration_seconds, options.sampling)
        every = -(-len(slots) // options.max_page_frames)
        for place, (number, middle) in enumerate(slots):
            shot = read_shot(reader, number, middle)
            if shot is None:
                continue
            self._check_pixels(shot.frame)
            picture = Image.fromarray(shot.frame)
            self.frames[shot.pts_seconds] = scale(picture, options.sampling.short_side)
            if options.page_frames and place % every == every // 2:
                self.pages[shot.pts_seconds] = scale(picture, options.page_short_side)

    def _check_pixels(self, frame: NDArray[np.uint8]) -> None:
        self.height, self.width = frame.shape[:2]
        if self.width * self.height > self._options.max_pixels:
            raise DecodeError(
                "too_many_pixels",
                f"{self._path.name} has frames of {self.width} by {self.height} pixels, "
                f"over the limit of {self._options.max_pixels}",
                "raise decode.max_pixels to take it",
            )

    def stack(self, frames: dict[float, NDArray[np.uint8]]) -> Frames | None:
        """Join frames in order of time; None for none."""
        if not frames:
            return None
        pts = sorted(frames)
        return Frames(data=np.stack([frames[time] for time in pts]), pts_seconds=np.array(pts))

    def thumbnail(self) -> bytes:
        """Make a thumbnail of the frame with the most to see."""
        if not self.frames:
            return b""
        best = max(self.frames.values(), key=detail)
        return make_thumbnail(best, self._options.thumbnail_side)

    def hashes(self) -> NDArray[np.uint64]:
        """Hash the frames in order of time, without neighbours that show the same."""
        kept: list[np.uint64] = []
        for time in sorted(self.frames):
            value = frame_hash(self.frames[time])
            if not kept or int(value ^ kept[-1]).bit_count() > SAME_HASH_BITS:
                kept.append(value)
        return np.array(kept, dtype=np.uint64)
