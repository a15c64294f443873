"""Two processes on Ray learn what one process learns, and a failure says what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ranking.held_out import hold_out
from ranking.ranker_fit import start_network, training_of
from ranking.ranker_settings import RankerSettings
from ranking.sequence_training import SequenceData, train_ranker
from ranking.sequence_validation import Validation
from ranking.sequences import Sequences, rows_learnt_from
from ray_jobs.training import train_together
from support.histories import walks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    # Ray Train leaves sockets and processes to the end of its own.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),
]
SETTINGS = RankerSettings(
    width=8, num_layers=1, length=4, epochs=4, batch_size=32, learning_rate=0.01, dropped_ratio=0.0
)


def test_two_processes_learn_what_one_learns(tmp_path: Path) -> None:
    held = hold_out(Sequences(histories=walks(120, 3)), seed=0)
    rows = rows_learnt_from(held.learnt.histories)
    data = SequenceData(sequences=held.learnt, validation=held.validation, rows=rows)
    networks = [start_network(rows, SETTINGS) for _ in range(2)]
    config = training_of(SETTINGS, 120)
    alone = train_ranker(data, networks[0], config, tmp_path / "one", lambda _: None)
    together = train_together(data, networks[1], config, tmp_path / "two", workers=2)
    assert together.epoch == alone.epoch == 4
    assert together.best_epoch == alone.best_epoch
    assert together.loss == pytest.approx(alone.loss, rel=1e-3)
    states = [network.state_dict()["ids.weight"] for network in networks]
    torch.testing.assert_close(states[1], states[0], rtol=0, atol=1e-3)
    ranks = [Validation(sequences=data.validation, rows=rows).ranks(n) for n in networks]
    assert np.mean(ranks[0] == ranks[1]) > 0.95
