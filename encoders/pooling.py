"""From vectors of frames, windows and sentences to the embedding of one content.

A stretch without any frame, window or word has no vector: nothing is interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from encoders.base import Embedding, unit
from encoders.towers import Heard
from ingest.decoded import Segment
from ingest.item import Modality

PEAK_WINDOWS = 10
"""Windows of a sound, about five seconds, of which the highest score of a class counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordView:
    """Words of one content: its own text, or what was heard or seen in it."""

    row: int
    """Place of the content in the batch."""
    source: str
    """text, speech or screen."""
    words: str
    """All of them; not empty."""
    stretches: tuple[tuple[Segment, str], ...] = ()
    """Words of each stretch that has some, in order of time."""


def still_embedding(rows: NDArray[np.float32], fingerprint: str) -> Embedding:
    """One view of a still from the vectors (T, D_m) of its frames."""
    return _embedding(Modality.IMAGE, "frames", fingerprint, unit(rows.mean(axis=0)))


def video_embedding(
    rows: NDArray[np.float32],
    times: NDArray[np.float64],
    segments: Sequence[Segment],
    fingerprint: str,
) -> Embedding:
    """One view of a clip, and one vector per stretch.

    Args:
        rows: unit vector of each frame, (T, D_m).
        times: seconds of each frame, (T,).
        segments: stretches of the clip.
        fingerprint: digest of the image tower's fingerprint.
    """
    found = _by_segment(rows, times, segments)
    return _embedding(Modality.VIDEO, "frames", fingerprint, unit(rows.mean(axis=0)), found)


def sound_embedding(heard: Heard, segments: Sequence[Segment], fingerprint: str) -> Embedding:
    """One view of a sound, and one vector per stretch, from its windows."""
    times = heard.centres_seconds
    inside = [(s, (times >= s.start_seconds) & (times < s.end_seconds)) for s in segments]
    found = [
        (s, sound_vector(heard.vectors[mask], heard.scores[mask]))
        for s, mask in inside
        if mask.any()
    ]
    whole = sound_vector(heard.vectors, heard.scores)
    return _embedding(Modality.AUDIO, "sound", fingerprint, whole, found)


def sound_vector(vectors: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """One vector of the windows of a sound.

    Args:
        vectors: vector of each window, (W, D_w), W at least 1.
        scores: class scores of each window, (W, C); C is 0 for a tower without classes.

    Returns:
        Unit vector (D_w + C,): the mean of the vectors, then, of equal weight, the class scores at
        their peak in each run of ``PEAK_WINDOWS``, averaged over runs. A bark heard once says more
        than the silence around it.
    """
    mean = unit(vectors.mean(axis=0))
    if scores.shape[1] == 0:
        return mean
    runs = range(0, len(scores), PEAK_WINDOWS)
    peaks = np.mean([scores[start : start + PEAK_WINDOWS].max(axis=0) for start in runs], axis=0)
    return unit(np.concatenate([mean, unit(peaks)]))


def word_embedding(view: WordView, vectors: NDArray[np.float32], fingerprint: str) -> Embedding:
    """One view of words.

    Args:
        view: the words.
        vectors: unit vector of all words, then of each stretch, (1 + S, D_m).
        fingerprint: digest of what made them.
    """
    found = [(s, vector) for (s, _), vector in zip(view.stretches, vectors[1:], strict=True)]
    words = "" if view.source == "text" else view.words
    return replace(
        _embedding(Modality.TEXT, view.source, fingerprint, vectors[0], found), words=words
    )


def _by_segment(
    rows: NDArray[np.float32], times: NDArray[np.float64], segments: Sequence[Segment]
) -> list[tuple[Segment, NDArray[np.float32]]]:
    inside = [(s, (times >= s.start_seconds) & (times < s.end_seconds)) for s in segments]
    return [(s, unit(rows[mask].mean(axis=0))) for s, mask in inside if mask.any()]


def _embedding(
    modality: Modality,
    source: str,
    fingerprint: str,
    vector: NDArray[np.float32],
    stretches: Sequence[tuple[Segment, NDArray[np.float32]]] = (),
) -> Embedding:
    bounds = [(s.start_seconds, s.end_seconds) for s, _ in stretches]
    rows = [row for _, row in stretches]
    return Embedding(
        modality=modality,
        source=source,
        fingerprint=fingerprint,
        vector=vector,
        segment_vectors=np.array(rows, np.float32).reshape(len(rows), len(vector)),
        segment_bounds=np.array(bounds, np.float64).reshape(len(rows), 2),
    )
