"""Words as pictures: candidate words brought into the space of an image tower that reads.

CLIP's image tower reads: a picture of written words lies near the pictures of what they name. The
bundled family has no text tower for that space, so words are drawn and looked at: beside what a
learnt map makes of pictures in the space of sentences, a second opinion that goes through no map.
Choices a reader would question:

- The shipped maps are learnt from words in many fonts and colours, so that they learn no look. Here
  words are compared with each other, and a look that all of them share makes no difference: each is
  drawn once, black on white.
- The font is the one inside Pillow, and Pillow alone lays it out: what a word looks like must not
  depend on the fonts and libraries of a machine.
- The font has the letters of English. Accents are left off, and so are marks that it lacks; a
  phrase with any other letter is not drawn, for the boxes in place of letters all look alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from encoders.base import Encoder

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw as Canvas
    from PIL.ImageFont import FreeTypeFont

SIDE = 224
MARGIN = 8
MIDDLE = (SIDE / 2, SIDE / 2)
SIZES = range(48, 12, -4)
"""Sizes of letters in pixels, of which the first that fits is taken. Larger letters name no better:
a short word would only look less like a long one."""
_NOWHERE = "\U0010ffff"
"""No font has it: its drawing is the box in place of every letter that a font lacks."""


class DrawnWords:
    """Words by what an image tower sees of them.

    Args:
        image: the tower; one that reads, or the vectors mean nothing.
    """

    def __init__(self, image: Encoder[NDArray[np.uint8]]) -> None:
        self._image = image

    def encode(self, phrases: Sequence[str]) -> NDArray[np.float32]:
        """Encode drawings of words.

        Args:
            phrases: B phrases; of a very long one, what does not fit is not seen.

        Returns:
            Unit vectors, (B, D_m); a row of zeros for a phrase that cannot be drawn.

        Raises:
            ModelUnavailableError: the weights of the tower cannot be had.
        """
        rows = np.zeros((len(phrases), self._image.width), np.float32)
        spelt = {row: letters for row, text in enumerate(phrases) if (letters := spelling(text))}
        if spelt:
            rows[list(spelt)] = self._image.encode([drawing(text) for text in spelt.values()])
        return rows


def spelling(phrase: str) -> str:
    """The letters that a phrase is drawn with.

    Returns:
        Words with single spaces between them; empty where there is nothing to draw, or a letter
        that the font lacks.
    """
    drawn = []
    for letter in unicodedata.normalize("NFKD", phrase):
        if _in_font(letter):
            drawn.append(letter)
        elif unicodedata.category(letter)[0] in "LN":
            return ""
        elif not unicodedata.combining(letter):
            drawn.append(" ")
    return " ".join("".join(drawn).split())


def drawing(letters: str) -> NDArray[np.uint8]:
    """Letters as a picture, black on white, wrapped, smaller where they would not fit.

    Args:
        letters: as ``spelling`` gives them.

    Returns:
        RGB in [0, 255], (224, 224, 3).
    """
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (SIDE, SIDE), "white")
    canvas = ImageDraw.Draw(image)
    lines, font = _laid_out(letters, canvas)
    canvas.multiline_text(MIDDLE, lines, "black", font, "mm", align="center")
    return np.asarray(image)


def _laid_out(letters: str, canvas: Canvas) -> tuple[str, FreeTypeFont]:
    for size in SIZES:
        font = _font(size)
        lines = _wrapped(letters, font)
        box = canvas.multiline_textbbox(MIDDLE, lines, font, "mm", align="center")
        if min(box[:2]) >= MARGIN and max(box[2:]) <= SIDE - MARGIN:
            break
    return lines, font


def _wrapped(letters: str, font: FreeTypeFont) -> str:
    lines: list[str] = []
    for word in letters.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= SIDE - 2 * MARGIN:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


@cache
def _font(size: int) -> FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    # The other engine needs a library that not every machine has, and may set letters differently.
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


@cache
def _in_font(letter: str) -> bool:
    font = _font(SIZES[0])
    return bytes(font.getmask(letter)) != bytes(font.getmask(_NOWHERE))
