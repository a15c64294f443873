"""Sound at another rate: what the formula says, what torchaudio gives, and nothing of torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torchaudio.functional import resample as resample_with_torchaudio

from ingest.resampling import ROLLOFF, ZEROS, Samples, resample

RATES = [
    (44_100, 16_000), (48_000, 16_000), (22_050, 16_000), (8_000, 16_000), (16_000, 48_000),
    (44_100, 48_000), (96_000, 16_000),
]  # fmt: skip


def noise(number: int) -> Samples:
    return np.random.default_rng(number).normal(size=number).astype(np.float32)


def summed(samples: Samples, from_hz: int, to_hz: int, place: int) -> float:
    """One output sample, summed over every input."""
    band = ROLLOFF * min(from_hz, to_hz)
    away = (np.arange(len(samples)) / from_hz - place / to_hz) * band
    window = np.where(np.abs(away) < ZEROS, np.cos(np.pi * away / (2 * ZEROS)) ** 2, 0)
    return float((samples * np.sinc(away) * window).sum() * band / from_hz)


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_each_sample_is_the_sum_that_the_formula_says(from_hz: int, to_hz: int) -> None:
    samples = noise(3_001)
    found = resample(samples, from_hz, to_hz)
    assert found.dtype == np.float32
    assert len(found) == -(-to_hz * len(samples) // from_hz)
    for place in (0, 1, 7, len(found) // 2, len(found) - 1):
        assert found[place] == pytest.approx(summed(samples, from_hz, to_hz, place), abs=2e-6)


@pytest.mark.parametrize("number", [1, 2, 13, 1_000, 700_001])
@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_lengths_and_samples_are_those_of_torchaudio(from_hz: int, to_hz: int, number: int) -> None:
    samples = noise(number)
    expected = resample_with_torchaudio(torch.from_numpy(samples), from_hz, to_hz).numpy()
    # Taps are reckoned in double precision here.
    np.testing.assert_allclose(resample(samples, from_hz, to_hz), expected, rtol=0, atol=2e-4)


def test_sounds_are_decoded_without_loading_torch() -> None:
    code = (
        "import sys, numpy, ingest.decode; from ingest.resampling import resample;"
        "resample(numpy.ones(9, 'f'), 44100, 16000); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=100).returncode == 0
