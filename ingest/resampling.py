"""Bring sound to another rate with a windowed sinc.

- Every output sample is an inner product of a stretch of the input with one of a few rows of taps:
  between 44,100 and 16,000 Hz there are 160 places where an output sample can lie between inputs.
- The filter is that of torchaudio's defaults, and gives what it gives. Here it needs numpy alone: a
  process that decodes sounds would otherwise spend more on loading torch than on its sounds.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

ZEROS = 6
"""Zero crossings of the sinc on each side; the window ends there."""
ROLLOFF = 0.99
"""Share of the lower rate's band that passes."""
BLOCK_VALUES = 1 << 18
"""Input values that are laid out at once."""


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Resample one channel.

    Args:
        samples: (N,).
        from_hz: their rate.
        to_hz: the rate that is wanted.

    Returns:
        (M,), where M is N times the ratio of the rates, rounded up.
    """
    common = math.gcd(from_hz, to_hz)
    down, up = from_hz // common, to_hz // common
    taps, half = _taps(down, up)
    padded = np.pad(samples, (half, half + down))
    stretches = np.lib.stride_tricks.sliding_window_view(padded, taps.shape[1])[::down]
    resampled = np.empty((len(stretches), up), np.float32)
    rows = max(1, BLOCK_VALUES // taps.shape[1])
    for start in range(0, len(stretches), rows):
        block = np.ascontiguousarray(stretches[start : start + rows])
        np.matmul(block, taps.T, out=resampled[start : start + rows])
    return resampled.reshape(-1)[: -(-up * len(samples) // down)]


@lru_cache(maxsize=8)
def _taps(down: int, up: int) -> tuple[Samples, int]:
    """Taps of each of the places between two inputs, (up, 2 H + down), and H."""
    band = ROLLOFF * min(down, up)
    half = math.ceil(ZEROS * down / band)
    offsets = np.arange(-half, half + down) / down  # of the inputs, in units of `down` inputs
    places = np.arange(up)[:, None] / up
    at = np.clip((offsets - places) * band, -ZEROS, ZEROS)
    window = np.cos(np.pi * at / (2 * ZEROS)) ** 2
    return (np.sinc(at) * window * band / down).astype(np.float32), half
