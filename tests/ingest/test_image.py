"""Stills: upright, on white, eight bits, whatever they were stored as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.errors import DecodeError
from ingest.image import decode_image
from support.media import picture, write_image

MAX_PIXELS = 1_000_000


def pixels(path: Path, short_side: int = 10_000) -> np.ndarray:
    return np.asarray(decode_image(path, MAX_PIXELS, short_side)[0], dtype=int)


@pytest.mark.parametrize(
    ("suffix", "error"),
    [
        (".png", 0),
        (".bmp", 0),
        (".tiff", 0),
        (".gif", 12),
        (".jpg", 8),
        (".webp", 8),
        (".avif", 10),
    ],
)
def test_formats(tmp_path: Path, suffix: str, error: float) -> None:
    path = write_image(tmp_path / f"a{suffix}", 2)
    assert np.abs(pixels(path) - picture(2)).mean() <= error


STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
def test_every_exif_orientation_comes_out_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](picture(7)))
    path = write_image(tmp_path / "a.png", stored, exif=exif)
    image, width, height = decode_image(path, MAX_PIXELS, 64)
    assert (width, height) == (96, 64)
    assert np.array_equal(np.asarray(image), picture(7))


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    layer = np.zeros((20, 20, 4), np.uint8)
    layer[:10] = (255, 0, 0, 255)
    write_image(tmp_path / "a.png", layer)
    found = pixels(tmp_path / "a.png")
    assert (found[:10] == (255, 0, 0)).all()
    assert (found[10:] == 255).all()


def test_a_transparent_palette_is_white(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 0, 0, 255])
    image.paste(1, (0, 0, 4, 8))
    image.save(tmp_path / "a.png", transparency=0)
    found = pixels(tmp_path / "a.png")
    assert (found[:, :4] == (0, 0, 255)).all()
    assert (found[:, 4:] == 255).all()


def test_sixteen_bits_keep_their_brightness(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    assert np.abs(pixels(tmp_path / "a.png")[..., 0] - ramp / 257).max() <= 1


def test_float_pixels_take_their_own_range(tmp_path: Path) -> None:
    ramp = np.linspace(-2, 2, 64 * 64).reshape(64, 64).astype(np.float32)
    ramp[0, 5] = np.nan
    Image.fromarray(ramp).save(tmp_path / "a.tiff")
    found = pixels(tmp_path / "a.tiff")[..., 0]
    assert (found[0, 0], found[0, 5], found[-1, -1]) == (0, 0, 255)


def test_cmyk_is_converted(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    red, green, blue = pixels(tmp_path / "a.jpg")[8, 8]
    assert red > 200
    assert max(green, blue) < 60


def test_the_first_frame_of_a_gif_is_taken(tmp_path: Path) -> None:
    frames = [Image.fromarray(picture(seed)) for seed in (1, 2)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert np.abs(pixels(tmp_path / "a.gif") - picture(1)).mean() < 12


def test_a_large_jpeg_is_decoded_smaller_but_tells_its_size(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.jpg", picture(1, (960, 640)))
    image, width, height = decode_image(path, MAX_PIXELS, 100)
    assert (width, height) == (960, 640)
    assert image.size == (240, 160)


def test_the_header_alone_refuses_too_many_pixels(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png", picture(1, (200, 100)))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DecodeError) as caught:
        decode_image(path, 19_999, 64)
    assert caught.value.code == "too_many_pixels"


def test_heic_without_content_is_corrupt_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    with pytest.raises(DecodeError) as caught:
        decode_image(path, MAX_PIXELS, 64)
    assert caught.value.code in {"corrupt", "truncated"}
