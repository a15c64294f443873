"""What true items are held against: only what was learnt from, as often as it is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from ranking.sequence_draws import Draws, SequenceTraining
from ranking.sequences import Sequences
from support.histories import histories_of

HISTORIES = histories_of("aaab", "cab", "z")
LEARNT = HISTORIES.only(HISTORIES.user_of_event < 2)
CONFIG = SequenceTraining(num_drawn=4_000)
TRUE = np.array([0, 1, 0, 2])


def draws(config: SequenceTraining) -> Draws:
    return Draws(Sequences(histories=LEARNT), config)


@pytest.mark.parametrize("drawn", ["uniform", "popular"])
@pytest.mark.parametrize("shared", [True, False])
def test_items_come_as_often_as_expected(
    drawn: Literal["uniform", "popular"], shared: bool
) -> None:
    config = replace(CONFIG, drawn=drawn, shared=shared)
    items, log_expected = draws(config).draw(TRUE, np.random.default_rng(0))
    assert items.shape == log_expected.shape == ((4_000,) if shared else (4, 4_000))
    each = items if shared else items[2]
    counts = np.bincount(each, minlength=4)
    assert counts[3] == 0
    expected = np.exp(log_expected if shared else log_expected[2])
    for item in range(3):
        assert counts[item] == pytest.approx(expected[each == item][0], rel=0.1)
    share = [1 / 3] * 3 if drawn == "uniform" else [4 / 7, 2 / 7, 1 / 7]
    np.testing.assert_allclose(counts[:3] / 4_000, share, atol=0.03)


def test_all_items_are_those_learnt_from() -> None:
    items, log_expected = draws(replace(CONFIG, drawn="all")).draw(TRUE, np.random.default_rng(0))
    assert items.tolist() == [0, 1, 2]
    assert not log_expected.any()


def test_a_step_draws_its_own_true_items_by_their_popularity() -> None:
    items, log_expected = draws(replace(CONFIG, drawn="batch")).draw(TRUE, np.random.default_rng(0))
    assert items.tolist() == TRUE.tolist()
    np.testing.assert_allclose(np.exp(log_expected), [16 / 7, 8 / 7, 16 / 7, 4 / 7], rtol=1e-6)
