"""From frames, windows and sentences to embeddings, against means taken by hand."""

from __future__ import annotations

import numpy as np

from encoders.base import unit
from encoders.pooling import (
    PEAK_WINDOWS,
    WordView,
    sound_embedding,
    sound_vector,
    still_embedding,
    video_embedding,
    word_embedding,
)
from encoders.towers import Heard
from ingest.decoded import Segment
from ingest.item import Modality

SEGMENTS = tuple(Segment(start_seconds=s, end_seconds=s + 2) for s in (0.0, 2.0, 4.0))


def rows(count: int, width: int = 6) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return unit(np.random.default_rng(count).normal(size=(count, width)))


def test_frames_belong_to_the_stretch_they_fall_in() -> None:
    frames, times = rows(4), np.array([0.0, 1.9, 2.0, 5.0])

    view = video_embedding(frames, times, SEGMENTS, "f")

    assert (view.modality, view.source, view.fingerprint) == (Modality.VIDEO, "frames", "f")
    np.testing.assert_allclose(view.vector, unit(frames.mean(axis=0)), atol=1e-6)
    expected = [unit(frames[:2].mean(axis=0)), frames[2], frames[3]]
    np.testing.assert_allclose(view.segment_vectors, expected, atol=1e-6)
    np.testing.assert_array_equal(view.segment_bounds, [[0, 2], [2, 4], [4, 6]])


def test_a_stretch_without_frames_has_no_vector() -> None:
    view = video_embedding(rows(2), np.array([0.0, 4.5]), SEGMENTS, "f")

    np.testing.assert_array_equal(view.segment_bounds, [[0, 2], [4, 6]])
    assert view.segment_vectors.shape == (2, 6)


def test_a_still_has_no_stretches() -> None:
    view = still_embedding(rows(1), "f")

    assert (view.modality, view.segment_vectors.shape) == (Modality.IMAGE, (0, 6))


def test_a_sound_without_classes_is_the_mean_of_its_windows() -> None:
    heard = Heard(
        vectors=3 * rows(3), scores=np.zeros((3, 0), np.float32), centres_seconds=np.arange(3.0)
    )

    view = sound_embedding(heard, SEGMENTS[:1], "s")

    assert (view.modality, view.source) == (Modality.AUDIO, "sound")
    np.testing.assert_allclose(view.vector, unit(heard.vectors.mean(axis=0)), atol=1e-6)
    np.testing.assert_allclose(
        view.segment_vectors, unit(heard.vectors[:2].mean(axis=0))[None], atol=1e-6
    )


def test_a_short_bark_in_a_long_silence_keeps_its_class() -> None:
    scores = np.full((2 * PEAK_WINDOWS, 3), 0.01, np.float32)
    scores[4, 1] = 0.9

    vector = sound_vector(rows(2 * PEAK_WINDOWS), scores)

    np.testing.assert_allclose(np.linalg.norm(vector[:6]), np.linalg.norm(vector[6:]), atol=1e-6)
    peaks = np.array([0.01, (0.9 + 0.01) / 2, 0.01])
    np.testing.assert_allclose(vector[6:], unit(peaks) / np.sqrt(2), atol=1e-6)


def test_words_keep_their_stretches() -> None:
    view = WordView(
        row=0, source="speech", words="hello world", stretches=((SEGMENTS[1], "world"),)
    )
    vectors = rows(2)

    heard = word_embedding(view, vectors, "t")
    own = word_embedding(WordView(row=0, source="text", words="a title"), vectors[:1], "t")

    assert (heard.modality, heard.source, heard.words) == (Modality.TEXT, "speech", "hello world")
    np.testing.assert_array_equal(heard.segment_vectors, vectors[1:])
    np.testing.assert_array_equal(heard.segment_bounds, [[2, 4]])
    assert (own.words, own.segment_vectors.shape) == ("", (0, 6))
