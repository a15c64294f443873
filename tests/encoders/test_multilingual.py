"""The packed multilingual encoder: its format, its tokenizer, and meaning across languages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from encoders.multilingual import MultilingualEncoder, bert_name, unigram_tokenizer, unpacked
from encoders.onnx import Threads


def test_blocks_unpack_low_nibbles_first() -> None:
    block = np.zeros(1, [("scale", "<f2"), ("nibbles", "u1", 16)])
    block["scale"] = 0.5
    block["nibbles"][0, 0] = 0xF0
    block["nibbles"][0, 15] = 0x0A

    values = unpacked(block)[0]

    assert values.shape == (32,)
    assert (values[0], values[16]) == (-4.0, 3.5)
    assert (values[15], values[31]) == (1.0, -4.0)


def test_the_tokenizer_normalises_and_takes_the_likeliest_pieces() -> None:
    pieces = [("<unk>", 0.0), ("▁", -3.0), ("▁new", -2.0), ("▁York", -2.0), ("s", -4.0)]
    pieces += [(letter, -6.0) for letter in "newYork"]

    tokenizer = unigram_tokenizer(pieces, unknown_id=0)

    assert tokenizer.encode("new\t  Yorks").tokens == ["▁new", "▁York", "s"]
    assert tokenizer.encode("ｎｅｗ").tokens == ["▁new"]  # noqa: RUF001


def test_names_follow_transformers() -> None:
    assert bert_name("emb.ln.w") == "embeddings.LayerNorm.weight"
    assert bert_name("l11.ao.b") == "encoder.layer.11.attention.output.dense.bias"


@pytest.mark.slow
def test_meaning_decides_in_any_language(optional_weights: Callable[[str], None]) -> None:
    optional_weights("multilingual-e5-small")
    encoder = MultilingualEncoder(Threads(count=2))
    dogs = ["a dog runs on the grass", "un perro corre por la hierba", "一只狗在草地上奔跑"]
    markets = ["stock markets fell today", "股市今天下跌", "los mercados cayeron hoy"]

    rows = encoder.encode([*dogs, *markets])
    assert encoder.count_tokens(["word " * 1200, "dog"]) > encoder.count_tokens(["dog"]) > 0

    likeness = rows @ rows.T
    for row in range(6):
        same = [j for j in range(6) if j != row and j // 3 == row // 3]
        other = [j for j in range(6) if j // 3 != row // 3]
        assert max(likeness[row, same]) > max(likeness[row, other])
    alone = np.concatenate([encoder.encode([text]) for text in (*dogs, *markets)])
    np.testing.assert_allclose(rows, alone, atol=1e-5)
    assert encoder.encode(["word " * 1200]).shape == (1, encoder.width)
