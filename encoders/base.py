"""The contract of this room: an encoder, its fingerprint, and what it gives for one content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ingest.item import Modality

MediaT_contra = TypeVar("MediaT_contra", contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What made a vector: two vectors are comparable only where these agree."""

    model: str
    """Name of the weights."""
    revision: str
    """Pinned revision, or sha256 of the weight file."""
    preprocessing: str
    """Everything done to the media before the weights see it, in words."""

    @property
    def digest(self) -> str:
        """Sixteen hex digits that stand for the three fields."""
        text = "\n".join((self.model, self.revision, self.preprocessing))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class Encoder(Protocol[MediaT_contra]):
    """One modality in, one unit vector out."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What makes this encoder's vectors."""

    @property
    def width(self) -> int:
        """Length D_m of its vectors."""

    def encode(self, media: Sequence[MediaT_contra]) -> NDArray[np.float32]:
        """Encode a batch.

        Args:
            media: B decoded media: images (H, W, 3) uint8, ``Waveform``, or str.

        Returns:
            Unit vectors, (B, D_m) float32, in the order given.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """One view of one content in its encoder's own (native) space."""

    modality: Modality
    """The slot of fusion that this view fills."""
    source: str
    """Where the view comes from: frames, sound, text, speech (heard) or screen (read)."""
    fingerprint: str
    """Digest of the encoder's fingerprint."""
    vector: NDArray[np.float32]
    """Unit vector of the whole content, (D_m,)."""
    segment_vectors: NDArray[np.float32]
    """Unit vectors of stretches, (S, D_m); S is 0 where the content has none."""
    segment_bounds: NDArray[np.float64]
    """``start_seconds, end_seconds`` of each stretch, (S, 2)."""
    words: str = ""
    """The text behind a speech or screen view."""

    def __post_init__(self) -> None:
        if self.vector.ndim != 1:
            raise ValueError(f"expected one vector (D,), got {self.vector.shape = }")
        if len(self.segment_vectors) != len(self.segment_bounds):
            raise ValueError(
                f"one pair of bounds per stretch: {self.segment_vectors.shape = }, "
                f"{self.segment_bounds.shape = }"
            )


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scale rows (B, D) to length one; a row of zeros stays zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1.0), dtype=np.float32)
