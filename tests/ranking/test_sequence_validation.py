"""Validation against a loop, with ties, items already seen and long histories."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ranking import sequence_validation
from ranking.ranker import history_of, items_of
from ranking.sequence_validation import Validation
from ranking.sequences import Sequences, rows_learnt_from
from ranking.worth import log_worth
from support.histories import histories_of
from support.sequences import small_network

HISTORIES = histories_of("abcdefghijklmnop", "pa", "x", "mnbvcxa", "zzyz")


def test_ranks_are_those_of_a_loop() -> None:
    network = small_network()
    rows = rows_learnt_from(HISTORIES)
    sequences = Sequences(histories=HISTORIES)
    found = Validation(sequences=sequences, rows=rows).ranks(network)
    expected = []
    for user in (0, 1, 3, 4):
        items = HISTORIES.history(user).items
        events = sequences.latest(np.array([user]), 13).before_last()
        history = history_of(rows, events, events.times)
        everything = items_of(rows, np.arange(len(rows)))
        with torch.inference_mode():
            scores = network.scores(history, torch.from_numpy(events.lengths), everything)[0, :, 0]
        others = set(range(len(rows))) - set(items[:-1].tolist()) - {int(items[-1])}
        expected.append(1 + sum(bool(scores[item] > scores[items[-1]]) for item in others))
    assert found.tolist() == expected


def test_equal_scores_share_the_places() -> None:
    network = small_network()
    assert network.ids is not None
    torch.nn.init.zeros_(network.ids.weight)
    found = Validation(
        sequences=Sequences(histories=HISTORIES), rows=rows_learnt_from(HISTORIES)
    ).ranks(network)
    num_items = HISTORIES.num_items
    assert found.tolist() == [(num_items - seen + 1) / 2 for seen in (15, 1, 6, 2 - 1)]


def test_measures_follow_from_the_ranks_and_leave_the_network_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = small_network(dropped_ratio=0.5).train()
    judge = Validation(sequences=Sequences(histories=HISTORIES), rows=rows_learnt_from(HISTORIES))
    ranks = np.array([1.0, 3.0, 10.5, 40.0])
    before = torch.get_rng_state()
    whole = judge.measure(network)
    assert network.training
    assert torch.equal(torch.get_rng_state(), before)
    assert judge.measure(network) == whole
    monkeypatch.setattr(Validation, "ranks", lambda *_: ranks)
    assert judge.measure(network).hits_at_10 == 0.5
    assert judge.measure(network).ndcg_at_10 == pytest.approx((1 + 1 / math.log2(4)) / 4)


def test_small_parts_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Validation(sequences=Sequences(histories=HISTORIES), rows=rows_learnt_from(HISTORIES))
    whole = judge.ranks(small_network())
    monkeypatch.setattr(sequence_validation, "MOST_SCORES", 1)
    monkeypatch.setattr(sequence_validation, "ITEM_CHUNK", 7)
    assert judge.ranks(small_network()).tolist() == whole.tolist()
    monkeypatch.setattr(sequence_validation, "MOST_USERS", 3)
    assert len(judge.ranks(small_network())) == 3


def test_nobody_to_ask_is_nothing_found() -> None:
    nobody = HISTORIES.only(np.zeros(len(HISTORIES.items), bool))
    judge = Validation(sequences=Sequences(histories=nobody), rows=rows_learnt_from(HISTORIES))
    assert judge.measure(small_network()).ndcg_at_10 == 0


def test_with_weights_items_are_ranked_by_worth() -> None:
    network, rows = small_network(num_actions=3), rows_learnt_from(HISTORIES)
    acts = np.arange(len(HISTORIES.items)) % 3
    sequences = Sequences(histories=HISTORIES, actions=acts)
    weights = np.array([1, 0.5, -2], np.float32)
    found = Validation(sequences=sequences, rows=rows, weights=weights).ranks(network)
    expected = []
    for user in (0, 1, 3, 4):
        items = HISTORIES.history(user).items
        events = sequences.latest(np.array([user]), 13).before_last()
        everything = items_of(rows, np.arange(len(rows)))
        with torch.inference_mode():
            history = history_of(rows, events, events.times)
            scores = network.scores(history, torch.from_numpy(events.lengths), everything)[0]
        chance = scores.double().exp().numpy()
        worth = log_worth(chance[:, :2] @ weights[:2], -chance[:, 2] * weights[2])
        others = set(range(len(rows))) - set(items[:-1].tolist()) - {int(items[-1])}
        expected.append(1 + sum(bool(worth[item] > worth[items[-1]]) for item in others))
    assert found.tolist() == expected
    plain = Validation(sequences=sequences, rows=rows).ranks(network)
    assert plain.tolist() != expected
