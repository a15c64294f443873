"""Parts over a history: pools that never look ahead, chances of codes, and the beam."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch

from ranking.interest_heads import AttentionPool, InterestVector, NextInterest
from ranking.quantiser import Quantiser, QuantiserConfig


def parts(sizes: tuple[int, ...] = (5, 4, 3), width: int = 6) -> tuple[NextInterest, Quantiser]:
    torch.manual_seed(0)
    quantiser = Quantiser(QuantiserConfig(width=width, sizes=sizes))
    with torch.no_grad():
        for table in quantiser.levels:
            table.normal_()
    return NextInterest(width, sizes), quantiser


def test_a_pool_is_a_mean_of_what_was_there() -> None:
    torch.manual_seed(0)
    pool, keys, values = AttentionPool(6, 3), torch.randn(2, 5, 6), torch.randn(2, 5, 6)
    found = pool(keys, values)
    assert found.shape == (2, 5, 3, 6)
    torch.testing.assert_close(found[:, 0], values[:, :1].expand(-1, 3, -1))
    shares = pool.ask(keys[:1, :4]).softmax(dim=1)  # (1, 4, K)
    torch.testing.assert_close(found[0, 3], shares[0].T @ values[0, :4])


def test_a_pool_never_looks_ahead() -> None:
    torch.manual_seed(0)
    pool, rows = AttentionPool(6, 3), torch.randn(2, 5, 6)
    changed = rows.clone()
    changed[:, 3:] += 1
    torch.testing.assert_close(pool(rows, rows)[:, :3], pool(changed, changed)[:, :3])


def test_all_codes_are_alike_at_the_start() -> None:
    following, quantiser = parts((64, 64))
    following.start()
    codes = torch.randint(64, (9, 2))
    loss = -following.log_chance(torch.randn(9, 6), codes, quantiser).sum(dim=1).mean()
    assert float(loss.detach()) == pytest.approx(2 * math.log(64), rel=1e-6)


def test_chances_add_up_and_no_gradient_reaches_the_dictionary() -> None:
    following, quantiser = parts()
    every = torch.tensor(list(product(range(5), range(4), range(3))))
    states = torch.randn(1, 6)
    found = following.log_chance(states.expand(len(every), -1), every, quantiser).sum(dim=1)
    assert float(found.exp().sum().detach()) == pytest.approx(1, rel=1e-5)
    found[:5].sum().backward()  # type: ignore[no-untyped-call]
    assert all(table.grad is None for table in quantiser.levels)


def test_a_beam_finds_the_likeliest_codes() -> None:
    following, quantiser = parts()
    every = torch.tensor(list(product(range(5), range(4), range(3))))
    states = 3 * torch.randn(7, 6)
    codes, chances = following.best(states, 40, quantiser)
    for row in range(7):
        wide = states[row : row + 1].expand(len(every), -1)
        best, place = following.log_chance(wide, every, quantiser).sum(dim=1).topk(40)
        torch.testing.assert_close(chances[row], best)
        assert torch.equal(codes[row], every[place])
    few, few_chances = following.best(states, 2, quantiser)
    assert torch.equal(few[:, 0], codes[:, 0])
    assert few.shape == (7, 2, 3)
    assert (few_chances <= chances[:, :2] + 1e-6).all()


def test_a_beam_gives_no_code_twice_and_no_more_than_there_are() -> None:
    following, quantiser = parts((3, 2))
    codes, chances = following.best(torch.randn(4, 6), 20, quantiser)
    assert codes.shape == (4, 6, 2)
    assert all(len(set(map(tuple, row))) == 6 for row in codes.tolist())
    assert (chances.diff(dim=1) <= 0).all()


def test_an_interest_changes_nothing_at_the_start() -> None:
    torch.manual_seed(0)
    vector, states = InterestVector(6, 12), torch.randn(3, 6)
    vector.start()
    torch.nn.init.zeros_(vector.out.bias)
    found = vector(states, torch.randn(3, 12))
    torch.testing.assert_close(found, torch.nn.functional.normalize(states, dim=-1))
