"""Words on screen, read from rendered frames."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.onnx import Threads
from encoders.screen import ScreenReader
from encoders.wheels import ModelUnavailableError


def page(*lines: str) -> NDArray[np.uint8]:
    """Black lines of text on white."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (640, 240), "white")
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((30, 30 + 90 * row), line, fill="black", font=ImageFont.load_default(48))
    return np.asarray(image)


def test_a_line_that_stays_is_told_once() -> None:
    pytest.importorskip("rapidocr", reason="the extra ocr is not installed")
    frames = np.stack([page("Breaking News"), page("BREAKING NEWS", "Snow in May"), page("D")])

    assert ScreenReader(Threads(count=1)).read(frames) == "Breaking News\nSnow in May"


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)

    with pytest.raises(ModelUnavailableError, match=r"install sensorium\[ocr\]"):
        ScreenReader().read(page("x")[None])
