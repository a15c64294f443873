"""From settings to a ranker: what it knows items by, how it starts, how large its steps are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ranking.held_out import hold_out
from ranking.ranker_fit import Content, fit_ranker, fitting_batch, start_network, training_of
from ranking.ranker_settings import RankerSettings
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequences import Sequences, rows_learnt_from
from support.histories import walks

QUICK = RankerSettings(width=8, num_layers=1, length=4, epochs=1)
HELD_OUT = hold_out(Sequences(histories=walks(60, 3)), seed=0)


def content() -> Content:
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(HELD_OUT.learnt.histories.num_items, 5))
    return Content(vectors=vectors.astype(np.float32), space="here")


@pytest.mark.parametrize(
    ("knows", "ids", "width", "space"),
    [("ids", True, 0, ""), ("content", False, 5, "here"), ("both", True, 5, "here")],
)
def test_items_are_known_by_what_the_settings_say(
    knows: str, ids: bool, width: int, space: str, tmp_path: Path
) -> None:
    settings = replace(QUICK, knows=knows)  # type: ignore[arg-type]
    fitted = fit_ranker(HELD_OUT, settings, content())
    ranker = fitted.recommender
    assert (ranker.network.config.num_ids > 0) == ids
    assert (ranker.network.config.content_width, ranker.space) == (width, space)
    histories = HELD_OUT.learnt.histories
    ranker.save(tmp_path / "r")
    again = SequenceRecommender.load(tmp_path / "r", histories.item_ids, content().vectors)
    asked = [histories.history(0), histories.history(1)]
    np.testing.assert_allclose(again.score(asked), ranker.score(asked), rtol=1e-5, atol=1e-6)


def test_the_seed_decides_the_start_and_leaves_chance_alone() -> None:
    rows = rows_learnt_from(HELD_OUT.learnt.histories)
    before = torch.get_rng_state()
    one, same, other = (start_network(rows, replace(QUICK, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one.place.weight, same.place.weight)
    assert not torch.equal(one.place.weight, other.place.weight)


def test_few_users_make_small_steps() -> None:
    assert [fitting_batch(users, 128) for users in (10, 640, 6_400, 10**6)] == [8, 10, 100, 128]
    assert training_of(QUICK, 640).batch_size == 10
    assert training_of(replace(QUICK, batch_size=77), 640).batch_size == 77


def test_content_alone_needs_content() -> None:
    with pytest.raises(ValueError, match="expected ids, content or both"):
        fit_ranker(HELD_OUT, replace(QUICK, knows="content"))
