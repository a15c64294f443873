"""From embeddings to the vectors of an item."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.base import Embedding, unit
from fusion.mean import MaskedMean
from fusion.views import NATIVE_FIELD, align_segments, fuse_items, item_tokens, padded
from ingest.item import Modality

RANDOM = np.random.default_rng(3)
MAPS = {"picture": RANDOM.normal(size=(6, 4)), "sound": RANDOM.normal(size=(5, 4))}


def align(part: Embedding, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return unit(rows @ MAPS[part.fingerprint]) if part.fingerprint in MAPS else rows


def embedding(
    modality: Modality, source: str, tower: str, width: int, segments: int = 0
) -> Embedding:
    return Embedding(
        modality=modality,
        source=source,
        fingerprint=tower,
        vector=unit(RANDOM.normal(size=width)),
        segment_vectors=unit(RANDOM.normal(size=(segments, width))),
        segment_bounds=np.array([[i, i + 1.0] for i in range(segments)]).reshape(-1, 2),
    )


def test_each_modality_is_the_mean_of_its_aligned_views() -> None:
    caption = embedding(Modality.TEXT, "text", "words", 4)
    heard = embedding(Modality.TEXT, "speech", "words", 4)
    clip = embedding(Modality.VIDEO, "frames", "picture", 6)
    [item] = fuse_items({"a": [caption, heard, clip]}, align, MaskedMean())
    np.testing.assert_allclose(
        item.vectors["text"], unit((caption.vector + heard.vector) / 2), atol=1e-6
    )
    np.testing.assert_allclose(
        item.vectors["joint"], unit(item.vectors["text"] + item.vectors["video"]), atol=1e-6
    )
    assert item.modality_weights == {"video": 0.5, "text": 0.5}


def test_native_vectors_of_one_tower_share_a_field() -> None:
    clip = embedding(Modality.VIDEO, "frames", "picture", 6)
    cover = embedding(Modality.IMAGE, "frames", "picture", 6)
    sound = embedding(Modality.AUDIO, "sound", "sound", 5)
    [item] = fuse_items({"a": [clip, cover, sound]}, align, MaskedMean(), NATIVE_FIELD)
    np.testing.assert_allclose(
        item.vectors["image_native"], unit((clip.vector + cover.vector) / 2), atol=1e-6
    )
    np.testing.assert_allclose(item.vectors["audio_native"], sound.vector, atol=1e-6)
    assert set(item.vectors) == {"joint", "video", "image", "audio", "image_native", "audio_native"}


def test_a_batch_equals_items_one_by_one() -> None:
    items = {
        "a": [embedding(Modality.VIDEO, "frames", "picture", 6)],
        "b": [embedding(Modality.AUDIO, "sound", "sound", 5)],
        "c": [
            embedding(Modality.TEXT, "text", "words", 4),
            embedding(Modality.IMAGE, "frames", "picture", 6),
        ],
    }
    batch = fuse_items(items, align, MaskedMean())
    for vector in batch:
        [alone] = fuse_items({vector.item_id: items[vector.item_id]}, align, MaskedMean())
        assert vector.modality_weights == alone.modality_weights
        for name, row in alone.vectors.items():
            np.testing.assert_allclose(vector.vectors[name], row, atol=1e-6)


def test_segments_are_aligned_and_keep_their_bounds() -> None:
    clip = embedding(Modality.VIDEO, "frames", "picture", 6, segments=3)
    still = embedding(Modality.IMAGE, "frames", "picture", 6)
    found = align_segments({"a": [clip, still], "b": [still]}, align)
    [(modality, bounds, vectors)] = found["a"]
    assert modality == "video"
    np.testing.assert_array_equal(bounds, [[0, 1], [1, 2], [2, 3]])
    np.testing.assert_allclose(vectors, unit(clip.segment_vectors @ MAPS["picture"]), atol=1e-6)
    assert found["b"] == []


def test_each_tower_is_asked_once_for_a_batch_of_items() -> None:
    asked = []

    def counted(part: Embedding, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        asked.append((part.source, len(rows)))
        return align(part, rows)

    clips = [embedding(Modality.VIDEO, "frames", "picture", 6, segments=n) for n in (2, 3)]
    sound = embedding(Modality.AUDIO, "sound", "sound", 5, segments=4)
    items = {"a": [clips[0], sound], "b": [clips[1]]}
    fuse_items(items, counted, MaskedMean())
    assert sorted(asked) == [("frames", 2), ("sound", 1)]
    asked.clear()
    found = align_segments(items, counted)
    assert sorted(asked) == [("frames", 5), ("sound", 4)]
    for clip, (_, _, vectors) in zip(clips, (found["a"][0], found["b"][0]), strict=True):
        expected = unit(clip.segment_vectors @ MAPS["picture"])
        np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_tokens_are_the_whole_view_then_embeddings_then_stretches() -> None:
    clips = [embedding(Modality.VIDEO, "frames", "picture", 6, segments=n) for n in (2, 3)]
    caption = embedding(Modality.TEXT, "text", "words", 4)
    [found] = item_tokens({"a": [clips[0], caption, clips[1]]}, align, 9)
    mapped = [unit(clip.vector[None] @ MAPS["picture"]) for clip in clips]
    stretches = [unit(clip.segment_vectors @ MAPS["picture"]) for clip in clips]
    whole = unit((mapped[0] + mapped[1]) / 2)
    np.testing.assert_allclose(
        found["video"], np.concatenate([whole, *mapped, *stretches]), atol=1e-6
    )
    np.testing.assert_allclose(found["text"], caption.vector[None], atol=1e-6)


def test_of_many_parts_as_many_as_fit_are_taken_evenly() -> None:
    clip = embedding(Modality.VIDEO, "frames", "picture", 6, segments=101)
    [found] = item_tokens({"a": [clip]}, align, 6)
    expected = unit(clip.segment_vectors[[0, 25, 50, 75, 100]] @ MAPS["picture"])
    np.testing.assert_allclose(found["video"][1:], expected, atol=1e-6)
    [alone] = item_tokens({"a": [clip]}, align, 1)
    assert alone["video"].shape == (1, 4)


def test_tokens_are_laid_side_by_side_in_the_order_of_modalities() -> None:
    items = [{"text": np.ones((2, 3), np.float32)}, {"video": np.full((1, 3), 2.0, np.float32)}]
    tokens, present = padded(items)
    assert tokens.shape == (2, 4, 2, 3)
    assert [tuple(place) for place in np.argwhere(present)] == [(0, 3, 0), (0, 3, 1), (1, 0, 0)]
    np.testing.assert_array_equal(tokens[~present], 0.0)


def test_no_items_give_no_vectors() -> None:
    assert fuse_items({}, align, MaskedMean()) == []


def test_an_embedding_checks_its_shapes() -> None:
    with pytest.raises(ValueError, match="bounds"):
        Embedding(
            modality=Modality.TEXT,
            source="text",
            fingerprint="words",
            vector=np.ones(4, np.float32),
            segment_vectors=np.ones((2, 4), np.float32),
            segment_bounds=np.zeros((1, 2)),
        )
