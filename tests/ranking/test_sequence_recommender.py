"""The sequence model in service: same scores from disk, empty histories, grown catalogues."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ingest.event_rules import EventRules
from ranking.ranker import history_of, items_of
from ranking.sequence_recommender import Asked, SequenceRecommender
from ranking.sequences import Sequences, rows_learnt_from
from ranking.shared_calls import SharedCalls
from retrieval.fitted import FittedError
from support.histories import histories_of
from support.sequences import CONTENT_WIDTH, small_network

HISTORIES = histories_of("abcdefghijklmnop", "pa", "", "mnbvcxa", step_us=3_600_000_000)
USERS = [HISTORIES.history(user) for user in range(len(HISTORIES))]


def recommender(num_actions: int = 1, content_width: int = 0) -> SequenceRecommender:
    content = np.random.default_rng(0).normal(size=(HISTORIES.num_items, CONTENT_WIDTH))
    rows = rows_learnt_from(HISTORIES, content.astype(np.float32) if content_width else None)
    network = small_network(
        num_ids=len(rows.known),
        num_actions=num_actions,
        content_width=content_width,
        time="request",
    )
    return SequenceRecommender(
        network=network,
        item_ids=tuple(HISTORIES.item_ids[number] for number in rows.known),
        rows=rows,
        weights=np.linspace(1, -2, num_actions).astype(np.float32),
        space="0123",
    )


def test_scores_are_those_of_the_network_one_by_one() -> None:
    scorer = recommender()
    found = scorer.score([USERS[0], HISTORIES.history(1), USERS[2]])
    assert found.shape == (3, HISTORIES.num_items)
    events = Sequences(histories=HISTORIES).latest(np.array([0]), 12)
    history = history_of(
        scorer.rows, events, np.append(events.times[:, 1:], events.times[:, -1:], 1)
    )
    everything = items_of(scorer.rows, np.arange(len(scorer.rows)))
    with torch.inference_mode():
        scores = scorer.network.scores(history, torch.tensor([12]), everything)
    np.testing.assert_allclose(found[0], scores[0, :, 0], rtol=1e-4, atol=1e-5)


def test_who_else_is_scored_does_not_matter() -> None:
    scorer = recommender(num_actions=2, content_width=CONTENT_WIDTH)
    together = scorer.score(USERS)
    alone = np.concatenate([scorer.score([user]) for user in USERS])
    np.testing.assert_allclose(together, alone, rtol=1e-4)
    assert np.isfinite(together).all()
    assert (together < 0).any()


def test_an_empty_history_gives_what_was_met_most_often() -> None:
    empty = histories_of("a").only(np.zeros(1, bool)).history(0)
    scorer = recommender()
    assert not scorer.score([empty]).any()
    assert scorer.score([]).shape == (0, HISTORIES.num_items)
    counts = np.random.default_rng(0).integers(1, 9, size=HISTORIES.num_items)
    counting = replace(scorer, counts=counts)
    found = counting.score([USERS[0], empty])
    np.testing.assert_array_equal(found[1], np.log1p(counts).astype(np.float32))
    np.testing.assert_array_equal(found[0], scorer.score([USERS[0]])[0])
    np.testing.assert_array_equal(counting.rank([empty], np.array([3, 1]))[0], found[1, [3, 1]])


@pytest.mark.parametrize("num_actions", [1, 2])
def test_candidates_score_as_in_the_whole_catalogue(num_actions: int) -> None:
    scorer = recommender(num_actions=num_actions, content_width=CONTENT_WIDTH)
    candidates = np.array([4, 0, 11, 4])
    found = scorer.rank(USERS, candidates)
    assert found.shape == (len(USERS), 4)
    np.testing.assert_allclose(found, scorer.score(USERS)[:, candidates], rtol=1e-4, atol=1e-6)


def test_actions_of_the_history_are_read_where_given() -> None:
    scorer = recommender(num_actions=3)
    first = [np.zeros(len(user.items), np.int64) for user in USERS]
    np.testing.assert_array_equal(scorer.score(USERS, first), scorer.score(USERS))
    other = [(np.arange(len(user.items)) + 1) % 3 for user in USERS]
    found = scorer.score(USERS, other)
    assert not np.allclose(found[0], scorer.score(USERS)[0])
    np.testing.assert_allclose(found[1:2], scorer.score(USERS[1:2], other[1:2]), rtol=1e-4)


def test_memory_of_the_vectors_is_told() -> None:
    scorer = recommender()
    scorer.score(USERS)
    assert scorer.size_bytes == scorer._vectors.nbytes
    assert scorer._met is scorer._vectors


def test_what_is_read_scores_as_what_was_written(tmp_path: Path) -> None:
    counts = np.arange(HISTORIES.num_items)
    actions = (("click", "play"), ("skip",))
    own = EventRules(weights=("click:3",))
    written = replace(recommender(num_actions=2), counts=counts, actions=actions).weighed(own)
    written.save(tmp_path / "model")
    read = SequenceRecommender.load(tmp_path / "model", HISTORIES.item_ids)
    assert read.weights.tolist() == [0.5, -2]
    assert read.fingerprint != written.fingerprint
    read = read.weighed(own)
    np.testing.assert_array_equal(read.score(USERS), written.score(USERS))
    assert read.network.config == written.network.config
    assert (read.item_ids, read.space) == (written.item_ids, "0123")
    assert (read.actions, read.fingerprint) == (actions, written.fingerprint)
    assert read.counts is not None
    np.testing.assert_array_equal(read.counts, counts)


def test_a_catalogue_may_grow_and_change_its_order(tmp_path: Path) -> None:
    written = recommender(content_width=CONTENT_WIDTH)
    written.save(tmp_path / "model")
    assert written.rows.content is not None
    catalogue = ("new", *HISTORIES.item_ids)
    content = np.concatenate([np.ones((1, CONTENT_WIDTH), np.float32), written.rows.content])
    read = SequenceRecommender.load(tmp_path / "model", catalogue, content)
    user = USERS[2]
    moved = type(user)(items=user.items + 1, times_us=user.times_us, asked_us=user.asked_us)
    found = read.score([moved])
    np.testing.assert_allclose(found[:, 1:], written.score([user]), rtol=1e-4, atol=1e-5)
    assert read.rows.id_rows[0] == -1
    assert found[0, 0] != 0


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    recommender().save(tmp_path / "model")
    whole = bytearray((tmp_path / "model").read_bytes())
    whole[-5] ^= 1
    (tmp_path / "model").write_bytes(whole)
    with pytest.raises(FittedError):
        SequenceRecommender.load(tmp_path / "model", HISTORIES.item_ids)
    with pytest.raises(FittedError):
        SequenceRecommender.load(tmp_path / "none", HISTORIES.item_ids)


def test_threads_that_share_a_pass_get_what_they_get_alone() -> None:
    scorer, random = recommender(num_actions=2), np.random.default_rng(4)
    asked = [
        (USERS[number % len(USERS)], random.integers(0, HISTORIES.num_items, 1 + number))
        for number in range(40)
    ]
    wanted = [scorer.rank([history], candidates) for history, candidates in asked]
    sizes: list[int] = []
    answer = scorer._shared._answer

    def counted(together: Sequence[Asked]) -> Sequence[torch.Tensor]:
        sizes.append(len(together))
        return answer(together)

    scorer.__dict__["_shared"] = SharedCalls(counted, at_once=1)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: scorer.rank([one[0]], one[1]), asked))
    for one, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, expected, atol=1e-5)
    known = sum(len(history.items) > 0 for history, _ in asked)
    assert sum(sizes) == known, "each history once"
