"""Learning clicks: where it starts, that it can learn by heart, what it finds, how it goes on."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from ranking.click_network import ClickNetwork
from ranking.click_training import (
    ClickData,
    ClickProgress,
    ClickTraining,
    reached_by,
    train_clicks,
)
from ranking.impressions import draw_choices
from support.clicks import small_network, topical_histories, topical_impressions, topical_views

HISTORIES = topical_histories()
FIT, LAST = topical_impressions(HISTORIES)
DATA = ClickData(views=topical_views(HISTORIES), fit=FIT, validation=LAST)
TRAINING = ClickTraining(epochs=12, patience=12, batch_size=32, learning_rate=1e-2)


def loss_of(network: ClickNetwork, rows: np.ndarray, items: np.ndarray) -> torch.Tensor:
    logits = network(DATA.views, FIT, rows, items)
    return functional.cross_entropy(logits, torch.zeros(len(rows), dtype=torch.long))


def test_before_learning_it_knows_nothing() -> None:
    rows, items = draw_choices(FIT, 4, np.random.default_rng(0))
    loss = loss_of(small_network().eval(), rows, items)
    assert float(loss.detach()) == pytest.approx(math.log(5), abs=0.05)


def test_it_learns_a_few_clicks_by_heart() -> None:
    rows, items = draw_choices(FIT, 4, np.random.default_rng(0))
    rows, items = rows[:64], items[:64]
    network = small_network(width=32).eval()  # Nothing is dropped.
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(120):
        loss = loss_of(network, rows, items)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert float(loss.detach()) < 0.05


def test_it_finds_the_topics_of_people_it_knows_and_of_those_it_does_not(tmp_path: Path) -> None:
    network = small_network()
    progress = train_clicks(DATA, network, TRAINING, tmp_path / "checkpoint")
    assert progress.first < 0.65
    assert progress.best > 0.9
    assert reached_by(network, DATA) == pytest.approx(progress.best)
    assert reached_by(network, replace(DATA, validation=LAST.strangers())) > 0.85


def test_scores_of_a_batch_are_those_in_service() -> None:
    network = small_network().eval()
    rows = np.arange(len(LAST))
    shown = LAST.items.reshape(len(LAST), -1)
    with torch.inference_mode():
        expected = network(DATA.views, LAST, rows, shown).numpy().reshape(-1)
    np.testing.assert_allclose(network.scores(DATA.views, LAST), expected, atol=1e-5)


def test_a_run_that_was_killed_ends_where_it_would_have_ended(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def killed(progress: ClickProgress) -> None:
        if progress.epoch == 2:
            raise KilledError

    config = replace(TRAINING, epochs=4)
    whole, halved = small_network(), small_network()
    train_clicks(DATA, whole, config, tmp_path / "whole")
    with pytest.raises(KilledError):
        train_clicks(DATA, halved, config, tmp_path / "halved", killed)
    rounds: list[int] = []
    again = small_network()
    train_clicks(DATA, again, config, tmp_path / "halved", lambda p: rounds.append(p.epoch))
    assert rounds == [2, 3, 4]
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)


def test_the_best_state_is_kept_and_rounds_without_gain_end_learning(tmp_path: Path) -> None:
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    config = replace(TRAINING, learning_rate=1e-12, patience=2)
    progress = train_clicks(DATA, network, config, tmp_path / "checkpoint")
    assert progress.epoch <= progress.best_epoch + 2
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name])
