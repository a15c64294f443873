"""Which frames and stretches: covered, spread, bounded, and cheap where keyframes allow."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sampling import VideoSampling, choose_frames, cut_segments


@given(
    duration=st.floats(0.04, 20_000),
    segment=st.floats(0.5, 60),
    most=st.integers(1, 64),
)
def test_segments_cover_the_file_without_gaps(duration: float, segment: float, most: int) -> None:
    segments = cut_segments(duration, segment, most)
    assert 1 <= len(segments) <= most
    assert segments[0].start_seconds == 0.0
    assert segments[-1].end_seconds == pytest.approx(duration)
    for before, after in pairwise(segments):
        assert before.end_seconds == after.start_seconds
    length = duration / len(segments)
    if 1 < len(segments) < most:
        assert 2 / 3 * segment <= length <= 1.5 * segment


def test_no_duration_has_no_segments() -> None:
    assert cut_segments(0.0, 5.0, 8) == ()


@settings(max_examples=60)
@given(
    num_times=st.integers(1, 3000),
    fps=st.floats(5, 60),
    gop=st.integers(1, 300),
    keyframes_first=st.booleans(),
)
def test_frames_are_bounded_and_every_segment_has_one(
    num_times: int, fps: float, gop: int, keyframes_first: bool
) -> None:
    times = np.arange(num_times) / fps
    duration = num_times / fps
    sampling = VideoSampling(max_frames=16, keyframes_first=keyframes_first)
    chosen = choose_frames(times, range(0, num_times, gop), duration, sampling)
    numbers = [number for number, _ in chosen]
    assert numbers == sorted(set(numbers))
    assert len(numbers) <= 16
    for segment in cut_segments(duration, sampling.segment_seconds, 16):
        inside = (times[numbers] >= segment.start_seconds - 1e-9) & (
            times[numbers] < segment.end_seconds
        )
        assert inside.any() or num_times < 16


def test_keyframes_alone_are_taken_where_they_are_enough() -> None:
    times = np.arange(300) / 30
    chosen = choose_frames(times, range(0, 300, 30), 10.0, VideoSampling())
    assert len(chosen) >= 4
    assert all(number % 30 == 0 for number, _ in chosen)


def test_few_keyframes_are_filled_up_with_the_middles_of_slots() -> None:
    times = np.arange(300) / 30
    numbers = [n for n, _ in choose_frames(times, [0, 250], 10.0, VideoSampling())]
    assert len(numbers) == 8
    assert {0, 250} <= set(numbers)
    assert np.diff(times[numbers]).max() < 2.5


def test_without_keyframes_first_frames_are_evenly_spread() -> None:
    times = np.arange(300) / 30
    sampling = VideoSampling(keyframes_first=False)
    numbers = [n for n, _ in choose_frames(times, range(0, 300, 30), 10.0, sampling)]
    assert times[numbers] == pytest.approx(np.arange(8) * 1.25 + 0.625, abs=1 / 30)


@pytest.mark.parametrize(
    "wrong",
    [
        partial(VideoSampling, num_frames=0),
        partial(VideoSampling, num_frames=9, max_frames=8),
        partial(VideoSampling, segment_seconds=0.0),
    ],
)
def test_sampling_is_checked(wrong: partial[VideoSampling]) -> None:
    with pytest.raises(ValueError, match="expected"):
        wrong()
