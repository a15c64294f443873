"""Find clips and stills that show the same: recoded, rescaled, slightly cropped, trimmed copies.

- Clips are the same where most frames of one agree, in order, with frames of the other. One shared
  frame says nothing: unlike clips share logos, intros, outros and black.
- A still, or a clip that never moves, has one frame; it has to agree much more closely.
- Where vectors are given, they must be close too: a second witness against chance.
- Candidates come from a multi-index hash (faiss): four bands of sixteen bits, each tried exactly
  and with one bit turned, so that frames up to seven bits apart are always met. The pairs met are
  then compared frame by frame.
- A repeat is linked to its original and forgotten: links never chain, and a flood of copies costs
  no more than one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BANDS = 4
BAND_BITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicateConfig:
    """How alike is the same."""

    frame_bits: int = 14
    """Most differing bits, of 63, of two frames of clips that agree."""
    still_bits: int = 8
    """Most differing bits of two stills."""
    min_share: float = 0.55
    """Share of one clip's frames that must agree in order with the other's, in (0, 1]."""
    min_frames: int = 2
    """Frames of each clip that must take part."""
    min_cosine: float = 0.9
    """Smallest cosine between native vectors, where both items have one."""
    max_candidates: int = 50
    """Most candidates compared frame by frame, those that share most frames first."""

    def __post_init__(self) -> None:
        if not (0 <= self.still_bits <= self.frame_bits < 32 and 0 < self.min_share <= 1):
            raise ValueError(
                "expected 0 <= still_bits <= frame_bits < 32 and min_share in (0, 1]: "
                f"{self.still_bits = }, {self.frame_bits = }, {self.min_share = }"
            )


class NearDuplicates:
    """Originals seen so far; feed items one by one, earliest first.

    Keep one for clips and one for stills: a still of a clip is not its copy. Memory is about 100
    bytes per frame of each original, and its vector in half precision.

    Args:
        config: how alike is the same.
    """

    def __init__(self, config: NearDuplicateConfig | None = None) -> None:
        import faiss

        self.config = config or NearDuplicateConfig()
        self._index: Any = faiss.IndexBinaryMultiHash(BANDS * BAND_BITS, BANDS, BAND_BITS)
        self._index.nflip = 1
        self._keys: list[str] = []
        self._hashes: list[NDArray[np.uint64]] = []
        self._vectors: list[NDArray[np.float16] | None] = []
        self._owners: list[int] = []

    def add(
        self,
        key: str,
        frame_hashes: NDArray[np.uint64],
        vector: NDArray[np.floating] | None = None,
    ) -> str | None:
        """Compare an item with the originals; keep it as one where it is new.

        Args:
            key: name of the item.
            frame_hashes: perceptual hashes of its informative frames in order of time, (T,);
                an item without any is never the same as another.
            vector: unit vector of the item in its tower's native space, (D,).

        Returns:
            Key of the original that it repeats, or None.
        """
        if len(frame_hashes) == 0:
            return None
        hashes = np.ascontiguousarray(frame_hashes, dtype=np.uint64)
        small = None if vector is None else np.asarray(vector, dtype=np.float16)
        for place in sorted(self._candidates(hashes)):
            if self._same_vector(small, self._vectors[place]) and self.same(
                hashes, self._hashes[place]
            ):
                return self._keys[place]
        self._index.add(_as_bytes(hashes))
        self._owners += [len(self._keys)] * len(hashes)
        self._keys.append(key)
        self._hashes.append(hashes)
        self._vectors.append(small)
        return None

    def same(self, first: NDArray[np.uint64], second: NDArray[np.uint64]) -> bool:
        """Whether two runs of frame hashes, (T,) and (U,), show the same."""
        distances = np.bitwise_count(first[:, None] ^ second[None])  # (T, U)
        config = self.config
        if len(first) == 1 or len(second) == 1:
            return len(first) == len(second) and bool(distances[0, 0] <= config.still_bits)
        agree = distances <= config.frame_bits
        taking_part = min(agree.any(axis=0).sum(), agree.any(axis=1).sum())
        if taking_part < config.min_frames:
            return False
        share = max(_chain(agree) / len(first), _chain(agree.T) / len(second))
        return share >= config.min_share

    def _candidates(self, hashes: NDArray[np.uint64]) -> list[int]:
        """Originals that have a frame near one of these, those with most such frames first."""
        if not self._keys:
            return []
        limits, _, found = self._index.range_search(_as_bytes(hashes), self.config.frame_bits + 1)
        shared: Counter[int] = Counter()
        for start, end in zip(limits[:-1].tolist(), limits[1:].tolist(), strict=True):
            shared.update({self._owners[row] for row in found[start:end].tolist()})
        return [place for place, _ in shared.most_common(self.config.max_candidates)]

    def _same_vector(
        self, first: NDArray[np.float16] | None, second: NDArray[np.float16] | None
    ) -> bool:
        if first is None or second is None:
            return True
        cosine = float(first.astype(np.float32) @ second.astype(np.float32))
        return cosine >= self.config.min_cosine


def _as_bytes(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return hashes.view(np.uint8).reshape(-1, 8)


def _chain(agree: NDArray[np.bool_]) -> int:
    """Most rows that can be matched to columns without going back in time.

    Several rows may share a column, as copies are not sampled at the same moments.

    Args:
        agree: which frames agree, (T, U).
    """
    best = np.zeros(agree.shape[1], dtype=np.int64)
    for row in agree:
        best = np.maximum.accumulate(best + row)
    return int(best[-1])
