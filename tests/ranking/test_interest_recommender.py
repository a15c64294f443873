"""Interests in service: queries and scores agree, files give back what they got, cold items."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ranking.evaluate import EvaluationConfig, evaluate
from ranking.interest_config import Kind
from ranking.interest_recommender import InterestRecommender
from ranking.interest_validation import Held
from ranking.sequences import rows_learnt_from
from ranking.splits import SplitConfig, split
from retrieval.fitted import FittedError
from support.histories import histories_of, walks
from support.interests import small_interests
from support.sequences import CONTENT_WIDTH

HISTORIES = histories_of("abcdefghijklmnopqrstuvwxyzABCD", "pa", "", "mnbvcxa")
USERS = [HISTORIES.history(user) for user in range(len(HISTORIES))]


def recommender(kind: Kind = "interests", content_width: int = 0) -> InterestRecommender:
    content = np.random.default_rng(0).normal(size=(HISTORIES.num_items, CONTENT_WIDTH))
    rows = rows_learnt_from(HISTORIES, content.astype(np.float32) if content_width else None)
    return InterestRecommender(
        network=small_interests(kind=kind, content_width=content_width),
        item_ids=tuple(HISTORIES.item_ids[number] for number in rows.known),
        rows=rows,
        space="0123",
    )


@pytest.mark.parametrize("kind", ["one", "attention", "interests"])
def test_scores_are_the_best_over_queries(kind: Kind) -> None:
    scorer = recommender(kind)
    found = scorer.score(USERS)
    assert found.shape == (3, HISTORIES.num_items)
    for row, user in enumerate(USERS):
        queries = scorer.queries(user)
        cosines = queries.vectors @ scorer.vectors.T
        np.testing.assert_allclose(found[row], cosines.max(axis=0) / 0.1, rtol=1e-3, atol=1e-4)
        assert queries.weights.sum() == pytest.approx(1, rel=1e-5)
        np.testing.assert_allclose(np.linalg.norm(queries.vectors, axis=1), 1, rtol=1e-5)


def test_queries_are_as_many_as_asked_for() -> None:
    scorer = recommender()
    assert scorer.queries(USERS[0]).codes.shape == (3, 2)
    five = scorer.queries(USERS[0], 5)
    assert five.vectors.shape == (5, 8)
    assert (np.diff(five.weights) <= 0).all()
    assert len(set(map(tuple, five.codes.tolist()))) == 5


def test_who_else_is_scored_does_not_matter() -> None:
    scorer = recommender()
    alone = np.concatenate([scorer.score([user]) for user in USERS])
    np.testing.assert_allclose(scorer.score(USERS), alone, rtol=1e-4, atol=1e-5)


def test_an_empty_history_says_nothing() -> None:
    empty = histories_of("a").only(np.zeros(1, bool)).history(0)
    scorer = recommender()
    assert not scorer.score([empty]).any()
    assert scorer.score([]).shape == (0, HISTORIES.num_items)
    queries = scorer.queries(empty)
    assert queries.vectors.shape == (0, 8)
    assert queries.codes.shape == (0, 2)


@pytest.mark.parametrize("kind", ["one", "attention", "interests"])
def test_what_is_read_scores_as_what_was_written(tmp_path: Path, kind: Kind) -> None:
    written = recommender(kind)
    written.save(tmp_path / "model")
    read = InterestRecommender.load(tmp_path / "model", HISTORIES.item_ids)
    np.testing.assert_array_equal(read.score(USERS), written.score(USERS))
    np.testing.assert_array_equal(read.codes, written.codes)
    assert read.network.config == written.network.config
    assert (read.item_ids, read.space) == (written.item_ids, "0123")


def test_a_new_item_is_found_by_its_content_and_gets_a_code(tmp_path: Path) -> None:
    written = recommender(content_width=CONTENT_WIDTH)
    written.save(tmp_path / "model")
    assert written.rows.content is not None
    catalogue = ("new", *HISTORIES.item_ids)
    content = np.concatenate([written.rows.content[3:4], written.rows.content])
    read = InterestRecommender.load(tmp_path / "model", catalogue, content)
    user = USERS[2]
    moved = replace(user, items=user.items + 1)
    found = read.score([moved])
    np.testing.assert_allclose(found[:, 1:], written.score([user]), rtol=1e-4, atol=1e-4)
    assert read.rows.id_rows[0] == -1
    assert np.linalg.norm(read.vectors[0]) == pytest.approx(1, rel=1e-5)
    np.testing.assert_array_equal(read.codes[1:], written.codes)
    assert read.queries(replace(user, items=user.items * 0)).vectors.shape == (3, 8)


def test_without_content_a_new_item_is_found_by_nobody(tmp_path: Path) -> None:
    recommender().save(tmp_path / "model")
    read = InterestRecommender.load(tmp_path / "model", ("new", *HISTORIES.item_ids))
    assert not read.vectors[0].any()


def test_other_settings_share_the_weights() -> None:
    scorer = recommender()
    other = scorer.with_settings(num_interests=1, merge="chance")
    first = scorer.queries(USERS[0]).vectors[:1]
    np.testing.assert_allclose(other.queries(USERS[0]).vectors, first, rtol=1e-5)
    assert other.network.config.merge == "chance"


def test_validation_while_learning_agrees_with_the_evaluation() -> None:
    part = split(walks(400, 6, 12), SplitConfig(protocol="users")).validation
    rows = rows_learnt_from(part.fit)
    network = small_interests(kind="attention", num_ids=len(rows.known))
    scorer = InterestRecommender(network=network, item_ids=part.fit.item_ids, rows=rows)
    measured = evaluate(scorer, part, EvaluationConfig(ks=(50,)))
    found = Held(cases=part.cases, rows=rows).recall(network)
    # Held counts users without a new item as nothing found; the evaluation does not ask them.
    assert found * len(part.cases) == pytest.approx(
        measured.figures["recall@50"] * len(measured.cases), rel=1e-6
    )


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    recommender().save(tmp_path / "model")
    whole = bytearray((tmp_path / "model").read_bytes())
    whole[-5] ^= 1
    (tmp_path / "model").write_bytes(whole)
    with pytest.raises(FittedError):
        InterestRecommender.load(tmp_path / "model", HISTORIES.item_ids)
    with pytest.raises(FittedError):
        InterestRecommender.load(tmp_path / "none", HISTORIES.item_ids)
