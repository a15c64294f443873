"""The sequence model as a feed asks it: liked or acted, empty, and without single events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ingest.event_rules import EventRules
from ranking.feed_ranker import Ranker, without
from ranking.ranker import SequenceNetwork
from ranking.ranker_config import RankerConfig
from ranking.sequence_draws import SequenceTraining
from ranking.sequence_events import gather_deeds, learnable, told_deeds
from ranking.sequence_ranker import SequenceRanker
from ranking.sequence_recommender import SequenceRecommender
from ranking.sequence_training import SequenceData, train_ranker
from ranking.sequences import rows_learnt_from, rows_of_catalogue
from ranking.user_state import UserState, UserStateConfig, derive
from support.events import event
from support.people import START_US, life, shelf
from support.sequences import NUM_ITEMS, small_network

SHELF = shelf([0] * NUM_ITEMS)
ITEMS = np.array([5, 2, 29, 11])
ACTIONS = (("complete", "watch_time>=0.6"), ("click", "like"), ("skip", "dislike"))
RULES = EventRules()


def ranker(actions: tuple[tuple[str, ...], ...] = ()) -> SequenceRanker:
    known = {item_id: row for row, item_id in enumerate(SHELF.item_ids)}
    num_actions = max(len(actions), 1)
    return SequenceRanker(
        recommender=SequenceRecommender(
            network=small_network(num_actions=num_actions),
            item_ids=SHELF.item_ids,
            rows=rows_of_catalogue(SHELF.item_ids, known),
            weights=np.array([1, 0.5, -2], np.float32)[:num_actions],
            actions=actions,
            counts=np.arange(NUM_ITEMS),
        )
    )


def state(number: int = 120) -> UserState:
    events = life(number, NUM_ITEMS, seed=3)
    return derive("u", START_US * 2, events, SHELF, EventRules(), UserStateConfig())


@pytest.mark.parametrize("actions", [(), ACTIONS])
def test_without_an_item_is_as_if_it_had_never_been_met(
    actions: tuple[tuple[str, ...], ...],
) -> None:
    one: Ranker = ranker(actions)
    person = state()
    dropped = np.unique(person.recent.items)[:6]
    found = one.rank_without(person, ITEMS, dropped)
    assert found.shape == (6, 4)
    for row, item in zip(found, dropped.tolist(), strict=True):
        np.testing.assert_allclose(row, one.rank(without(person, item), ITEMS), rtol=1e-4)
    unmet = np.setdiff1d(np.arange(NUM_ITEMS), person.recent.items)[:1]
    if len(unmet):
        found = one.rank_without(person, ITEMS, unmet)
        np.testing.assert_allclose(found[0], one.rank(person, ITEMS), rtol=1e-4)


def test_without_actions_what_was_liked_is_read() -> None:
    one, person = ranker(), state()
    np.testing.assert_array_equal(
        one.rank(person, ITEMS), one.recommender.rank([person.liked], ITEMS)[0]
    )


def test_with_actions_each_event_counts_as_what_it_was() -> None:
    one = ranker(ACTIONS)
    events = [
        event("i3", minute=0, event_type="click"),
        event("i3", minute=1, event_type="watch_time", value=0.9),
        event("i7", minute=2, event_type="share"),
        event("i9", minute=3, event_type="dislike"),
    ]
    person = derive("u", START_US * 2, events, SHELF, EventRules(), UserStateConfig())
    history, actions = one._read(person)
    assert history.items.tolist() == [3, 9]
    assert actions.tolist() == [0, 2]
    assert history.times_us.tolist() == [events[1].occurred_us, events[3].occurred_us]
    liked = replace(events[3], event_type="like", event_id="")
    other = derive("u", START_US * 2, [*events[:3], liked], SHELF, EventRules(), UserStateConfig())
    assert not np.allclose(one.rank(person, ITEMS), one.rank(other, ITEMS))


def test_of_nobody_the_most_met_come_first() -> None:
    nobody = state(0)
    assert np.argsort(-ranker(ACTIONS).rank(nobody, ITEMS)).tolist() == [2, 3, 0, 1]
    assert np.argsort(-ranker().rank(nobody, ITEMS)).tolist() == [2, 3, 0, 1]


def test_the_name_changes_with_what_was_learnt() -> None:
    one = ranker(ACTIONS)
    heavier = EventRules(weights=("skip:-3",))
    assert SequenceRanker(recommender=one.recommender.weighed(heavier)).name != one.name
    assert ranker().name == ranker().name != ranker(ACTIONS).name


def test_a_log_teaches_what_is_liked_and_what_is_only_likely(tmp_path: Path) -> None:
    """After an even item comes mostly an odd one that is skipped, at times one that is liked."""
    draw = np.random.default_rng(0)
    events = []
    for user in range(150):
        for minute in range(0, 12, 2):
            liked = draw.random() < 0.3
            after = f"i{4 + draw.integers(3)}" if liked else f"i{8 + draw.integers(3)}"
            name = f"u{user:03}"
            events.append(event(f"i{draw.integers(3)}", name, minute))
            kind = "like" if liked else "skip"
            events.append(event(after, name, minute + 1, event_type=kind))
    acted = learnable(gather_deeds(told_deeds(events), RULES))
    known = acted.told[2]
    assert dict(zip(known.names, known.weights.tolist(), strict=True)) == {
        "click": 0.5, "like": 1, "skip": -2
    }  # fmt: skip
    histories = acted.histories
    rows = rows_learnt_from(histories)
    torch.manual_seed(0)
    network = SequenceNetwork(
        RankerConfig(num_ids=len(rows.known), num_actions=3, width=16, num_layers=1, length=12)
    )
    train_ranker(
        SequenceData(sequences=acted, validation=acted, rows=rows),
        network,
        SequenceTraining(epochs=10, batch_size=32, learning_rate=1e-2, drawn="all", keep="last"),
        tmp_path / "run",
        lambda _progress: None,
    )
    one = SequenceRanker(
        recommender=SequenceRecommender(
            network=network,
            item_ids=histories.item_ids,
            rows=rows,
            weights=known.weights,
            actions=known.conditions,
        )
    )
    planted = shelf([0] * len(histories.item_ids))
    planted = replace(planted, item_ids=histories.item_ids)
    person = derive(
        "u", START_US * 2, [event("i1", minute=0)], planted, EventRules(), UserStateConfig()
    )
    wanted, unwanted = (
        one.rank(person, np.array([planted.number_of[f"i{first + n}"] for n in range(3)]))
        for first in (4, 8)
    )
    assert wanted.min() > 0 > unwanted.max()
    chances = one.chances(person, np.array([planted.number_of["i4"], planted.number_of["i8"]]))
    np.testing.assert_allclose(sum(chances.values()), 1, rtol=1e-5)
    assert chances["like"][0] > 0.8 > 0.2 > chances["like"][1]
    likely = one.recommender.weighed(EventRules(weights=("skip:1", "click:1")))
    found = SequenceRanker(recommender=likely).rank(person, np.arange(len(planted)))
    assert {planted.item_ids[item] for item in np.argsort(-found)[:3]} == {"i8", "i9", "i10"}
