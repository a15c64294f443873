"""The embedding cache: keyed by content, decode options and fingerprint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from encoders.base import Embedding, unit
from encoders.cache import EmbeddingCache
from ingest.database import open_database
from ingest.item import Modality


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(open_database(f"sqlite:///{tmp_path / 'cache.db'}"))


def embedding(seed: int, fingerprint: str = "f1", source: str = "frames") -> Embedding:
    random = np.random.default_rng(seed)
    return Embedding(
        modality=Modality.VIDEO,
        source=source,
        fingerprint=fingerprint,
        vector=unit(random.normal(size=512)),
        segment_vectors=unit(random.normal(size=(3, 512))),
        segment_bounds=np.array([[0, 1.5], [1.5, 3.25], [3.25, 4]]),
        words="ein „Satz“",
    )


def put(cache: EmbeddingCache, key: str, digest: str, parts: list[Embedding]) -> None:
    with cache.engine.begin() as connection:
        cache.put(connection, key, digest, parts)


def test_an_embedding_comes_back_within_half_precision(cache: EmbeddingCache) -> None:
    put(cache, "h", "d", [embedding(1)])
    [back] = cache.get(["h", "unknown"], "d", ["f1"])["h"]
    assert float(back.vector @ embedding(1).vector) > 0.99999
    assert np.linalg.norm(back.vector) == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(back.segment_vectors, embedding(1).segment_vectors, atol=1e-3)
    np.testing.assert_array_equal(back.segment_bounds, embedding(1).segment_bounds)
    assert (back.words, back.source, back.modality) == ("ein „Satz“", "frames", Modality.VIDEO)


def test_other_options_or_models_see_nothing(cache: EmbeddingCache) -> None:
    put(cache, "h", "d", [embedding(1)])
    assert cache.get(["h"], "other", ["f1"]) == {}
    assert cache.get(["h"], "d", ["f2"]) == {}


def test_two_models_live_side_by_side(cache: EmbeddingCache) -> None:
    put(cache, "h", "d", [embedding(1), embedding(2, "f2"), embedding(3, "f1", "sound")])
    assert [p.source for p in cache.get(["h"], "d", ["f1"])["h"]] == ["frames", "sound"]
    assert len(cache.get(["h"], "d", ["f1", "f2"])["h"]) == 3


def test_putting_again_replaces(cache: EmbeddingCache) -> None:
    put(cache, "h", "d", [embedding(1)])
    put(cache, "h", "d", [embedding(9)])
    [back] = cache.get(["h"], "d", ["f1"])["h"]
    assert float(back.vector @ embedding(9).vector) > 0.99999


def test_a_view_without_segments_is_kept(cache: EmbeddingCache) -> None:
    still = Embedding(
        modality=Modality.IMAGE,
        source="frames",
        fingerprint="f1",
        vector=unit(np.ones(4)),
        segment_vectors=np.zeros((0, 4), np.float32),
        segment_bounds=np.zeros((0, 2)),
    )
    put(cache, "h", "d", [still])
    [back] = cache.get(["h"], "d", ["f1"])["h"]
    assert back.segment_vectors.shape == (0, 4)


def test_thousands_of_contents_in_one_call(cache: EmbeddingCache) -> None:
    for number in range(30):
        put(cache, f"h{number}", "d", [embedding(number)])
    asked = [f"h{number}" for number in range(3000)]
    assert len(cache.get(asked, "d", ["f1"])) == 30
