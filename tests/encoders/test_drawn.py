"""Words as pictures: what is drawn, what cannot be, and that the image tower reads it."""

from __future__ import annotations

import string
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.base import Fingerprint, unit
from encoders.drawn import MARGIN, SIDE, DrawnWords, drawing, spelling
from encoders.image import ClipImageEncoder
from encoders.onnx import Threads
from support.media import plain


class InkCounter:
    """An image tower that sees the share of ink in each quarter of a picture."""

    width = 4
    fingerprint = Fingerprint(model="ink", revision="1", preprocessing="none")

    def encode(self, media: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        dark = 255.0 - np.stack(media).mean(axis=-1)
        half = SIDE // 2
        return unit(dark.reshape(len(media), 2, half, 2, half).mean(axis=(2, 4)).reshape(-1, 4))


def ink(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((picture < 128).any(axis=-1))


@pytest.mark.parametrize(
    "letters", ["I", "chrysanthemum", "a playing card: ace", "fjord gyp " * 12, "m" * 12]
)
def test_a_drawing_shows_all_of_its_letters_within_the_margins(letters: str) -> None:
    marks = ink(drawing(letters))

    assert marks.shape == (SIDE, SIDE)
    assert marks.any()
    inner = slice(MARGIN - 1, 1 - MARGIN)
    assert marks[inner, inner].sum() == marks.sum()
    top, bottom = np.flatnonzero(marks.any(axis=1))[[0, -1]]
    left, right = np.flatnonzero(marks.any(axis=0))[[0, -1]]
    assert abs(top + bottom - SIDE) < SIDE // 8
    assert abs(left + right - SIDE) < SIDE // 8


def test_letters_of_a_long_phrase_are_smaller_but_all_there() -> None:
    short, long = drawing("oak"), drawing("oak " * 9)

    assert ink(long).sum() > ink(short).sum()
    np.testing.assert_array_equal(drawing("oak"), short)


def test_what_never_fits_is_cut_off() -> None:
    assert drawing("m" * 500).shape == drawing("many words " * 500).shape == (SIDE, SIDE, 3)


def test_every_letter_of_english_is_in_the_font() -> None:
    letters = string.ascii_letters + string.digits + string.punctuation

    assert spelling(letters) == letters
    pictures = {drawing(letter).tobytes() for letter in letters}
    assert len(pictures) == len(letters)


@pytest.mark.parametrize(
    ("phrase", "letters"),
    [
        ("crème brûlée", "creme brulee"),
        ("  two\twords\n", "two words"),
        ("park \u2013 by night 🌙", "park by night"),
        ("№ 5 ™", "No 5 TM"),
        ("red 红色", ""),
        ("красный", ""),
        ("straße", ""),
        ("🌙", ""),
        ("", ""),
    ],
)
def test_no_box_is_drawn_for_a_letter_that_the_font_lacks(phrase: str, letters: str) -> None:
    assert spelling(phrase) == letters


def test_each_phrase_gets_its_own_row() -> None:
    words = DrawnWords(InkCounter())

    rows = words.encode(["left", "红", "to the right of it", ""])

    assert rows.shape == (4, 4)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[[1, 3]], 0)
    np.testing.assert_array_equal(rows[[2]], words.encode(["to the right of it"]))
    assert not np.array_equal(rows[0], rows[2])
    np.testing.assert_allclose(np.linalg.norm(rows[[0, 2]], axis=1), 1, atol=1e-6)
    assert words.encode([]).shape == (0, 4)
    np.testing.assert_array_equal(words.encode(["红"]), np.zeros((1, 4)))


@pytest.mark.usefixtures("default_weights")
def test_the_image_tower_reads_the_names_of_colours() -> None:
    tower = ClipImageEncoder(Threads(count=2))
    shown = {
        "red": (200, 20, 20),
        "green": (20, 140, 20),
        "blue": (20, 20, 200),
        "yellow": (230, 220, 20),
    }

    words = DrawnWords(tower).encode(list(shown))

    pictures = tower.encode([plain(colour) for colour in shown.values()])
    alike = unit(pictures - pictures.mean(axis=0)) @ unit(words - words.mean(axis=0)).T
    assert (alike.argmax(axis=1) == range(len(shown))).all()
    assert np.diag(alike).min() > alike[~np.eye(len(shown), dtype=bool)].max() + 0.1
