"""Packaged sentence encoders: meaning, windows, and independence of the batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from encoders.base import unit
from encoders.onnx import Threads
from encoders.text import BGE_SMALL, MINILM, OnnxTextEncoder, pool_windows, token_windows

TEXTS = ["a dog runs over the grass", "a puppy plays on the lawn", "the stock market fell", ""]


@pytest.fixture(scope="module", params=[MINILM, BGE_SMALL], ids=lambda model: model.weights)
def encoder(
    request: pytest.FixtureRequest,
    default_weights: None,
    optional_weights: Callable[[str], None],
) -> OnnxTextEncoder:
    optional_weights(request.param.weights)
    return OnnxTextEncoder(request.param, Threads(count=2))


def test_meaning_decides(encoder: OnnxTextEncoder) -> None:
    dog, puppy, market, _ = encoder.encode(TEXTS)

    assert dog @ puppy > dog @ market + 0.2


def test_a_batch_equals_one_by_one(encoder: OnnxTextEncoder) -> None:
    together = encoder.encode(TEXTS)

    np.testing.assert_array_equal(together, np.concatenate([encoder.encode([t]) for t in TEXTS]))
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert together.shape == (len(TEXTS), encoder.width)


def test_the_end_of_a_long_text_counts(encoder: OnnxTextEncoder) -> None:
    start = "the weather was mild and the road was long . " * 60

    plain, with_end, end = encoder.encode(
        [start, start + "a dog runs over the grass . " * 60, "a dog runs over the grass"]
    )

    assert with_end @ end > plain @ end + 0.1


def test_tokens_are_counted_without_special_ones(encoder: OnnxTextEncoder) -> None:
    assert encoder.count_tokens(["a dog", "", "a dog and a cat"]) == 7


def test_nothing_gives_nothing(encoder: OnnxTextEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


@pytest.mark.parametrize(
    ("num_tokens", "lengths"), [(0, [0]), (1, [1]), (6, [6]), (7, [6, 1]), (13, [6, 6, 1])]
)
def test_windows_leave_room_for_two_special_tokens(num_tokens: int, lengths: list[int]) -> None:
    windows = token_windows(range(num_tokens), max_tokens=8)

    assert [len(window) for window in windows] == lengths
    assert [token for window in windows for token in window] == list(range(num_tokens))


def test_windows_are_pooled_by_their_tokens() -> None:
    first, second, third = unit(np.random.default_rng(0).normal(size=(3, 5)))

    rows = pool_windows([first, second, third], [[[1, 2, 3], [4]], [[5]]], width=5)

    expected = 0.75 * first + 0.25 * second
    np.testing.assert_allclose(rows[0], expected / np.linalg.norm(expected), atol=1e-6)
    np.testing.assert_allclose(rows[1], third, atol=1e-6)
