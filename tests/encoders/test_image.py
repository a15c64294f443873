"""The packaged CLIP image tower, against transformers' preprocessing and against itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.image import ClipImageEncoder, clip_pixels
from encoders.onnx import Threads
from support.media import picture


@pytest.mark.parametrize("size", [(224, 224), (401, 300), (300, 401), (60, 50), (225, 224)])
def test_pixels_equal_those_of_transformers(size: tuple[int, int]) -> None:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    image = picture(3, size)

    expected = CLIPImageProcessorPil()(images=image, return_tensors="np")["pixel_values"][0]

    np.testing.assert_allclose(clip_pixels(image), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 5000, 3), (5000, 1, 3), (1, 1, 3)])
def test_extreme_shapes_stay_small(shape: tuple[int, int, int]) -> None:
    assert clip_pixels(np.full(shape, 128, np.uint8)).shape == (3, 224, 224)


@pytest.mark.usefixtures("default_weights")
class TestEncoder:
    """With the real weights."""

    encoder = ClipImageEncoder(Threads(count=2))

    def test_a_batch_equals_one_by_one(self) -> None:
        images = [picture(seed, (120 + seed, 90)) for seed in range(4)]

        together = self.encoder.encode(images)

        alone = np.concatenate([self.encoder.encode([image]) for image in images])
        np.testing.assert_array_equal(together, alone)
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
        assert together.shape == (4, self.encoder.width)
        assert together.dtype == np.float32

    def test_likeness_is_seen(self) -> None:
        from sklearn.datasets import load_sample_image

        temple, flower = load_sample_image("china.jpg"), load_sample_image("flower.jpg")

        rows = self.encoder.encode([temple, temple[::2, ::-2], flower])

        assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2

    def test_patches_are_a_grid_that_follows_the_picture(self) -> None:
        image = picture(5, (224, 224))
        changed: NDArray[np.uint8] = image.copy()
        changed[:, :112] = 255 - changed[:, :112]

        before, after = self.encoder.patches([image, changed])

        assert before.shape == (197, 768)
        moved = np.linalg.norm(after - before, axis=1)[1:].reshape(14, 14)
        assert moved[:, :7].mean() > 1.2 * moved[:, 7:].mean()

    def test_nothing_gives_nothing(self) -> None:
        assert self.encoder.encode([]).shape == (0, 512)
        assert self.encoder.patches([]).shape == (0, 197, 768)
