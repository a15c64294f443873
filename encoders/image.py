"""Stills and video frames with the packaged CLIP ViT-B/16 image tower."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from encoders.base import Fingerprint, unit
from encoders.onnx import Feed, OnnxModel, Threads
from encoders.weights import weights_named

SIDE = 224
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32)
DEVIATION = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32)
LONGEST_RATIO = 20
"""A picture longer than this many times its width loses its ends before it is scaled, or a strip of
one pixel would grow to millions."""


class ClipImageEncoder:
    """CLIP ViT-B/16, int8: images to vectors, or to one vector per patch.

    Args:
        threads: how many images are worked on at once.
    """

    weights = "clip-vit-b16"
    width = 512

    def __init__(self, threads: Threads | None = None) -> None:
        self._model = OnnxModel(self.weights, threads or Threads())

    @property
    def fingerprint(self) -> Fingerprint:
        """What makes these vectors."""
        return Fingerprint(
            model=self.weights,
            revision=weights_named(self.weights).files[0].sha256,
            preprocessing=f"short side {SIDE} bicubic, centre crop, CLIP mean and deviation",
        )

    def encode(self, media: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Encode images.

        Args:
            media: B images (H, W, 3) uint8 of any size.

        Returns:
            Unit vectors, (B, 512).
        """
        rows = self._model.run_each(media, _feed, "image_embeds")
        return unit(np.concatenate(rows)) if rows else np.zeros((0, self.width), np.float32)

    def patches(self, media: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Last hidden state: the class token, then 14 x 14 patches row by row.

        Args:
            media: B images (H, W, 3) uint8 of any size.

        Returns:
            Hidden vectors, not scaled, (B, 197, 768).
        """
        rows = self._model.run_each(media, _feed, "onnx::Gather_1524")
        return np.concatenate(rows) if rows else np.zeros((0, 197, 768), np.float32)


def clip_pixels(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What CLIP sees of an image.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        Normalised channels, (3, 224, 224).
    """
    from PIL import Image

    height, width = image.shape[:2]
    short = min(height, width)
    image = _centre(image, min(height, short * LONGEST_RATIO), min(width, short * LONGEST_RATIO))
    height, width = image.shape[:2]
    size = (SIDE, SIDE * height // width) if width < height else (SIDE * width // height, SIDE)
    if size != (width, height):
        scaled = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
        image = np.asarray(scaled)
    pixels = _centre(image, SIDE, SIDE).astype(np.float32) / 255.0
    return np.ascontiguousarray(((pixels - MEAN) / DEVIATION).transpose(2, 0, 1))


def _centre(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def _feed(image: NDArray[np.uint8]) -> Feed:
    return {"pixel_values": clip_pixels(image)[None]}
