"""The whole of decoding: every fault has its code, every good kind its arrays."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.decode import DecodeOptions, decode
from ingest.decoded import Decoded
from ingest.errors import DECODE_CODES, DecodeError
from ingest.files import content_hash
from ingest.item import Medium, Modality
from ingest.kinds import EXTENSIONS, extension
from ingest.sampling import VideoSampling
from support.broken import BREAKAGES, Broken, broken_files
from support.media import (
    clip,
    picture,
    plain,
    tone,
    write_aac,
    write_crasher,
    write_image,
    write_sound,
    write_video,
)


def run(path: Path, options: DecodeOptions | None = None) -> Decoded:
    medium = Medium(
        uri=str(path),
        modality=EXTENSIONS[extension(path.name)],
        content_hash="hash",
        size_bytes=0,
    )
    return decode(medium, options or DecodeOptions())


def loudest_hz(decoded: Decoded) -> float:
    assert decoded.waveform is not None
    samples = decoded.waveform.samples
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * decoded.waveform.sample_rate_hz / len(samples))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> list[Broken]:
    """Files of every kind of breakage, with every extension that it comes with."""
    most = max(len(suffixes) for suffixes, _, _ in BREAKAGES.values())
    return broken_files(tmp_path_factory.mktemp("broken"), most)


@pytest.mark.parametrize("kind", BREAKAGES)
def test_every_kind_of_breakage_gives_its_code(broken: list[Broken], kind: str) -> None:
    wanted = [one for one in broken if one.kind == kind]
    assert len(wanted) >= len(BREAKAGES[kind][0])
    for one in wanted:
        with pytest.raises(DecodeError) as caught:
            run(one.path)
        assert caught.value.code in one.codes & DECODE_CODES.keys(), caught.value
        assert one.path.name in caught.value.sentence


def test_there_are_enough_kinds_of_breakage_and_their_bytes_differ(broken: list[Broken]) -> None:
    assert len({b.kind for b in broken}) >= 12
    hashes = [content_hash(str(b.path)) for b in broken if b.kind not in {"empty", "dangling"}]
    assert len(hashes) == len(set(hashes))


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "a.webm"])
def test_videos_give_frames_sound_and_segments(tmp_path: Path, name: str) -> None:
    codec = {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(extension(name), "libx264")
    path = write_video(tmp_path / name, seconds=4.0, codec=codec)
    decoded = run(path, DecodeOptions(sampling=VideoSampling(num_frames=4, segment_seconds=2.0)))
    assert decoded.frames is not None
    assert decoded.frames.data.shape == (4, 64, 96, 3)
    assert decoded.duration_seconds == pytest.approx(4.0, abs=0.11)
    assert (decoded.width, decoded.height) == (96, 64)
    assert len(decoded.segments) == 2
    assert loudest_hz(decoded) == pytest.approx(440, abs=2)
    shown = list(clip(0, 4.0))
    for frame, pts in zip(decoded.frames.data, decoded.frames.pts_seconds, strict=True):
        best = min(range(40), key=lambda n: np.abs(shown[n].astype(int) - frame).mean())
        # The old codec of AVI hardly tells neighbouring frames of a slow pan apart.
        assert best == pytest.approx(pts * 10, abs=2 if name == "a.avi" else 0.01)


def test_a_codec_unknown_to_decord_goes_to_pyav(tmp_path: Path) -> None:
    decoded = run(write_video(tmp_path / "a.mp4", codec="libsvtav1", sound=False))
    assert decoded.frames is not None
    shown = list(clip(0))
    number = round(decoded.frames.pts_seconds[3] * 10)
    assert np.abs(decoded.frames.data[3].astype(int) - shown[number]).mean() < 20


def test_pictures_without_times_are_not_misplaced(tmp_path: Path) -> None:
    decoded = run(write_video(tmp_path / "a.avi", seconds=4.0, sound=False))
    assert decoded.frames is not None
    shown = list(clip(0, 4.0))
    for frame, pts in zip(decoded.frames.data, decoded.frames.pts_seconds, strict=True):
        best = min(range(40), key=lambda n: np.abs(shown[n].astype(int) - frame).mean())
        assert best == pytest.approx(pts * 10, abs=3)


def test_a_container_of_sound_alone_is_sound(tmp_path: Path) -> None:
    path = write_aac(tmp_path / "a.m4a", 523.0).rename(tmp_path / "a.mp4")
    decoded = run(path)
    assert decoded.frames is None
    assert loudest_hz(decoded) == pytest.approx(523, abs=2)


def test_a_silent_track_is_no_sound(tmp_path: Path) -> None:
    decoded = run(write_video(tmp_path / "a.mp4", tone_hz=0.0))
    assert decoded.waveform is None
    assert decoded.notes == ("the sound track is silent",)


def test_a_black_video_with_sound_is_its_sound(tmp_path: Path) -> None:
    decoded = run(write_video(tmp_path / "a.mp4", [plain((0, 0, 0))] * 20, sound=True))
    assert decoded.frames is None
    assert decoded.thumbnail == b""
    assert loudest_hz(decoded) == pytest.approx(440, abs=2)
    assert "every frame is blank" in decoded.notes


def test_blank_frames_are_left_out_and_their_hashes_too(tmp_path: Path) -> None:
    frames = [*[plain((0, 0, 0))] * 20, *clip(5, 2.0), *[plain((255, 255, 255))] * 20]
    decoded = run(write_video(tmp_path / "a.mp4", frames, sound=False))
    assert decoded.frames is not None
    assert decoded.frame_hashes is not None
    assert ((decoded.frames.pts_seconds >= 2.0) & (decoded.frames.pts_seconds < 4.0)).all()
    assert 0 < len(decoded.frame_hashes) <= len(decoded.frames.data)


def test_a_still_is_decoded_by_content_under_another_stills_name(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png", 3).rename(tmp_path / "a.jpg")
    decoded = run(path)
    assert decoded.frames is not None
    assert np.array_equal(decoded.frames.data[0], picture(3))


def test_thumbnail_and_reading_size(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.jpg", picture(1, (2000, 1000)), quality=90)
    decoded = run(path, DecodeOptions(page_frames=True))
    assert decoded.frames is not None
    assert decoded.page_frames is not None
    assert decoded.frames.data.shape == (1, 256, 512, 3)
    assert decoded.page_frames.data.shape == (1, 736, 1472, 3)
    assert (decoded.width, decoded.height) == (2000, 1000)
    thumbnail = Image.open(io.BytesIO(decoded.thumbnail))
    assert thumbnail.size == (320, 160)
    wanted = Image.fromarray(picture(1, (2000, 1000))).resize((320, 160), Image.Resampling.BOX)
    assert np.abs(np.asarray(thumbnail, int) - np.asarray(wanted, int)).mean() < 5


def test_page_frames_of_a_video_are_few_and_spread(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=6.0, sound=False)
    decoded = run(path, DecodeOptions(page_frames=True, max_page_frames=3))
    assert decoded.page_frames is not None
    assert len(decoded.page_frames.data) == 3
    assert np.diff(decoded.page_frames.pts_seconds).min() > 1.0


def test_a_long_sound_gives_equal_excerpts_of_all_its_stretches(tmp_path: Path) -> None:
    parts = [tone(hz, 4.0, 16_000) for hz in (300.0, 600.0, 900.0)]
    path = write_sound(tmp_path / "a.wav", np.concatenate(parts), rate_hz=16_000)
    options = DecodeOptions(max_audio_seconds=6.0, sampling=VideoSampling(segment_seconds=4.0))
    decoded = run(path, options)
    assert decoded.waveform is not None
    assert decoded.duration_seconds == 12.0
    assert len(decoded.waveform.samples) == 96_000
    for place, hz in enumerate((300, 600, 900)):
        third = decoded.waveform.samples[place * 32_000 : (place + 1) * 32_000]
        assert np.abs(np.fft.rfft(third)).argmax() / 2.0 == pytest.approx(hz, abs=1)


def test_a_native_crash_kills_its_own_process_only(tmp_path: Path) -> None:
    path = write_crasher(tmp_path / "a.aac")
    program = f"import decord; decord.AudioReader({str(path)!r})"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert finished.returncode < 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (DecodeOptions(max_bytes=100), "too_large"),
        (DecodeOptions(max_pixels=96 * 64 - 1), "too_many_pixels"),
        (DecodeOptions(max_duration_seconds=1.0), "too_long"),
    ],
)
def test_limits_are_settings(tmp_path: Path, options: DecodeOptions, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        run(write_video(tmp_path / "a.mp4"), options)
    assert caught.value.code == code
    assert caught.value.hint


def test_text_is_cleaned_and_binary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("A <b>red</b> boat &amp; a dog\n")
    assert run(path).text == "A red boat & a dog"
    path.write_bytes(b"\0\1\2" * 100)
    with pytest.raises(DecodeError) as caught:
        run(path)
    assert caught.value.code == "mismatch"


def test_remote_media_are_fetched(tmp_path: Path) -> None:
    import fsspec

    path = write_image(tmp_path / "a.png", 4)
    fsspec.filesystem("memory").pipe("/decode/a.png", path.read_bytes())
    medium = Medium(
        uri="memory://decode/a.png", modality=Modality.IMAGE, content_hash="h", size_bytes=1
    )
    decoded = decode(medium, DecodeOptions())
    assert decoded.frames is not None
    assert np.array_equal(decoded.frames.data[0], picture(4))


def test_digest_changes_with_the_arrays_and_not_with_limits() -> None:
    base = DecodeOptions()
    assert replace(base, max_pixels=5, timeout_seconds=1.0).digest == base.digest
    assert replace(base, sampling=VideoSampling(num_threads=2)).digest == base.digest
    assert replace(base, sampling=VideoSampling(num_frames=4)).digest != base.digest
    assert replace(base, sample_rate_hz=48_000).digest != base.digest
    assert replace(base, page_frames=True).digest != base.digest


@pytest.mark.parametrize(
    "wrong",
    [
        partial(DecodeOptions, max_pixels=0),
        partial(DecodeOptions, max_bytes=-1),
        partial(DecodeOptions, sample_rate_hz=0),
    ],
)
def test_options_are_checked(wrong: partial[DecodeOptions]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong.keywords))):
        wrong()
