"""Blocks: shapes, causality, padding, and what each kind is, against plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ranking.blocks import (
    BUCKETS,
    CausalAttention,
    Drop,
    GatedBlock,
    Group,
    PlainBlock,
    PointwiseBlock,
    block_of,
    time_buckets,
)
from support.sequences import small_config

KINDS = ["plain", "gated", "pointwise"]


def gaps(batch: int, places: int) -> Tensor:
    return torch.randint(BUCKETS, (batch, places, places))


def through(block: nn.Module, rows: Tensor, between: Tensor | None) -> Tensor:
    """Rows (B, T, D) of one group, to rows (B, T, D)."""
    group = Group(shape=(rows.shape[0], rows.shape[1]), gaps=between)
    found: Tensor = block(rows.flatten(0, 1), [group])
    return found.view(rows.shape)


@pytest.mark.parametrize(
    ("kind", "found"), [("plain", PlainBlock), ("gated", GatedBlock), ("pointwise", PointwiseBlock)]
)
def test_one_setting_chooses_the_block(kind: str, found: type) -> None:
    assert isinstance(block_of(small_config(block=kind)), found)


@pytest.mark.parametrize("time", ["none", "gaps"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_place_looks_ahead(kind: str, time: str) -> None:
    block = block_of(small_config(block=kind, time=time)).eval()
    between = None if time == "none" else gaps(3, 7)
    rows = torch.randn(3, 7, 16)
    changed = rows.clone()
    changed[:, 4] += 1
    before, after = through(block, rows, between), through(block, changed, between)
    assert before.shape == (3, 7, 16)
    assert torch.equal(before[:, :4], after[:, :4])
    assert (before[:, 4:] != after[:, 4:]).any(dim=2).all()


@pytest.mark.parametrize("kind", KINDS)
def test_padding_on_the_right_changes_nothing(kind: str) -> None:
    block = block_of(small_config(block=kind)).eval()
    rows = torch.randn(2, 5, 16)
    wider = torch.cat([rows, torch.randn(2, 4, 16)], dim=1)
    torch.testing.assert_close(through(block, wider, None)[:, :5], through(block, rows, None))


@pytest.mark.parametrize("kind", KINDS)
def test_time_moves_what_is_found(kind: str) -> None:
    block = block_of(small_config(block=kind, time="gaps")).eval()
    rows, between = torch.randn(2, 5, 16), gaps(2, 5)
    flat = through(block, rows, between)
    torch.testing.assert_close(flat, through(block, rows, torch.zeros_like(between)))
    for name, weight in block.named_parameters():
        if name.endswith("time_bias"):
            torch.nn.init.normal_(weight)
    assert (through(block, rows, between) - flat).abs().max() > 1e-3


def test_attention_is_a_softmax_over_what_came_before() -> None:
    attention = CausalAttention(small_config(num_heads=2, time="gaps")).eval()
    torch.nn.init.normal_(attention.time_bias)  # type: ignore[arg-type]
    rows, between = torch.randn(1, 4, 16), gaps(1, 4)
    asked, key, value = attention.mix(rows[0]).chunk(3, dim=1)
    found = torch.zeros(4, 16)
    for head in (slice(0, 8), slice(8, 16)):
        for i in range(4):
            fit = torch.stack(
                [
                    asked[i, head] @ key[j, head] / math.sqrt(8)
                    + attention.time_bias[between[0, i, j]]  # type: ignore[index]
                    for j in range(i + 1)
                ]
            )
            found[i, head] = fit.softmax(dim=0) @ value[: i + 1, head]
    torch.testing.assert_close(through(attention, rows, between)[0], attention.out(found))


def test_gates_read_the_stream_before_normalisation() -> None:
    block = GatedBlock(small_config()).eval()
    rows = torch.randn(1, 3, 16)
    found = through(block.attention, block.norms[0](rows), None)
    first = rows + torch.sigmoid(block.gates[0](rows)) * found
    inner = block.norms[1](first)
    gate, value = (inner @ block.unit.into.weight.T).chunk(2, dim=2)
    unit = (functional.silu(gate) * value) @ block.unit.out.weight.T
    torch.testing.assert_close(
        through(block, rows, None), first + torch.sigmoid(block.gates[1](first)) * unit
    )


def test_pointwise_attention_adds_up() -> None:
    config = small_config(block="pointwise", num_heads=1)
    block = PointwiseBlock(config).eval()
    torch.nn.init.normal_(block.place_bias)
    rows = torch.randn(1, 4, 16)
    mixed = functional.silu(block.norm(rows[0]) @ block.mix.weight.T)
    gate, asked, key, value = mixed.chunk(4, dim=1)
    found = torch.zeros(4, 16)
    for i in range(4):
        for j in range(i + 1):
            share = functional.silu(asked[i] @ key[j] + block.place_bias[i - j]) / config.length
            found[i] += share * value[j]
    expected = rows[0] + block.out(gate * block.found_norm(found))
    torch.testing.assert_close(through(block, rows, None)[0], expected)


def test_buckets_of_time_rise_with_the_gap() -> None:
    found = time_buckets(torch.tensor([-5, 0, 1, 2, 60, 86_400, 10**9, 2**62]))
    assert found.tolist() == [0, 0, 0, 2, 13, 37, 68, BUCKETS - 1]


@pytest.mark.parametrize("time", ["none", "gaps"])
@pytest.mark.parametrize("kind", KINDS)
def test_flat_rows_of_several_groups_give_what_each_history_gives_alone(
    kind: str, time: str
) -> None:
    block = block_of(small_config(block=kind, time=time)).eval()
    lengths, rows = ((3, 1), (5,)), torch.randn(12, 16)
    groups, alone, first = [], [], 0
    for group in lengths:
        between = None if time == "none" else gaps(len(group), max(group))
        places = torch.zeros(len(group), max(group), dtype=torch.int64)
        for number, length in enumerate(group):
            places[number, :length] = first + torch.arange(length)
            own = None if between is None else between[number : number + 1, :length, :length]
            alone.append(through(block, rows[None, first : first + length], own)[0])
            first += length
        kept = (torch.arange(max(group)) < torch.tensor(group)[:, None]).flatten().nonzero()[:, 0]
        groups.append(Group(shape=tuple(places.shape), places=places, kept=kept, gaps=between))  # type: ignore[arg-type]
    torch.testing.assert_close(block(rows, groups)[:9], torch.cat(alone))


def test_dropping_keeps_the_mean_and_only_while_learning() -> None:
    drop, rows = Drop(0.3), torch.ones(300, 401)
    torch.manual_seed(0)
    found = drop(rows)
    assert float((found == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(found.mean()) == pytest.approx(1, abs=0.01)
    assert float((found[:, 1:] * found[:, :-1]).mean()) == pytest.approx(1, abs=0.02)
    assert not torch.equal(found, drop(rows))
    assert torch.equal(drop.eval()(rows), rows)
    assert torch.equal(Drop(0.0)(rows), rows)
