"""A file that ends before it says is refused, wherever it is cut; a whole one passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.containers import check_whole
from ingest.errors import DecodeError
from support.media import write_image, write_sound, write_video


def make(path: Path) -> Path:
    if path.suffix == ".wav":
        return write_sound(path)
    if path.suffix in {".webp", ".avif"}:
        return write_image(path, 1)
    codec = "mpeg4" if path.suffix == ".avi" else "libx264"
    return write_video(path, codec=codec)


@pytest.mark.parametrize("name", ["a.wav", "a.webp", "a.avif", "a.avi", "a.mp4", "a.mov", "a.mkv"])
def test_whole_files_pass(tmp_path: Path, name: str) -> None:
    check_whole(make(tmp_path / name))


@pytest.mark.parametrize("name", ["a.wav", "a.webp", "a.avi", "a.mp4", "a.mov", "a.mkv"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_cut_files_are_truncated(tmp_path: Path, name: str, share: float) -> None:
    path = make(tmp_path / name)
    data = path.read_bytes()
    path.write_bytes(data[: min(int(len(data) * share), len(data) - 3)])
    with pytest.raises(DecodeError) as caught:
        check_whole(path)
    assert caught.value.code == "truncated"


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF])
def test_a_sound_written_as_a_stream_passes(tmp_path: Path, size: int) -> None:
    path = write_sound(tmp_path / "a.wav")
    data = bytearray(path.read_bytes())
    data[4:8] = size.to_bytes(4, "little")
    path.write_bytes(data)
    check_whole(path)


def test_junk_after_a_complete_movie_is_forgiven(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes() + b"\xff" * 500)
    check_whole(path)
