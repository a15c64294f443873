"""Single frames: the right one, upright, whatever decodes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ingest.errors import DecodeError
from ingest.pyav import PyAVReader, read_sound
from ingest.video import DecordReader, open_video, read_shot
from support.media import clip, picture, plain, write_image, write_sound, write_video

READERS = [DecordReader, PyAVReader]


@pytest.mark.parametrize("make", READERS)
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_clips_are_upright(tmp_path: Path, make: type, rotation: int) -> None:
    path = write_video(tmp_path / "a.mp4", rotation=rotation, sound=False)
    frame = make(path, 1).frame(5)
    wanted = list(clip(0))[5].astype(int)
    assert frame.shape == wanted.shape
    assert np.abs(frame - wanted).mean() < 12
    for turns in (1, 2, 3):
        turned = np.rot90(frame, turns)
        assert turned.shape != wanted.shape or np.abs(turned - wanted).mean() > 24


@pytest.mark.parametrize("make", READERS)
def test_random_access_gives_the_frames_of_a_full_pass(tmp_path: Path, make: type) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=3.0, keyframe_every=7, sound=False)
    full = make(path, 1)
    assert full.keyframes == [0, 7, 14, 21, 28]
    assert full.times == pytest.approx(np.arange(30) / 10, abs=1e-6)
    assert full.end_seconds == pytest.approx(3.0, abs=1e-6)
    in_order = [full.frame(number) for number in range(30)]
    jumping = make(path, 1)
    for number in [28, 7, 21, 0, 14, 29, 3]:
        assert np.array_equal(jumping.frame(number), in_order[number])


def test_both_readers_see_the_same(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", size=(176, 130), sound=False)
    first, second = DecordReader(path, 1), PyAVReader(path, 1)
    for number in (0, 9, 17):
        assert np.abs(first.frame(number).astype(int) - second.frame(number)).mean() < 1.5


@pytest.mark.parametrize("size", [(48, 64), (30, 40), (64, 64), (66, 50)])
def test_narrow_pictures_keep_their_content(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_video(tmp_path / "a.mp4", [plain((200, 40, 40), size)] * 5, sound=False)
    frame = DecordReader(path, 1).frame(2)
    assert frame.shape[1] / frame.shape[0] == pytest.approx(size[0] / size[1], rel=0.05)
    assert np.abs(frame.reshape(-1, 3).astype(int) - (200, 40, 40)).max() < 16


def test_a_blank_frame_is_replaced_by_the_middle_of_its_slot(tmp_path: Path) -> None:
    frames = [*[plain((0, 0, 0))] * 5, *[picture(1)] * 5]
    reader = open_video(write_video(tmp_path / "a.mp4", frames, sound=False), 1)
    shot = read_shot(reader, 0, 7)
    assert shot is not None
    assert shot.pts_seconds == pytest.approx(0.7, abs=1e-6)
    assert read_shot(reader, 0, 3) is None


def test_a_file_without_pictures_says_so(tmp_path: Path) -> None:
    with pytest.raises(DecodeError) as caught:
        open_video(write_sound(tmp_path / "a.ogg"), 1)
    assert caught.value.code == "no_stream"


def test_a_file_that_no_decoder_opens_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(b"\x1aE\xdf\xa3" + bytes(500))
    with pytest.raises(DecodeError) as caught:
        open_video(path, 1)
    assert caught.value.code == "corrupt"


def test_without_pyav_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.mp4", codec="libsvtav1", sound=False)
    monkeypatch.setattr("ingest.video.has_pyav", lambda: False)
    with pytest.raises(DecodeError) as caught:
        open_video(path, 1)
    assert caught.value.code == "unsupported"
    assert "sensorium[pyav]" in caught.value.hint


def test_pyav_reads_sound_where_there_is_some(tmp_path: Path) -> None:
    samples = read_sound(write_video(tmp_path / "a.mp4", tone_hz=660.0), 16_000)
    assert samples is not None
    assert np.abs(np.fft.rfft(samples)).argmax() * 16_000 / len(samples) == pytest.approx(
        660, abs=2
    )
    assert read_sound(write_image(tmp_path / "a.png", 1), 16_000) is None
