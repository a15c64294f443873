"""CLAP: sounds and words in one space, through transformers.

A sound is heard in pieces of ten seconds, the length the model was trained on; a shorter one is
repeated to fill a piece. A rest of less than a second at the end is not heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.base import Fingerprint, unit
from encoders.hub_files import HubModel, device_named, resolve_quietly
from encoders.towers import Heard
from ingest.decoded import Waveform

SAMPLE_RATE_HZ = 48_000
PIECE_SECONDS = 10
MIN_REST_SECONDS = 1
PIECES_PER_PASS = 16

CLAP = HubModel(
    name="clap",
    repository="laion/clap-htsat-unfused",
    revision="8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a",
    files=(
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
    ),
    weights=("model.safetensors", "pytorch_model.bin"),
    width=512,
)


class ClapEncoder:
    """CLAP: sounds to vectors, and words to vectors in the same space.

    Args:
        model: which, at which revision.
        device: auto, cpu or cuda.
    """

    def __init__(self, model: HubModel = CLAP, device: str = "auto") -> None:
        self.model = model
        self.device = device

    @property
    def width(self) -> int:
        """Length of the vectors."""
        return self.model.width

    @property
    def fingerprint(self) -> Fingerprint:
        """What makes the vectors of sounds."""
        return self.model.fingerprint(f"{SAMPLE_RATE_HZ} Hz mono, pieces of {PIECE_SECONDS} s")

    def encode(self, media: Sequence[Waveform]) -> NDArray[np.float32]:
        """Encode sounds.

        Args:
            media: B sounds at 48 kHz.

        Returns:
            Unit vectors, (B, D).
        """
        rows = [heard.vectors.mean(axis=0) for heard in self.hear(media)]
        return unit(np.array(rows, np.float32).reshape(-1, self.width))

    def hear(self, media: Sequence[Waveform]) -> list[Heard]:
        """Encode every piece of each sound.

        Args:
            media: B sounds at 48 kHz.

        Raises:
            ModelUnavailableError: the weights cannot be had.
            ValueError: a sound has another rate.
        """
        cut = [_pieces(waveform) for waveform in media]
        pieces = [piece for part in cut for piece in part]
        vectors = [
            row
            for start in range(0, len(pieces), PIECES_PER_PASS)
            for row in self._pass(pieces[start : start + PIECES_PER_PASS])
        ]
        heard, start = [], 0
        for part in cut:
            starts = np.arange(len(part)) * PIECE_SECONDS
            lengths = np.array([len(piece) for piece in part]) / SAMPLE_RATE_HZ
            heard.append(
                Heard(
                    vectors=np.array(vectors[start : start + len(part)], np.float32),
                    scores=np.zeros((len(part), 0), np.float32),
                    centres_seconds=starts + lengths / 2,
                )
            )
            start += len(part)
        return heard

    def encode_words(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode words into the space of sounds.

        Args:
            texts: B short texts.

        Returns:
            Unit vectors, (B, D).
        """
        import torch

        network, _, tokenizer = self._loaded
        if not texts:
            return np.zeros((0, self.width), np.float32)
        tokens = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            output = network.get_text_features(
                input_ids=tokens["input_ids"].to(self._place),
                attention_mask=tokens["attention_mask"].to(self._place),
            )
        return unit(_vectors(output))

    def _pass(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        import torch

        network, extractor, _ = self._loaded
        features = extractor(list(pieces), sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
        with torch.inference_mode():
            output = network.get_audio_features(
                input_features=features["input_features"].to(self._place),
                is_longer=features["is_longer"].to(self._place),
            )
        return unit(_vectors(output))

    @cached_property
    def _place(self) -> str:
        return device_named(self.device)

    @cached_property
    def _loaded(self) -> tuple[Any, Any, Any]:
        """Network, feature extractor and tokenizer."""
        folder = resolve_quietly(self.model)
        from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel

        network = ClapModel.from_pretrained(folder).eval().to(self._place)
        extractor = ClapFeatureExtractor.from_pretrained(folder)
        return network, extractor, AutoTokenizer.from_pretrained(folder)


def _vectors(output: Any) -> NDArray[np.float32]:
    """The vectors of an output, which some versions wrap and some do not."""
    tensor = getattr(output, "pooler_output", output)
    return np.asarray(tensor.float().cpu().numpy(), np.float32)


def _pieces(waveform: Waveform) -> list[NDArray[np.float32]]:
    if waveform.sample_rate_hz != SAMPLE_RATE_HZ:
        raise ValueError(f"expected {SAMPLE_RATE_HZ} Hz, got {waveform.sample_rate_hz = }")
    step, least = PIECE_SECONDS * SAMPLE_RATE_HZ, MIN_REST_SECONDS * SAMPLE_RATE_HZ
    starts = range(0, len(waveform.samples), step)
    pieces = [waveform.samples[start : start + step] for start in starts]
    return [piece for i, piece in enumerate(pieces) if i == 0 or len(piece) >= least]
