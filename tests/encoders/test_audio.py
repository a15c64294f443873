"""The packaged YAMNet: windows, scores, and sounds whose name is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.audio import HOP_SAMPLES, WINDOW_SAMPLES, YamnetEncoder, resampled
from encoders.onnx import Threads
from encoders.pooling import sound_vector
from ingest.decoded import Waveform

RATE = 16_000


def tone(seconds: float, hertz: float = 440.0, rate: int = RATE) -> Waveform:
    """A sine wave."""
    times = np.arange(int(seconds * rate)) / rate
    samples = (0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)
    return Waveform(samples=samples, sample_rate_hz=rate)


def noise(seconds: float) -> Waveform:
    """White noise."""
    samples = np.random.default_rng(0).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)
    return Waveform(samples=samples, sample_rate_hz=RATE)


@pytest.mark.usefixtures("default_weights")
class TestEncoder:
    """With the real weights."""

    encoder = YamnetEncoder(Threads(count=2))

    def test_sounds_are_named(self) -> None:
        heard = self.encoder.hear([tone(2), noise(2)])

        names = [self.encoder.class_names[one.scores.mean(axis=0).argmax()] for one in heard]
        assert names[0] == "Sine wave"
        assert names[1] in {"White noise", "Static", "Noise"}
        assert len(self.encoder.class_names) == heard[0].scores.shape[1] == 521

    def test_a_batch_equals_one_by_one(self) -> None:
        sounds = [tone(2), noise(0.3), tone(1.2, 1500)]

        vectors = self.encoder.encode(sounds)

        alone = np.concatenate([self.encoder.encode([sound]) for sound in sounds])
        np.testing.assert_array_equal(vectors, alone)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        assert vectors.shape == (3, self.encoder.width)

    def test_the_vector_joins_its_windows(self) -> None:
        sound = noise(3)
        heard = self.encoder.hear([sound])[0]

        expected = sound_vector(heard.vectors, heard.scores)

        np.testing.assert_array_equal(self.encoder.encode([sound])[0], expected)
        assert (np.diff(heard.centres_seconds) > 0).all()
        assert heard.centres_seconds[-1] == pytest.approx(3 - WINDOW_SAMPLES / 2 / RATE)

    def test_windows_hear_their_own_time(self) -> None:
        silent_then_tone = Waveform(
            samples=np.concatenate([np.zeros(3 * RATE, np.float32), tone(3).samples]),
            sample_rate_hz=RATE,
        )

        heard = self.encoder.hear([silent_then_tone])[0]

        sine = heard.scores[:, self.encoder.class_names.index("Sine wave")]
        assert sine[heard.centres_seconds < 2.4].max() < 0.5
        assert sine[heard.centres_seconds > 3.6].min() > 0.5

    @pytest.mark.parametrize(
        ("num_samples", "num_windows"),
        [
            (1, 1),
            (WINDOW_SAMPLES, 1),
            (WINDOW_SAMPLES + 1, 2),
            (WINDOW_SAMPLES + HOP_SAMPLES, 2),
            (WINDOW_SAMPLES + HOP_SAMPLES + 1, 3),
        ],
    )
    def test_windows_cover_a_sound_of_any_length(self, num_samples: int, num_windows: int) -> None:
        samples: NDArray[np.float32] = np.full(num_samples, 0.1, np.float32)

        heard = self.encoder.hear([Waveform(samples=samples, sample_rate_hz=RATE)])[0]

        assert len(heard.vectors) == len(heard.scores) == num_windows
        assert len(heard.centres_seconds) == num_windows

    def test_another_rate_is_refused(self) -> None:
        with pytest.raises(ValueError, match="expected 16000 Hz"):
            self.encoder.encode([tone(1, rate=44_100)])

    def test_nothing_gives_nothing(self) -> None:
        assert self.encoder.encode([]).shape == (0, self.encoder.width)


def test_resampling_keeps_pitch_and_length() -> None:
    changed = resampled(tone(1, 440, 48_000), RATE)

    assert len(changed.samples) == RATE
    assert np.abs(np.fft.rfft(changed.samples)).argmax() == 440


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    sound = tone(1)
    assert resampled(sound, RATE) is sound
