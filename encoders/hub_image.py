"""OpenCLIP: images and words in one space.

On a GPU weights and activations are bfloat16; vectors leave as float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.base import Fingerprint, unit
from encoders.hub_files import HubModel, device_named, resolve

IMAGES_PER_PASS = 64
TEXTS_PER_PASS = 256

_CONFIG = ("open_clip_config.json",)
_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
SIGLIP2_B16 = HubModel(
    name="siglip2-b16",
    repository="timm/ViT-B-16-SigLIP2",
    revision="eee10eff6dd8cabae2d7f379d4e8cfcd352030aa",
    files=(*_CONFIG, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    weights=_WEIGHTS,
    width=768,
)
VIT_B32 = HubModel(
    name="vit-b32",
    repository="laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    revision="1a25a446712ba5ee05982a381eed697ef9b435cf",
    files=_CONFIG,
    weights=_WEIGHTS,
    width=512,
)
VIT_B16 = HubModel(
    name="vit-b16",
    repository="laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
    revision="7288da5a0d6f0b51c4a2b27c624837a9236d0112",
    files=_CONFIG,
    weights=_WEIGHTS,
    width=512,
)


class OpenClipEncoder:
    """An OpenCLIP model: images to vectors, and words to vectors in the same space.

    Args:
        model: which, at which revision.
        device: auto, cpu or cuda.
        compiled: whether the image tower goes through ``torch.compile``.
    """

    def __init__(
        self, model: HubModel = SIGLIP2_B16, device: str = "auto", compiled: bool = False
    ) -> None:
        self.model = model
        self.device = device
        self.compiled = compiled

    @property
    def width(self) -> int:
        """Length of the vectors."""
        return self.model.width

    @property
    def fingerprint(self) -> Fingerprint:
        """What makes the vectors of images."""
        return self.model.fingerprint("open_clip evaluation transform")

    def encode(self, media: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Encode images.

        Args:
            media: B images (H, W, 3) uint8 of any size.

        Returns:
            Unit vectors, (B, D).

        Raises:
            ModelUnavailableError: the weights cannot be had.
            torch.OutOfMemoryError: the batch is too large for the device.
        """
        import torch
        from PIL import Image

        network, transform, _ = self._loaded
        rows = [np.zeros((0, self.width), np.float32)]
        for batch in _passes(media, IMAGES_PER_PASS):
            pixels = torch.stack([transform(Image.fromarray(image)) for image in batch])
            with torch.inference_mode():
                vectors = network.encode_image(self._placed(pixels))
            rows.append(vectors.float().cpu().numpy())
        return unit(np.concatenate(rows))

    def encode_words(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode words into the space of images.

        Args:
            texts: B short texts; what the text tower cannot take in is cut off.

        Returns:
            Unit vectors, (B, D).
        """
        import torch

        network, _, tokenizer = self._loaded
        rows = [np.zeros((0, self.width), np.float32)]
        for batch in _passes(texts, TEXTS_PER_PASS):
            with torch.inference_mode():
                vectors = network.encode_text(tokenizer(list(batch)).to(self._place))
            rows.append(vectors.float().cpu().numpy())
        return unit(np.concatenate(rows))

    def _placed(self, pixels: Any) -> Any:
        import torch

        kind = torch.bfloat16 if self._place == "cuda" else torch.float32
        return pixels.to(device=self._place, dtype=kind)

    @cached_property
    def _place(self) -> str:
        return device_named(self.device)

    @cached_property
    def _loaded(self) -> tuple[Any, Any, Any]:
        """Network, image transform and tokenizer."""
        folder = f"local-dir:{resolve(self.model)}"
        import open_clip
        import torch

        precision = "bf16" if self._place == "cuda" else "fp32"
        network, _, transform = open_clip.create_model_and_transforms(
            folder, precision=precision, device=self._place
        )
        network.eval()
        if self.compiled:
            network.visual = torch.compile(network.visual)
        return network, transform, open_clip.get_tokenizer(folder)


def _passes(media: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(media), size):
        yield media[start : start + size]
