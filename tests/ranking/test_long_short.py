"""Who somebody is beside what they clicked last: padding, order, the unknown, the empty."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from ranking.long_short import UNKNOWN, LongShort, LongShortConfig, together

WIDTH = 6
KINDS = list(itertools.product(("gru", "lstm"), ("con", "ini")))
every_kind = pytest.mark.parametrize(("reader", "join"), KINDS)


def combiner(reader: str = "gru", join: str = "con", length: int = 50) -> LongShort:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LongShort(
            LongShortConfig(
                num_users=9, width=WIDTH, user_width=8, length=length,
                reader="lstm" if reader == "lstm" else "gru",
                join="ini" if join == "ini" else "con",
            )
        ).eval()  # fmt: skip


def clicks(count: int = 4) -> tuple[Tensor, Tensor]:
    """Clicks of three persons: all, the first two, none."""
    rows = torch.randn(3, count, WIDTH, generator=torch.Generator().manual_seed(1))
    present = torch.arange(count) < torch.tensor([count, 2, 0])[:, None]
    return rows, present


def spread(rows: Tensor, present: Tensor, places: list[int], size: int) -> tuple[Tensor, Tensor]:
    """The same clicks at other places, with noise where nothing is."""
    wide = 1e3 * torch.randn(len(rows), size, WIDTH)
    some = torch.zeros(len(rows), size, dtype=torch.bool)
    wide[:, places] = torch.where(present[..., None], rows, wide[:, places])
    some[:, places] = present
    return wide, some


USERS = torch.tensor([1, 2, 3])


@every_kind
@pytest.mark.parametrize("places", [[0, 1, 2, 3], [3, 4, 5, 6], [0, 2, 3, 6]])
def test_padding_is_never_read_wherever_it_stands(
    reader: str, join: str, places: list[int]
) -> None:
    network, (rows, present) = combiner(reader, join), clicks()
    expected = network(USERS, rows, present)
    found = network(USERS, *spread(rows, present, places, 7))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@every_kind
def test_the_last_click_counts_and_so_does_the_order(reader: str, join: str) -> None:
    network, (rows, present) = combiner(reader, join), clicks()
    before = network(USERS, rows, present)
    other = rows.clone()
    other[0, 3] += 1
    other[1, 1] += 1
    changed = (network(USERS, other, present) - before).abs().amax(dim=1)
    assert (changed[:2] > 1e-4).all()
    assert changed[2] == 0
    turned = network(USERS[:1], rows[:1].flip(1), present[:1])
    assert (turned - before[:1]).abs().max() > 1e-4


def test_the_most_recent_clicks_are_looked_at() -> None:
    network, (rows, present) = combiner(length=2), clicks()
    before = network(USERS, rows, present)
    oldest, newest = rows.clone(), rows.clone()
    oldest[0, :2] += 1
    newest[0, 2] += 1
    torch.testing.assert_close(network(USERS, oldest, present), before)
    assert (network(USERS, newest, present)[0] - before[0]).abs().max() > 1e-4


def test_clicks_move_together_in_their_order() -> None:
    rows = torch.arange(10.0).view(2, 5, 1)
    present = torch.tensor([[True, False, True, True, False], [False, False, False, False, True]])
    found, lengths = together(rows, present, 2)
    assert lengths.tolist() == [2, 1]
    assert found[0, :, 0].tolist() == [2, 3]
    assert found[1, 0, 0] == 9


@every_kind
def test_without_clicks_an_unknown_person_is_like_any_other(reader: str, join: str) -> None:
    network = combiner(reader, join)
    nobody = torch.full((3,), UNKNOWN)
    for size in (0, 4):
        empty = torch.zeros(3, size, dtype=torch.bool)
        found = network(nobody, torch.randn(3, size, WIDTH), empty)
        assert torch.isfinite(found).all()
        torch.testing.assert_close(found, found[:1].expand(3, -1))


@every_kind
def test_the_unknown_have_a_row_of_their_own(reader: str, join: str) -> None:
    network, (rows, present) = combiner(reader, join), clicks()
    rows, present = rows[:1].expand(3, -1, -1), present[:1].expand(3, -1)
    found = network(torch.tensor([UNKNOWN, UNKNOWN, 4]), rows, present)
    torch.testing.assert_close(found[0], found[1])
    assert (found[0] - found[2]).abs().max() > 1e-4
    with torch.no_grad():
        network.person.weight[4] = network.person.weight[UNKNOWN]
    torch.testing.assert_close(network(torch.tensor([4]), rows[:1], present[:1])[0], found[0])


def test_half_of_the_persons_are_taken_for_unknown_in_learning_and_none_in_service() -> None:
    network = combiner()
    users = torch.full((4_000,), 5)
    rows, present = torch.zeros(4_000, 1, WIDTH), torch.ones(4_000, 1, dtype=torch.bool)
    unknown = network(users[:1] * 0, rows[:1], present[:1])
    known = network(users[:1], rows[:1], present[:1])
    torch.manual_seed(0)
    found = network.train()(users, rows, present)
    as_unknown = torch.isclose(found, unknown, atol=1e-6).all(dim=1)
    as_known = torch.isclose(found, known, atol=1e-6).all(dim=1)
    assert (as_unknown ^ as_known).all()  # Whole vectors, never parts of them.
    assert 0.46 < float(as_unknown.float().mean()) < 0.54
    torch.testing.assert_close(network.eval()(users, rows, present), known.expand(4_000, -1))


def test_the_row_of_the_unknown_is_learnt() -> None:
    network, (rows, present) = combiner().train(), clicks()
    torch.manual_seed(0)
    network(USERS, rows, present).sum().backward()
    assert network.person.weight.grad is not None
    assert network.person.weight.grad[UNKNOWN].abs().max() > 0


def test_shapes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="expected widths"):
        LongShortConfig(num_users=-1)
    with pytest.raises(ValueError, match="expected a share"):
        LongShortConfig(num_users=1, hidden_ratio=1.5)
