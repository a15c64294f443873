"""Long- and short-term taste learnt from a log: found, kept, and asked by a feed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.histories import History
from ranking.feed_ranker import Ranker, without
from ranking.held_out import HeldOut, hold_out
from ranking.long_short_fit import FittedLongShort, fit_long_short
from ranking.long_short_ranker import LongShortRanker
from ranking.long_short_recommender import LongShortRecommender
from ranking.long_short_settings import LongShortSettings
from ranking.ranker_fit import Content
from ranking.sequences import Sequences
from retrieval.fitted import FittedError
from support.clicks import TOPICS, topical_histories, topical_views
from support.feed import planted_shelf, planted_state

HISTORIES = topical_histories()
CONTENT = Content(vectors=topical_views(HISTORIES).contents[0], space="0123")
SETTINGS = LongShortSettings(
    width=16, epochs=10, patience=10, batch_size=16, learning_rate=1e-2, shown=12
)
TOPIC = np.array([int(name[1:]) % TOPICS for name in HISTORIES.item_ids])
HELD = hold_out(Sequences(histories=HISTORIES), 0)


@pytest.fixture(scope="module")
def fitted() -> FittedLongShort:
    return fit_long_short(HELD, SETTINGS, CONTENT)


def ask(held: HeldOut, count: int = 20) -> list[History]:
    return [case.history for case in held.part.cases[:count]]


def test_it_finds_what_people_go_on_to(fitted: FittedLongShort) -> None:
    assert fitted.progress.first < 0.65
    assert fitted.progress.best > 0.9
    scores = fitted.recommender.score(ask(HELD, 60))
    topics = [TOPIC[case.targets[0]] for case in HELD.part.cases]
    assert (TOPIC[scores.argmax(axis=1)] == topics).mean() > 0.9


def test_attention_finds_them_too_and_keeps_nobody(tmp_path: Path) -> None:
    found = fit_long_short(HELD, replace(SETTINGS, reader="attention"), CONTENT)
    assert found.progress.best > 0.9
    one, path = found.recommender, tmp_path / "model.safetensors"
    one.save(path)
    again = LongShortRecommender.load(path, HISTORIES.item_ids, CONTENT.vectors)
    assert (again.persons, again.person("u00")) == ((), 0)
    every = np.arange(len(TOPIC))
    scores = again.rank([0] * 20, ask(HELD), every)
    np.testing.assert_allclose(scores, one.score(ask(HELD)), atol=1e-5)
    topics = [TOPIC[case.targets[0]] for case in HELD.part.cases[:20]]
    assert (TOPIC[scores.argmax(axis=1)] == topics).mean() > 0.9


def test_who_else_is_scored_does_not_matter(fitted: FittedLongShort) -> None:
    one, histories = fitted.recommender, ask(HELD)
    together = one.score(histories)
    for row, history in enumerate(histories):
        np.testing.assert_allclose(one.score([history])[0], together[row], atol=1e-5)
    empty = replace(histories[0], items=np.empty(0, np.int64), times_us=np.empty(0, np.int64))
    assert np.isfinite(one.score([empty, replace(empty, user=-1)])).all()


def test_a_file_gives_back_what_it_got_and_names_nobody(
    fitted: FittedLongShort, tmp_path: Path
) -> None:
    one, path = fitted.recommender, tmp_path / "model.safetensors"
    one.save(path)
    again = LongShortRecommender.load(path, HISTORIES.item_ids, CONTENT.vectors)
    assert (again.fingerprint, again.space) == (one.fingerprint, "0123")
    for name in ("u00", "u59", "stranger"):
        assert again.person(name) == one.person(name)
    assert (one.person("u00"), one.person("u59"), one.person("stranger")) == (1, 60, 0)
    rows = [again.person(HISTORIES.users[history.user]) for history in ask(HELD)]
    every = np.arange(len(TOPIC))
    np.testing.assert_allclose(again.rank(rows, ask(HELD), every), one.score(ask(HELD)), atol=1e-5)
    assert b"u00" not in path.read_bytes()
    with pytest.raises(FittedError, match="unknown settings"):
        LongShortRecommender.load(path, HISTORIES.item_ids, CONTENT.vectors[:, :3])


def test_an_item_that_came_later_is_known_by_its_content(
    fitted: FittedLongShort, tmp_path: Path
) -> None:
    fitted.recommender.save(tmp_path / "model")
    catalogue = (*HISTORIES.item_ids, *(f"new{n}" for n in range(TOPICS)))
    twins = [int(np.flatnonzero(topic == TOPIC)[0]) for topic in range(TOPICS)]
    vectors = np.concatenate([CONTENT.vectors, CONTENT.vectors[twins]])
    grown = LongShortRecommender.load(tmp_path / "model", catalogue, vectors)
    scores = grown.score(ask(HELD, 60))[:, -TOPICS:]
    topics = [TOPIC[case.targets[0]] for case in HELD.part.cases]
    assert (scores.argmax(axis=1) == topics).mean() > 0.8


@pytest.mark.parametrize("knows", ["ids", "content"])
def test_ids_and_content_each_suffice(knows: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, knows="ids" if knows == "ids" else "content", epochs=6)
    found = fit_long_short(HELD, settings, CONTENT)
    assert found.progress.best > 0.75
    assert len(found.recommender.item_ids) == (len(TOPIC) if knows == "ids" else 0)
    assert found.recommender.space == ("" if knows == "ids" else "0123")
    found.recommender.save(tmp_path / "model")
    LongShortRecommender.load(tmp_path / "model", HISTORIES.item_ids, CONTENT.vectors)
    with pytest.raises(ValueError, match="expected a view"):
        fit_long_short(HELD, replace(SETTINGS, knows="content"), None)


def test_a_feed_ranks_by_the_person_and_without_single_items(fitted: FittedLongShort) -> None:
    one: Ranker = LongShortRanker(recommender=fitted.recommender)
    shelf = planted_shelf(len(TOPIC), TOPICS, interests=None)
    person, items = planted_state(shelf, [3, 8, 13], user_id="u07"), np.array([4, 9, 2, 40])
    found = one.rank(person, items)
    assert found.shape == (4,)
    stranger = one.rank(replace(person, user_id="stranger"), items)
    assert np.abs(found - stranger).max() > 1e-3
    for row, item in zip(one.rank_without(person, items, np.array([3, 13])), (3, 13), strict=True):
        np.testing.assert_allclose(row, one.rank(without(person, item), items), atol=1e-5)
    np.testing.assert_allclose(one.rank(person, items[::-1]), found[::-1], atol=1e-6)
    assert one.chances(person, items) == {}
    assert one.name == f"long and short {fitted.recommender.fingerprint}"


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="expected counts"):
        LongShortSettings(shown=1)
    with pytest.raises(ValueError, match="expected shares"):
        LongShortSettings(dropped_ratio=1.0)
