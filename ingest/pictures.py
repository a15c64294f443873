"""What is done to one frame: scale it, judge it, hash it, make a thumbnail of it.

- A frame is blank where no colour channel varies: black, white, a fade, a plain card. Such frames
  say nothing about an item and make unlike clips look alike.
- The perceptual hash (pHash) says which of the 63 lowest waves of brightness, of a cosine transform
  of 32 by 32 cells, are above their median. It survives recoding, scaling and brighter or darker
  copies, and tells unlike frames apart better than a hash of neighbouring cells does.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BLANK_DEVIATION = 4.0
"""Standard deviation in [0, 255] below which a channel counts as plain."""
MAX_LONG_SIDE = 2048
"""Longest side of a scaled picture, whatever its shape."""
HASH_CELLS = 32
_STEPS = np.arange(HASH_CELLS)
_COSINES = np.cos(np.pi / HASH_CELLS * np.outer(_STEPS[:8], _STEPS + 0.5))
_BIT_VALUES = np.uint64(1) << np.arange(63, dtype=np.uint64)


def scaled_size(size: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Give width and height after scaling down to a short side; never larger than before."""
    width, height = size
    ratio = min(1.0, short_side / min(size), max(MAX_LONG_SIDE, short_side) / max(size))
    return max(1, round(width * ratio)), max(1, round(height * ratio))


def scale(picture: Image.Image, short_side: int) -> NDArray[np.uint8]:
    """Scale an RGB picture down to a short side.

    Returns:
        RGB in [0, 255], (H, W, 3) uint8.
    """
    size = scaled_size(picture.size, short_side)
    if size != picture.size:
        # A box filter takes the picture to within twice the size; bicubic does the rest.
        picture = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(picture, dtype=np.uint8)


def detail(frame: NDArray[np.uint8]) -> float:
    """How much there is to see: the largest deviation of a channel, in [0, 128].

    Args:
        frame: RGB, (H, W, 3) uint8.
    """
    step = max(1, min(frame.shape[:2]) // 64)
    return float(frame[::step, ::step].reshape(-1, 3).std(axis=0).max())


def is_blank(frame: NDArray[np.uint8]) -> bool:
    """Whether a frame (H, W, 3) is one plain colour."""
    return detail(frame) < BLANK_DEVIATION


def frame_hash(frame: NDArray[np.uint8]) -> np.uint64:
    """Perceptual hash of one frame (H, W, 3); like frames differ in few bits."""
    size = (HASH_CELLS, HASH_CELLS)
    grid = Image.fromarray(frame).convert("L").resize(size, Image.Resampling.BOX)
    waves = _COSINES @ np.asarray(grid, dtype=np.float64) @ _COSINES.T  # (8, 8)
    waves = waves.ravel()[1:]
    return np.uint64(_BIT_VALUES[waves > np.median(waves)].sum())


def make_thumbnail(frame: NDArray[np.uint8], long_side: int) -> bytes:
    """Encode a frame (H, W, 3) as a JPEG whose longer side is at most ``long_side``."""
    picture = Image.fromarray(frame)
    picture.thumbnail((long_side, long_side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    return buffer.getvalue()
