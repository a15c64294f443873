"""Sounds: mono, at one rate, with the right frequencies at the right times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ingest.audio import fit, is_silent, open_soundfile, read_soundfile, read_track
from ingest.decoded import Waveform
from ingest.errors import DecodeError
from ingest.sampling import cut_segments
from support.media import tone, write_aac, write_sound, write_video

RATE = 16_000


def read(path: Path, max_seconds: float = 300.0) -> Waveform:
    duration = open_soundfile(path)
    assert duration is not None
    return read_soundfile(path, RATE, cut_segments(duration, 5.0, 64), max_seconds)


def peak_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE / len(samples))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.opus", "a.mp3"])
@pytest.mark.parametrize("rate_hz", [48_000, 16_000])
def test_formats_keep_their_tone_through_resampling(
    tmp_path: Path, name: str, rate_hz: int
) -> None:
    waveform = read(write_sound(tmp_path / name, 1000.0, 1.5, rate_hz))
    assert waveform.sample_rate_hz == RATE
    assert waveform.duration_seconds == pytest.approx(1.5, abs=0.06)
    assert peak_hz(waveform.samples) == pytest.approx(1000, abs=2)
    middle = waveform.samples[RATE // 2 : RATE]
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_resampling_takes_no_alias_along(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 11_000.0, 1.0, 48_000)
    assert np.abs(read(path).samples[1000:-1000]).max() < 0.02


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = tone(400.0, rate_hz=RATE), tone(900.0, rate_hz=RATE)
    path = write_sound(
        tmp_path / "a.wav", np.stack([left, right], 1), rate_hz=RATE, subtype="FLOAT"
    )
    assert read(path).samples == pytest.approx((left + right) / 2, abs=1e-6)


def test_samples_over_full_scale_are_scaled_down(tmp_path: Path) -> None:
    path = write_sound(
        tmp_path / "a.wav", 8 * tone(300.0, rate_hz=RATE), rate_hz=RATE, subtype="FLOAT"
    )
    assert np.abs(read(path).samples).max() == pytest.approx(1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    samples = tone(300.0, rate_hz=RATE)
    samples[77] = value
    with pytest.raises(DecodeError) as caught:
        read(write_sound(tmp_path / "a.wav", samples, rate_hz=RATE, subtype="FLOAT"))
    assert caught.value.code == "corrupt"


def test_a_flac_that_ends_early_is_truncated(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 60_000).astype(np.float32)
    path = write_sound(tmp_path / "a.flac", noise, rate_hz=RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DecodeError) as caught:
        read(path)
    assert caught.value.code in {"truncated", "corrupt"}


@pytest.mark.parametrize("name", ["a.m4a", "a.aac"])
def test_aac_goes_through_decord(tmp_path: Path, name: str) -> None:
    path = write_aac(tmp_path / name, 700.0, 1.0)
    assert open_soundfile(path) is None
    track = read_track(path, RATE)
    assert track is not None
    assert peak_hz(track.samples) == pytest.approx(700, abs=2)
    assert track.duration_seconds == pytest.approx(1.0, abs=0.05)


def test_both_ways_to_one_rate_agree(tmp_path: Path) -> None:
    spectrum = np.zeros(22_051, np.complex128)
    spectrum[100:4000] = np.exp(2j * np.pi * np.random.default_rng(0).random(3900))
    noise = np.fft.irfft(spectrum)
    path = write_sound(tmp_path / "a.flac", (0.5 * noise / np.abs(noise).max()), 1.0, 44_100)
    track = read_track(path, RATE)
    assert track is not None
    ours = read(path).samples[1000:15_000]
    # decord's resampler is late by less than two milliseconds.
    lags = (track.samples[1000 + lag : 15_000 + lag] for lag in range(32))
    assert max(np.corrcoef(ours, theirs)[0, 1] for theirs in lags) > 0.9


def test_a_video_without_sound_has_no_track(tmp_path: Path) -> None:
    assert read_track(write_video(tmp_path / "a.mp4", sound=False), RATE) is None


def test_silence_is_told_from_a_whisper(tmp_path: Path) -> None:
    assert is_silent(read(write_sound(tmp_path / "a.wav", 0.0)))
    whisper = 0.002 * tone(300.0, rate_hz=RATE)
    assert not is_silent(read(write_sound(tmp_path / "b.wav", whisper, rate_hz=RATE)))


def test_a_short_track_is_followed_by_silence() -> None:
    track = Waveform(samples=np.ones(RATE, np.float32), sample_rate_hz=RATE)
    fitted = fit(track, 2.0, cut_segments(2.0, 1.0, 8), 300.0)
    assert fitted.duration_seconds == 2.0
    assert fitted.samples[:RATE].min() == 1.0
    assert fitted.samples[RATE:].max() == 0.0


def test_a_long_track_gives_the_middle_of_each_stretch() -> None:
    ramp = np.linspace(0, 1, 8 * RATE, dtype=np.float32)
    fitted = fit(Waveform(samples=ramp, sample_rate_hz=RATE), 8.0, cut_segments(8.0, 2.0, 8), 4.0)
    assert fitted.duration_seconds == pytest.approx(4.0)
    means = fitted.samples.reshape(4, -1).mean(axis=1)
    assert means == pytest.approx([1 / 8, 3 / 8, 5 / 8, 7 / 8], abs=1e-3)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own counters")
def test_sounds_of_many_lengths_leave_nothing_behind(tmp_path: Path) -> None:
    from torch.backends import mkldnn

    enabled = mkldnn.enabled
    noise = np.random.default_rng(0).normal(0, 0.1, 220_500).astype(np.float32)
    files = [
        write_sound(tmp_path / f"{number}.wav", noise[: 100_000 + 997 * number], rate_hz=22_050)
        for number in range(120)
    ]
    read(files[0])
    before = private_bytes()
    for file in files:
        read(file)
    assert private_bytes() - before < 16 << 20
    assert mkldnn.enabled == enabled


def private_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = dict(line.split(":", 1) for line in lines)
    return int(sizes["RssAnon"].split()[0]) * 1024
