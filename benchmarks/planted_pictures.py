"""Drawn shapes in known colours on patterned grounds: pictures whose aspects are known."""

from __future__ import annotations

import math
import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SIDE = 224
COLOURS = {
    "red": (210, 40, 40),
    "green": (40, 160, 60),
    "blue": (50, 80, 210),
    "yellow": (235, 210, 40),
    "purple": (130, 50, 160),
    "orange": (240, 140, 30),
}
CORNERS = {"square": (4, 1.0), "triangle": (3, 1.0), "star": (5, 0.42)}
"""Corners, and radius of the points between them."""
SHAPES = ("circle", "crescent", *CORNERS)
PATTERNS = ("plain", "striped", "dotted", "checked")
GROUNDS = ((240, 240, 235), (200, 200, 205), (60, 60, 65), (225, 215, 200))

Colour = tuple[int, int, int]


def planted_pictures(
    number: int, seed: int
) -> tuple[list[NDArray[np.uint8]], list[str], list[str]]:
    """Draw pictures.

    Args:
        number: how many.
        seed: of everything about them.

    Returns:
        Pictures (224, 224, 3), the shape of each, and the colour of each.
    """
    chooser = random.Random(seed)
    shapes = [chooser.choice(SHAPES) for _ in range(number)]
    colours = [chooser.choice(list(COLOURS)) for _ in range(number)]
    drawn = [_picture(s, COLOURS[c], chooser) for s, c in zip(shapes, colours, strict=True)]
    return drawn, shapes, colours


def _picture(shape: str, colour: Colour, chooser: random.Random) -> NDArray[np.uint8]:
    picture = _ground(chooser)
    radius = chooser.randint(45, 80)
    x, y = chooser.randint(90, 134), chooser.randint(90, 134)
    red, green, blue = (min(255, max(0, part + chooser.randint(-25, 25))) for part in colour)
    mask = Image.new("L", picture.size, 0)
    canvas = ImageDraw.Draw(mask)
    if shape in CORNERS:
        corners, between = CORNERS[shape]
        canvas.polygon(_outline(corners, between, (x, y), radius * 1.2, chooser), fill=255)
    else:
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    if shape == "crescent":
        right, up = x + radius / 2, y - 8
        canvas.ellipse((right - radius, up - radius, right + radius, up + radius), fill=0)
    picture.paste((red, green, blue), mask=mask)
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(chooser.uniform(0, 1.2))))


def _ground(chooser: random.Random) -> Image.Image:
    base, pattern = chooser.choice(GROUNDS), chooser.choice(PATTERNS)
    shift = -40 if sum(base) > 300 else 50
    other = (base[0] + shift, base[1] + shift, base[2] + shift)
    picture, step = Image.new("RGB", (SIDE, SIDE), base), chooser.randint(16, 28)
    canvas = ImageDraw.Draw(picture)
    for row, y in enumerate(range(0, SIDE, step)):
        for column, x in enumerate(range(0, SIDE, step)):
            box = (x, y, x + step - 1, y + step - 1)
            if pattern == "dotted" and row % 2 == column % 2 == 0:
                canvas.ellipse(box, fill=other)
            elif (pattern == "striped" and column % 2) or (
                pattern == "checked" and (row + column) % 2
            ):
                canvas.rectangle(box, fill=other)
    return picture


def _outline(
    corners: int, between: float, centre: tuple[int, int], radius: float, chooser: random.Random
) -> list[tuple[float, float]]:
    turn, points = chooser.uniform(-0.4, 0.4), 2 * corners
    radii = [radius if n % 2 == 0 else radius * _between(corners, between) for n in range(points)]
    angles = [turn + 2 * math.pi * n / points for n in range(points)]
    return [
        (centre[0] + r * math.sin(a), centre[1] - r * math.cos(a))
        for r, a in zip(radii, angles, strict=True)
    ]


def _between(corners: int, share: float) -> float:
    """Radius half-way between two corners: on the edge for a convex shape, less for a star."""
    return share if share < 1 else math.cos(math.pi / corners)
