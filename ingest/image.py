"""Decode one still: upright, on white, eight bits a channel, refused by its header if too large.

- The header decides before a pixel is decoded: a decompression bomb costs nothing.
- The format is what the bytes say, not what the name says; HEIC needs the extra ``heic``.
- A large JPEG is decoded at a half, quarter or eighth where that still is enough.
- Sixteen-bit pictures are scaled by their bit depth, other depths by their own range.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ingest.errors import DecodeError
from ingest.kinds import HEIC_BRANDS
from ingest.pictures import scaled_size

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")


def decode_image(path: Path, max_pixels: int, short_side: int) -> tuple[Image.Image, int, int]:
    """Decode a still at no less than a short side.

    Args:
        path: a local file.
        max_pixels: most pixels that its header may claim.
        short_side: pixels wanted along the shorter side; more may come back.

    Returns:
        The upright RGB picture, and the upright width and height of the source.

    Raises:
        DecodeError: ``too_many_pixels``, ``truncated``, ``corrupt`` or ``unsupported``.
    """
    with _sorted_errors(path), Image.open(path, formats=_formats(path)) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise DecodeError(
                "too_many_pixels",
                f"{path.name} claims {width} by {height} pixels, over the limit of {max_pixels}",
                "raise decode.max_pixels to take it",
            )
        image.draft("RGB", scaled_size(image.size, short_side))
        image.load()
        upright = ImageOps.exif_transpose(image)
        turned = image.getexif().get(0x0112, 1) >= 5
        size = (height, width) if turned else (width, height)
        return _as_rgb(upright), *size


def _formats(path: Path) -> tuple[str, ...]:
    with path.open("rb") as stream:
        head = stream.read(12)
    if head[4:8] != b"ftyp" or head[8:12] not in HEIC_BRANDS:
        return FORMATS
    try:
        import pi_heif
    except ImportError as error:
        raise DecodeError(
            "unsupported", f"{path.name} is a HEIC picture", "install sensorium[heic]"
        ) from error
    pi_heif.register_heif_opener()
    return (*FORMATS, "HEIF")


@contextmanager
def _sorted_errors(path: Path) -> Iterator[None]:
    """Turn what Pillow raises for bad content into one of our codes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except FileNotFoundError as error:
            raise DecodeError("missing", f"{path.name} is not there") from error
        except Image.DecompressionBombError as error:
            raise DecodeError(
                "too_many_pixels", f"{path.name} claims more pixels than any decoder takes"
            ) from error
        except UnidentifiedImageError as error:
            raise DecodeError("corrupt", f"{path.name} has a header no decoder knows") from error
        except (OSError, SyntaxError, ValueError, RuntimeError, EOFError, MemoryError) as error:
            cut = "truncated" in str(error) or isinstance(error, EOFError)
            raise DecodeError(
                "truncated" if cut else "corrupt", f"{path.name} cannot be decoded ({error})"
            ) from error


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in {"I", "F"}:
        return Image.fromarray(_to_bytes(np.asarray(image, dtype=np.float64))).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _to_bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Stretch any range to [0, 255]; values that are no numbers become black."""
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    low, high = values[finite].min(), values[finite].max()
    stretched = np.where(finite, (values - low) / max(high - low, 1e-12), 0.0)
    return np.asarray(np.rint(stretched * 255), dtype=np.uint8)
