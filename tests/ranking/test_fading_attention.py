"""Clicks that fade, each number at its own pace: the start, the fading, padding, what is learnt."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ranking.fading_attention import FadingAttention, person_encoder
from ranking.long_short import LongShortConfig, latest

WIDTH = 6
USERS = torch.zeros(3, dtype=torch.long)


def reader(length: int = 50) -> FadingAttention:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = LongShortConfig(num_users=0, width=WIDTH, reader="attention", length=length)
        found = person_encoder(config)
    assert isinstance(found, FadingAttention)
    return found.eval()


def clicks() -> tuple[Tensor, Tensor]:
    """Clicks of three persons: all four, the first two, none."""
    rows = torch.randn(3, 4, WIDTH, generator=torch.Generator().manual_seed(1))
    return rows, torch.arange(4) < torch.tensor([4, 2, 0])[:, None]


def test_it_starts_as_the_clicks_weighed_by_what_they_say() -> None:
    (rows, present), network = clicks(), reader(length=2)
    shares = network.said(rows, latest(present, 2))
    torch.testing.assert_close(network(USERS, rows, present), (shares[..., None] * rows).sum(dim=1))
    assert (shares > 0).tolist() == [
        [False, False, True, True], [True, True, False, False], [False] * 4
    ]  # fmt: skip


def test_every_number_fades_by_a_power_of_the_place() -> None:
    network, slopes = reader(), [0.0, 0.5, 1.0, 2.0, 9.0, -1.0]
    network.slopes.data = torch.tensor(slopes)
    torch.nn.init.zeros_(network.said.query.weight)  # All clicks say alike.
    rows = torch.tensor([5.0, 1e3, 3.0, 1e3, 2.0])[None, :, None].expand(-1, -1, WIDTH)
    present = torch.tensor([[True, False, True, False, True]])
    [found] = network(USERS[:1], rows, present).tolist()
    for number, slope in zip(found, slopes, strict=True):
        weights = [place**-slope for place in (3, 2, 1)]
        expected = sum(w * x for w, x in zip(weights, (5, 3, 2), strict=True)) / sum(weights)
        assert number == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("places", [[0, 1, 2, 3], [3, 4, 5, 6], [0, 2, 3, 6]])
def test_padding_is_never_read_wherever_it_stands_and_order_counts(places: list[int]) -> None:
    (rows, present), network = clicks(), reader()
    torch.nn.init.uniform_(network.slopes)
    expected = network(USERS, rows, present)
    wide, some = 1e3 * torch.randn(3, 7, WIDTH), torch.zeros(3, 7, dtype=torch.bool)
    wide[:, places] = torch.where(present[..., None], rows, wide[:, places])
    some[:, places] = present
    torch.testing.assert_close(network(USERS, wide, some), expected, atol=1e-5, rtol=0)
    assert expected[2].abs().max() == 0
    turned = network(USERS[:1], rows[:1].flip(1), present[:1])
    assert (turned - expected[:1]).abs().max() > 1e-2


def test_without_any_click_what_is_learnt_stays_finite() -> None:
    network = reader().train()
    network(USERS, torch.randn(3, 4, WIDTH), torch.zeros(3, 4, dtype=torch.bool)).sum().backward()
    for weight in network.parameters():
        assert weight.grad is not None
        assert torch.isfinite(weight.grad).all()
    nothing = torch.empty(3, 0, dtype=torch.bool)
    assert network(USERS, torch.empty(3, 0, WIDTH), nothing).abs().max() == 0


def test_each_number_learns_whether_the_newest_click_decides_or_all_do() -> None:
    random, network = torch.Generator().manual_seed(0), reader().train()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    users, present = torch.zeros(64, dtype=torch.long), torch.ones(64, 5, dtype=torch.bool)
    newest = torch.arange(WIDTH) < WIDTH // 2
    for _ in range(80):
        clicked = torch.randn(64, 5, WIDTH, generator=random)
        wanted = torch.where(newest, clicked[:, -1], clicked.mean(dim=1))
        loss = (network(users, clicked, present) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert network.slopes[newest].min() > 1.5
    assert network.slopes[~newest].abs().max() < 0.3
