"""Texts with packaged sentence encoders: MiniLM or BGE, int8 ONNX.

A text longer than the model's window is cut into windows of tokens; its vector is the mean of
their vectors weighted by their tokens, which equals mean pooling with attention kept inside each
window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from encoders.base import Fingerprint, unit
from encoders.onnx import Feed, OnnxModel, Threads
from encoders.weights import locate, weights_named


@dataclass(frozen=True, slots=True, kw_only=True)
class TextModel:
    """What distinguishes one packaged BERT from another."""

    weights: str
    """Name in ``encoders.weight_table``."""
    pooling: Literal["mean", "first"]
    """Whether a window's vector is the mean over its tokens, or that of its first token."""
    max_tokens: int
    """Longest window, counting the two special tokens."""
    width: int = 384
    """Length of its vectors."""


MINILM = TextModel(weights="minilm-l6", pooling="mean", max_tokens=256)
BGE_SMALL = TextModel(weights="bge-small-en", pooling="first", max_tokens=512)


class OnnxTextEncoder:
    """A packaged BERT: texts to vectors.

    Args:
        model: which.
        threads: how many windows are worked on at once.
    """

    def __init__(self, model: TextModel = MINILM, threads: Threads | None = None) -> None:
        self.model = model
        self._onnx = OnnxModel(model.weights, threads or Threads())

    @property
    def width(self) -> int:
        """Length of the vectors."""
        return self.model.width

    @property
    def fingerprint(self) -> Fingerprint:
        """What makes these vectors."""
        return Fingerprint(
            model=self.model.weights,
            revision=weights_named(self.model.weights).files[0].sha256,
            preprocessing=f"windows of {self.model.max_tokens}, {self.model.pooling} pooling",
        )

    def encode(self, media: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts.

        Args:
            media: B texts of any length.

        Returns:
            Unit vectors, (B, D_m).

        Raises:
            ModelUnavailableError: the weights are not in the cache.
        """
        tokenizer = self._tokenizer
        cut = [
            token_windows(encoding.ids, self.model.max_tokens)
            for encoding in tokenizer.encode_batch(list(media), add_special_tokens=False)
        ]
        first, last = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
        windows = [[first, *ids, last] for part in cut for ids in part]
        hidden = self._onnx.run_each(windows, _feed, "last_hidden_state")
        pooled = [h[0].mean(axis=0) if self.model.pooling == "mean" else h[0, 0] for h in hidden]
        return pool_windows(pooled, cut, self.width)

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Count the tokens of some texts, special ones left out."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return sum(len(encoding.ids) for encoding in encodings)

    @cached_property
    def _tokenizer(self) -> Any:
        path = locate(self.model.weights) / "tokenizer.json"
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer


def token_windows(ids: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Cut tokens into windows that leave room for two special tokens; at least one window."""
    room = max_tokens - 2
    return [list(ids[start : start + room]) for start in range(0, max(len(ids), 1), room)]


def pool_windows(
    vectors: Sequence[NDArray[np.float32]], cut: Sequence[Sequence[Sequence[int]]], width: int
) -> NDArray[np.float32]:
    """Mean of each text's window vectors, weighted by tokens.

    Args:
        vectors: one vector (D_m,) per window, texts in order.
        cut: the windows of each of B texts.
        width: D_m.

    Returns:
        Unit vectors, (B, D_m).
    """
    rows = np.zeros((len(cut), width), np.float32)
    left = iter(vectors)
    for row, windows in enumerate(cut):
        weights = [max(1, len(ids)) for ids in windows]
        parts = unit(np.array([next(left) for _ in windows]))
        rows[row] = np.average(parts, axis=0, weights=weights)
    return unit(rows)


def _feed(ids: list[int]) -> Feed:
    row = np.array([ids], np.int64)
    return {
        "input_ids": row,
        "attention_mask": np.ones_like(row),
        "token_type_ids": np.zeros_like(row),
    }
