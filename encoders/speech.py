"""Words heard in clips and sounds, with the packaged Whisper base through CTranslate2.

- Sound is cut into the 30 s that Whisper hears at once; a language is found per piece.
- Decoding is greedy and of one piece per call, because int8 arithmetic of a batch would make a
  transcript depend on its neighbours.
- Whisper invents words over music and silence. A piece is dropped where the model itself hears no
  speech, where it is unsure of its words, or where the text repeats itself.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.audio import resampled
from encoders.base import Fingerprint
from encoders.onnx import Threads
from encoders.weights import locate, weights_named
from ingest.decoded import Segment, Waveform

SAMPLE_RATE_HZ = 16_000
PIECE_SECONDS = 30
MIN_SECONDS = 0.5
"""A rest shorter than this at the end is not listened to."""
MAX_NO_SPEECH = 0.6
"""Above this probability of "no speech" a piece is dropped."""
MIN_MEAN_LOG_PROBABILITY = -1.0
"""Below this mean per token a piece is dropped."""
MAX_COMPRESSION = 2.4
"""A text that shrinks more than this when compressed repeats itself, and is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """Words with their time."""

    start_seconds: float
    """Start from the beginning of the sound."""
    end_seconds: float
    """End; not before the start."""
    text: str
    """The words; not empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """Everything said in one sound."""

    utterances: tuple[Utterance, ...] = ()
    """In order of time; empty where nothing is said."""
    language: str = ""
    """Code of the language of the first piece with words, "en" say; empty where nothing is said."""

    @property
    def text(self) -> str:
        """All words."""
        return " ".join(utterance.text for utterance in self.utterances)

    def by_segment(self, segments: Sequence[Segment]) -> tuple[tuple[Segment, str], ...]:
        """Words of each stretch in which any are said."""
        words = [
            (
                segment,
                " ".join(
                    u.text
                    for u in self.utterances
                    if u.start_seconds < segment.end_seconds
                    and max(u.end_seconds, u.start_seconds + 0.01) > segment.start_seconds
                ),
            )
            for segment in segments
        ]
        return tuple((segment, text) for segment, text in words if text)


class Transcriber:
    """Whisper base: sounds to words, in the language spoken.

    Args:
        threads: how much of the machine listening may use.
    """

    weights = "whisper-base"

    def __init__(self, threads: Threads | None = None) -> None:
        self.threads = threads or Threads()

    @property
    def fingerprint(self) -> Fingerprint:
        """What made the words."""
        return Fingerprint(
            model=self.weights,
            revision=weights_named(self.weights).files[-1].sha256,
            preprocessing=f"{PIECE_SECONDS} s pieces, greedy, no speech above {MAX_NO_SPEECH}, "
            f"log probability {MIN_MEAN_LOG_PROBABILITY}, compression {MAX_COMPRESSION}",
        )

    def transcribe(self, media: Sequence[Waveform]) -> list[Transcript]:
        """Write down what is said.

        Args:
            media: sounds at any rate.

        Returns:
            One transcript per sound, in order.

        Raises:
            ModelUnavailableError: the weights are not in the cache.
        """
        return [self._transcribe(resampled(waveform, SAMPLE_RATE_HZ)) for waveform in media]

    def _transcribe(self, waveform: Waveform) -> Transcript:
        utterances: list[Utterance] = []
        language = ""
        step = PIECE_SECONDS * SAMPLE_RATE_HZ
        for start in range(0, len(waveform.samples), step):
            piece = waveform.samples[start : start + step]
            if start and len(piece) < MIN_SECONDS * SAMPLE_RATE_HZ:
                continue
            spoken, found = self._piece(piece, start / SAMPLE_RATE_HZ)
            utterances += found
            language = language or (spoken if found else "")
        return Transcript(utterances=tuple(utterances), language=language)

    def _piece(
        self, samples: NDArray[np.float32], offset_seconds: float
    ) -> tuple[str, list[Utterance]]:
        """Language and words of up to 30 s."""
        import ctranslate2

        features = self._features(samples, sampling_rate=SAMPLE_RATE_HZ, return_tensors="np")
        view = ctranslate2.StorageView.from_array(
            np.ascontiguousarray(features["input_features"], np.float32)
        )
        encoded = self._model.encode(view)
        language_token = self._model.detect_language(encoded)[0][0][0]
        start = [self._id(t) for t in ("<|startoftranscript|>", language_token, "<|transcribe|>")]
        result = self._model.generate(
            encoded, [start], beam_size=1, return_scores=True, return_no_speech_prob=True
        )[0]
        text = self._tokenizer.decode(result.sequences_ids[0], skip_special_tokens=True).strip()
        unsure = result.scores[0] < MIN_MEAN_LOG_PROBABILITY
        if result.no_speech_prob > MAX_NO_SPEECH or unsure or repeats_itself(text):
            return language_token, []
        length = len(samples) / SAMPLE_RATE_HZ
        timed = self._timed(result.sequences_ids[0], length, offset_seconds)
        return language_token.strip("<|>"), timed

    def _timed(
        self, ids: Sequence[int], length_seconds: float, offset_seconds: float
    ) -> list[Utterance]:
        """Cut tokens at the time tokens between them, which count steps of 0.02 s."""
        zero = self._id("<|notimestamps|>") + 1
        marks = [(i, (token - zero) * 0.02) for i, token in enumerate(ids) if token >= zero]
        edges = [(-1, 0.0), *marks, (len(ids), length_seconds)]
        found = []
        for (left, start), (right, end) in itertools.pairwise(edges):
            words = self._tokenizer.decode(list(ids[left + 1 : right]), skip_special_tokens=True)
            if words.strip():
                found.append(
                    Utterance(
                        start_seconds=offset_seconds + start,
                        end_seconds=offset_seconds + max(start, min(end, length_seconds)),
                        text=words.strip(),
                    )
                )
        return found

    def _id(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        assert number is not None
        return int(number)

    @cached_property
    def _tokenizer(self) -> Any:
        path = locate(self.weights) / "tokenizer.json"
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(path))

    @cached_property
    def _features(self) -> Any:
        from transformers import WhisperFeatureExtractor

        return WhisperFeatureExtractor()

    @cached_property
    def _model(self) -> Any:
        path = locate(self.weights)
        import ctranslate2

        return ctranslate2.models.Whisper(
            str(path), device="cpu", compute_type="int8", intra_threads=self.threads.number
        )


def repeats_itself(text: str) -> bool:
    """Whether a text compresses so well that it must be one phrase over and over."""
    data = text.encode()
    return len(data) / max(1, len(zlib.compress(data))) > MAX_COMPRESSION
