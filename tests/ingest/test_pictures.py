"""Frames: scaled, judged blank, hashed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ingest.pictures import frame_hash, is_blank, make_thumbnail, scale, scaled_size
from support.media import picture, plain


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((1280, 720), (455, 256)),
        ((720, 1280), (256, 455)),
        ((100, 80), (100, 80)),
        ((100_000, 1000), (2048, 20)),
    ],
)
def test_scaled_size(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert scaled_size(size, 256) == wanted


def test_scaling_keeps_the_picture() -> None:
    frame = scale(Image.fromarray(picture(1, (1000, 700))), 256)
    wanted = Image.fromarray(picture(1, (1000, 700))).resize((366, 256), Image.Resampling.BOX)
    assert np.abs(frame.astype(int) - np.asarray(wanted)).mean() < 2


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
def test_plain_frames_are_blank_even_with_noise(colour: tuple[int, int, int]) -> None:
    noise = np.random.default_rng(0).normal(0, 2, (64, 96, 3))
    noisy = np.clip(plain(colour) + noise, 0, 255).astype(np.uint8)
    assert is_blank(noisy)


def test_dark_pictures_and_pictures_of_equal_brightness_are_not_blank() -> None:
    assert not is_blank((picture(1) // 4).astype(np.uint8))
    halves = plain((128, 60, 60))
    halves[:, 48:] = (60, 95, 60)
    assert not is_blank(halves)


def test_hashes_of_copies_are_near_and_of_others_far() -> None:
    rng = np.random.default_rng(0)
    hashes = [int(frame_hash(picture(seed))) for seed in range(50)]
    for seed, known in enumerate(hashes):
        changed = picture(seed) * 0.7 + 20 + rng.normal(0, 3, (64, 96, 3))
        copy = int(frame_hash(np.clip(changed, 0, 255).astype(np.uint8)))
        assert (copy ^ known).bit_count() <= 8
    apart = [(a ^ b).bit_count() for n, a in enumerate(hashes) for b in hashes[:n]]
    assert min(apart) > 8
    assert np.mean(apart) == pytest.approx(31, abs=2)


def test_a_thumbnail_is_a_small_jpeg() -> None:
    thumbnail = Image.open(io.BytesIO(make_thumbnail(picture(1, (600, 300)), 320)))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (320, 160))
