"""Words heard: times, guards, and (with real speech at hand) the words themselves."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from encoders.onnx import Threads
from encoders.speech import Transcriber, Transcript, Utterance, repeats_itself
from ingest.decoded import Segment, Waveform

SAID = Transcript(
    utterances=(
        Utterance(start_seconds=0.0, end_seconds=3.0, text="one two"),
        Utterance(start_seconds=3.0, end_seconds=3.0, text="three"),
        Utterance(start_seconds=7.0, end_seconds=9.0, text="four"),
    ),
    language="en",
)


def test_words_are_given_to_every_stretch_they_reach_into() -> None:
    segments = [Segment(start_seconds=s, end_seconds=s + 2) for s in (0.0, 2.0, 4.0, 6.0, 8.0)]

    found = SAID.by_segment(segments)

    assert SAID.text == "one two three four"
    assert [(s.start_seconds, words) for s, words in found] == [
        (0.0, "one two"),
        (2.0, "one two three"),
        (6.0, "four"),
        (8.0, "four"),
    ]


def test_repetition_is_told_from_prose() -> None:
    prose = "Go by all means, my dear, only put on a white gown; Miss Tilney always wears white."

    assert repeats_itself("thank you for watching " * 8)
    assert not repeats_itself(prose)
    assert not repeats_itself("")


def test_nothing_is_invented_over_noise_and_silence(
    optional_weights: Callable[[str], None],
) -> None:
    optional_weights("whisper-base")
    noise = np.random.default_rng(0).normal(0, 0.05, 48_000).astype(np.float32)
    sounds = [
        Waveform(samples=noise, sample_rate_hz=16_000),
        Waveform(samples=np.zeros(48_000, np.float32), sample_rate_hz=48_000),
    ]

    transcripts = Transcriber(Threads(count=2)).transcribe(sounds)

    assert [(one.text, one.language) for one in transcripts] == [("", ""), ("", "")]


@pytest.mark.realdata
def test_real_speech_is_written_down(optional_weights: Callable[[str], None]) -> None:
    optional_weights("whisper-base")
    data = os.environ.get("SENSORIUM_TEST_DATA")
    found = sorted(Path(data).glob("**/198-209-0000.ogg")) if data else []
    if not found:
        pytest.skip("SENSORIUM_TEST_DATA names no folder with the recording 198-209-0000.ogg")
    import soundfile

    samples, rate = soundfile.read(found[0], dtype="float32")

    (said,) = Transcriber(Threads(count=2)).transcribe(
        [Waveform(samples=samples, sample_rate_hz=rate)]
    )

    assert said.language == "en"
    assert "only put on a white gown" in said.text
    starts = [utterance.start_seconds for utterance in said.utterances]
    assert starts == sorted(starts)
    assert said.utterances[-1].end_seconds <= len(samples) / rate
