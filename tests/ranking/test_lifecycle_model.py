"""Lifecycles in service: a signal over topics, kept in a file, that follows the view's clusters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ranking.lifecycle import Windows
from ranking.lifecycle_head import TopicHead
from ranking.lifecycle_model import LifecycleModel, LifecycleSignal, Topics
from ranking.lifecycle_network import LifecycleNetwork
from ranking.shelf import Interests
from ranking.signals import Deeds
from ranking.user_state import US_PER_DAY
from retrieval.fitted import FittedError
from support.lifecycles import LEXICON, TOPICS, small_shape

ITEMS = np.arange(6)


@pytest.fixture
def model() -> LifecycleModel:
    torch.manual_seed(0)
    network = LifecycleNetwork(small_shape())
    head = TopicHead(32, 8, network.topic.weight.detach())
    for weight in (*network.parameters(), *head.parameters()):
        weight.data.add_(0.2 * torch.randn_like(weight))
    return LifecycleModel(
        network=network.eval(),
        head=head.eval(),
        lexicon=LEXICON,
        windows=Windows(pair_days=np.full(LEXICON.num_pairs, 7), silent_days=7),
        topics=Topics(view="themes", clusters=tuple(range(1, TOPICS + 1))),
    )


def interests(of_item: list[int], clusters: tuple[int, ...], view: str = "themes") -> Interests:
    return Interests(
        view=view,
        names=tuple(f"c{number}" for number in clusters),
        of_item=np.array(of_item, np.int32),
        confidence=np.ones(len(of_item), np.float32),
        cluster_ids=clusters,
    )


def deeds(items: list[int], types: list[str], last_day: int = 40) -> Deeds:
    return Deeds(
        user_id="u",
        items=np.array(items, np.int64),
        types=tuple(types),
        times_us=np.arange(1, len(items) + 1) * 5 * US_PER_DAY,
        asked_us=last_day * US_PER_DAY,
    )


def test_items_are_rated_by_their_topics(model: LifecycleModel) -> None:
    # Clusters stand in another order than when topics were learnt, and one came later.
    signal = LifecycleSignal.of(model, interests([0, 1, 2, 0, -1, 2], (9, 4, 99)))
    told = signal.rate(deeds([0, 1, 0], ["like", "click", "like"]), ITEMS)
    assert told.dtype == np.float32
    assert told[0] == told[3] != told[1]
    assert told[2] == told[4] == told[5] == 0
    log = model.log_of(["like"], np.array([8]), np.array([5 * US_PER_DAY]))
    lift = model.lift(model.vector(log, 40)[None])[0]
    alone = signal.rate(deeds([0], ["like"]), ITEMS)
    np.testing.assert_allclose(alone[[0, 1]], lift[[8, 3]], atol=1e-5)


def test_what_is_not_known_says_nothing(model: LifecycleModel) -> None:
    signal = LifecycleSignal.of(model, interests([0, 1, 2, 0, -1, 2], (9, 4, 99)))
    for nothing in (deeds([], []), deeds([4, 2], ["like", "like"]), deeds([0], ["report"])):
        assert not signal.rate(nothing, ITEMS).any()
    with pytest.raises(ValueError, match="clusters of 'themes'"):
        LifecycleSignal.of(model, interests([0], (9,), view="colours"))


def test_time_that_passes_changes_what_is_said(model: LifecycleModel) -> None:
    signal = LifecycleSignal.of(model, interests([0, 1, 2, 0, -1, 2], (9, 4, 99)))
    soon, late = (signal.rate(deeds([0, 1], ["like", "like"], day), ITEMS) for day in (11, 90))
    assert not np.allclose(soon, late)
    # The rating of an item does not hang on what else is rated.
    np.testing.assert_array_equal(
        signal.rate(deeds([0, 1], ["like", "like"], 11), ITEMS[1:2]), soon[1:2]
    )


def test_a_kept_model_says_the_same(model: LifecycleModel, tmp_path: Path) -> None:
    path = tmp_path / "lifecycle.safetensors"
    model.save(path)
    again = LifecycleModel.load(path)
    assert again.fingerprint == model.fingerprint
    known = interests([0, 1, 2, 0, -1, 2], (9, 4, 99))
    asked = deeds([0, 1, 0], ["like", "click", "like"])
    one, other = (LifecycleSignal.of(each, known) for each in (model, again))
    np.testing.assert_array_equal(one.rate(asked, ITEMS), other.rate(asked, ITEMS))
    assert one.name == other.name
    shorter = replace(model, windows=replace(model.windows, silent_days=8))
    assert shorter.fingerprint != model.fingerprint
    path.write_bytes(path.read_bytes()[:-4] + b"oops")
    with pytest.raises(FittedError, match="holds no lifecycles"):
        LifecycleModel.load(path)
