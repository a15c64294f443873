"""Encoders shared by threads give what they give alone; what is kept is bounded."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.family import Family, FamilyConfig
from ingest.decoded import Decoded, Waveform
from ingest.errors import DecodeError
from sensorium.shared_encoders import SharedEncoders, WordVectors


@pytest.fixture
def family(weights: Callable[[str], Path]) -> Family:
    weights("minilm-l6")
    weights("yamnet")
    return Family(FamilyConfig(threads=2))


def test_many_threads_get_what_one_gets(family: Family) -> None:
    texts = [f"{number} {word}" for number in range(20) for word in ("cats", "a red car")]
    expected = family.query_text(texts)["joint"]
    fresh = SharedEncoders(Family(FamilyConfig(threads=2)), 0)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda text: fresh.query_text([text])["joint"][0], texts))
    np.testing.assert_array_equal(np.stack(found), expected)


def test_words_asked_before_are_at_hand(family: Family) -> None:
    shared = SharedEncoders(family, 1 << 20)
    first = shared.query_text(["cats", "dogs", "cats"])
    assert len(shared.kept) == 2
    family.query_text = None  # type: ignore[assignment, method-assign]
    again = shared.query_text(["dogs", "cats"])
    np.testing.assert_array_equal(again["joint"], first["joint"][[1, 0]])
    assert set(again) == set(first)


def test_sounds_are_encoded_from_many_threads(family: Family) -> None:
    random = np.random.default_rng(0)
    sounds = [
        Waveform(samples=random.normal(0, 0.1, 16_000).astype(np.float32), sample_rate_hz=16_000)
        for _ in range(6)
    ]
    contents = [Decoded(content_hash="x", waveform=sound) for sound in sounds]
    shared = SharedEncoders(family, 0)

    def vector(content: Decoded) -> NDArray[np.float32]:
        [found] = shared.embed([content])
        assert not isinstance(found, DecodeError)
        return found[0].vector

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(vector, contents))
    for one, content in zip(found, contents, strict=True):
        np.testing.assert_array_equal(one, vector(content))


def test_tokens_are_those_of_the_sentence_encoder(family: Family) -> None:
    assert SharedEncoders(family, 0).count_tokens(["lentil soup", ""]) == 3


def test_what_is_kept_is_bounded_and_the_least_lately_used_goes() -> None:
    kept = WordVectors(10_000)
    vector = np.zeros(500, np.float32)
    for text in "abc":
        kept.put(text, {"joint": vector, "text": vector})
    assert kept.size_bytes <= 10_000
    assert len(kept) == 3
    kept.get("a")
    kept.put("d", {"joint": vector})
    assert kept.get("b") is None
    assert kept.get("a") is not None
    kept.put("long" * 5_000, {"joint": vector})
    assert kept.size_bytes <= 10_000
