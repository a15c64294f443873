"""What first bytes say, against what names promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import DecodeError
from ingest.item import Modality
from ingest.kinds import EXTENSIONS, SNIFF_BYTES, check_kind, extension, sniff
from support.media import write_aac, write_image, write_sound, write_video


@pytest.mark.parametrize(
    "name",
    [
        *("a.jpg", "a.png", "a.webp", "a.avif", "a.gif", "a.bmp", "a.tiff"),
        *("a.wav", "a.mp3", "a.flac", "a.ogg", "a.opus", "a.m4a", "a.aac"),
        *("a.mp4", "a.mov", "a.mkv", "a.avi", "a.flv", "a.ts", "a.mpg"),
    ],
)
def test_real_files_pass_under_their_own_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    promised = EXTENSIONS[extension(name)]
    if promised is Modality.IMAGE:
        write_image(path, 1)
    elif promised is Modality.VIDEO:
        old = path.suffix in {".mpg", ".flv"}
        codec = {".mpg": "mpeg1video", ".flv": "flv"}[path.suffix] if old else "libx264"
        write_video(path, sound=False, codec=codec, fps=25)
    elif path.suffix in {".m4a", ".aac"}:
        write_aac(path)
    else:
        write_sound(path)
    kind = check_kind(path.read_bytes()[:SNIFF_BYTES], promised, name)
    assert promised in kind.modalities


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (bytes(100), "nothing but zero bytes"),
        (b"<!DOCTYPE html><p>", "an HTML page"),
        (b'{"a": 1}', "a text file"),
        ("caf\u00e9 ".encode() * 5000, "a text file"),
    ],
)
def test_other_files_are_called_by_their_name(data: bytes, name: str) -> None:
    with pytest.raises(DecodeError, match=name) as caught:
        check_kind(data[:SNIFF_BYTES], Modality.VIDEO, "a.mp4")
    assert caught.value.code == "mismatch"


def test_what_nothing_fits_is_nothing() -> None:
    assert sniff(b"\x13\x37\xc0\xde" * 30) is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("a.JPG", "jpg"), ("a.tar.gz", "gz"), ("README", ""), (".hidden", ""), ("d.x/file", "")],
)
def test_extension(name: str, wanted: str) -> None:
    assert extension(name) == wanted
