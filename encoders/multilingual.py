"""Texts in a hundred languages with the packaged multilingual-e5-small (4-bit weights).

The packed file holds a unigram vocabulary and the tensors of a BERT in 4-bit blocks. Here the
tokenizer is rebuilt with ``tokenizers`` and the layers with ``transformers``; the large word table
stays packed, and only the rows of a text are unpacked. Activations are not quantised, so texts are
batched freely.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoders.base import Fingerprint
from encoders.onnx import Threads
from encoders.text import pool_windows, token_windows
from encoders.weights import locate, weights_named

PREFIX = "query: "
"""The model was trained with it before both sides of a pair of equals."""
BATCH_TOKENS = 4096
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_PACKED = 1


class MultilingualEncoder:
    """multilingual-e5-small: texts in most languages to vectors in one space.

    Args:
        threads: how much of the machine encoding may use.
    """

    weights = "multilingual-e5-small"
    width = 384

    def __init__(self, threads: Threads | None = None) -> None:
        self.threads = threads or Threads()

    @property
    def fingerprint(self) -> Fingerprint:
        """What makes these vectors."""
        return Fingerprint(
            model=self.weights,
            revision=weights_named(self.weights).files[0].sha256,
            preprocessing=f"prefix {PREFIX!r}, windows of 512 tokens, mean pooling",
        )

    def encode(self, media: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts.

        Args:
            media: B texts of any length.

        Returns:
            Unit vectors, (B, 384).

        Raises:
            ModelUnavailableError: the weights are not in the cache.
        """
        encodings = self._tokenizer.encode_batch([PREFIX + text for text in media])
        cut = [token_windows(encoding.ids, self._packed.max_tokens) for encoding in encodings]
        windows = [
            [self._packed.first_id, *ids, self._packed.last_id] for part in cut for ids in part
        ]
        vectors: list[NDArray[np.float32]] = []
        step = max(1, BATCH_TOKENS // max((len(window) for window in windows), default=1))
        for start in range(0, len(windows), step):
            vectors += list(self._forward(windows[start : start + step]))
        return pool_windows(vectors, cut, self.width)

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Count the tokens of some texts, without the prefix and special ones."""
        return sum(len(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts)))

    def _forward(self, windows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Mean hidden state of each window, (B, 384)."""
        import torch

        longest = max(map(len, windows))
        rows = np.zeros((len(windows), longest, self.width), np.float32)
        mask = np.zeros((len(windows), longest), np.int64)
        for i, ids in enumerate(windows):
            rows[i, : len(ids)] = unpacked(self._packed.words[list(ids)]).reshape(-1, self.width)
            mask[i, : len(ids)] = 1
        with torch.inference_mode():
            hidden = self._model(
                inputs_embeds=torch.from_numpy(rows), attention_mask=torch.from_numpy(mask)
            ).last_hidden_state.numpy()
        pooled = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return np.asarray(pooled, np.float32)

    @cached_property
    def _packed(self) -> PackedBert:
        return read_packed(locate(self.weights) / "model.bin")

    @cached_property
    def _tokenizer(self) -> Any:
        return unigram_tokenizer(self._packed.pieces, self._packed.unknown_id)

    @cached_property
    def _model(self) -> Any:
        import torch
        from transformers import BertConfig, BertModel

        packed = self._packed
        config = BertConfig(
            vocab_size=1,
            hidden_size=self.width,
            num_hidden_layers=packed.num_layers,
            num_attention_heads=packed.num_heads,
            intermediate_size=packed.inner_width,
            max_position_embeddings=packed.max_tokens,
            layer_norm_eps=packed.epsilon,
        )
        model = BertModel(config, add_pooling_layer=False).eval()
        state = {bert_name(k): torch.from_numpy(v) for k, v in packed.tensors.items()}
        shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
        state = {name: tensor.reshape(shapes[name]) for name, tensor in state.items()}
        absent = model.load_state_dict(state, strict=False).missing_keys
        assert absent == ["embeddings.word_embeddings.weight"], absent
        torch.set_num_threads(self.threads.number)
        return model


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedBert:
    """What the packed file holds."""

    num_layers: int
    """Layers of the BERT."""
    num_heads: int
    """Attention heads per layer."""
    inner_width: int
    """Width of the feed-forward layer."""
    max_tokens: int
    """Longest window, counting special tokens."""
    epsilon: float
    """Added to variances."""
    first_id: int
    """Token before each window."""
    last_id: int
    """Token after each window."""
    unknown_id: int
    """Token of characters outside the vocabulary."""
    pieces: list[tuple[str, float]]
    """Vocabulary with log probabilities."""
    words: NDArray[np.void]
    """Packed word table, (V, blocks per row)."""
    tensors: Mapping[str, NDArray[np.float32]]
    """Everything else, unpacked and flat, by the file's own names."""


def unpacked(blocks: NDArray[np.void]) -> NDArray[np.float32]:
    """Unpack 4-bit blocks: 32 numbers each, ``(nibble - 8) * scale``, low nibbles first."""
    nibbles = blocks["nibbles"]
    values = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32) - 8.0
    return values * blocks["scale"][..., None].astype(np.float32)


def read_packed(path: Path) -> PackedBert:
    """Read a packed BERT; the word table stays on disk until its rows are asked for."""
    data = np.memmap(path, np.uint8, mode="r")
    cursor = _Cursor(data)
    magic, _ = cursor.take("<4sI")
    if magic != b"E5S1":
        raise ValueError(f"expected a packed sentence encoder, got {magic = }")
    width, layers, heads, inner, vocabulary, longest, _ = cursor.take("<7i")
    epsilon, _ = cursor.take("<fi")
    count, first, last, _, unknown = cursor.take("<5i")
    pieces = cursor.pieces(count)
    cursor.skip(cursor.take("<iI")[1])
    directory = cursor.directory()
    start, size, _ = directory.pop("emb.word")
    words = data[start : start + size].view(_BLOCK).reshape(vocabulary, width // 32)
    return PackedBert(
        num_layers=layers,
        num_heads=heads,
        inner_width=inner,
        max_tokens=longest,
        epsilon=epsilon,
        first_id=first,
        last_id=last,
        unknown_id=unknown,
        pieces=pieces,
        words=words,
        tensors={
            name: unpacked(data[start : start + size].view(_BLOCK)).reshape(-1)
            if kind == _PACKED
            else np.array(data[start : start + size].view("<f4"))
            for name, (start, size, kind) in directory.items()
        },
    )


class _Cursor:
    """Reads little-endian fields one after the other."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        fields = struct.unpack_from(layout, self.data.data, self.at)
        self.at += struct.calcsize(layout)
        return fields

    def skip(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at].tobytes()

    def pieces(self, count: int) -> list[tuple[str, float]]:
        (size,) = self.take("<Q")
        ends = np.frombuffer(self.skip(4 * (count + 1)), "<u4")
        scores = np.frombuffer(self.skip(4 * count), "<f4")
        blob = self.skip(size)
        return [(blob[ends[i] : ends[i + 1]].decode(), float(scores[i])) for i in range(count)]

    def directory(self) -> dict[str, tuple[int, int, int]]:
        """Start, size in bytes and kind of each tensor."""
        found = {}
        for _ in range(self.take("<i")[0]):
            name = self.skip(self.take("<H")[0]).decode()
            kind, _, start, size = self.take("<BIQQ")
            found[name] = (start, size, kind)
        return found


def unigram_tokenizer(pieces: Sequence[tuple[str, float]], unknown_id: int) -> Any:
    """The tokenizer of XLM-RoBERTa from its vocabulary, without special tokens around a text."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.Unigram(list(pieces), unk_id=unknown_id))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def bert_name(name: str) -> str:
    """The name that ``transformers`` gives a tensor of the packed file."""
    outer = {
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
        "emb.ln.w": "embeddings.LayerNorm.weight",
        "emb.ln.b": "embeddings.LayerNorm.bias",
    }
    if name in outer:
        return outer[name]
    layer, part, kind = name.split(".")
    inner = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense",
        "fo": "output.dense",
        "oln": "output.LayerNorm",
    }
    suffix = "weight" if kind == "w" else "bias"
    return f"encoder.layer.{layer[1:]}.{inner[part]}.{suffix}"
