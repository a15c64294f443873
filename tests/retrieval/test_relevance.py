"""Relevance tells planted matches from strangers, and answers nonsense with nothing."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.base import JOINT, QueryPart
from retrieval.metrics import auroc
from retrieval.mirror import Mirror
from retrieval.relevance import (
    DEFAULT_CUT,
    Calibration,
    Unrelated,
    calibrated_fields,
    null_phrases,
)
from retrieval.search import SearchQuery, search
from support.records import item, unit_rows

WIDTH = 128


class World:
    """Topics; words and items of one topic are near. Items share a direction, as real towers do."""

    def __init__(self, num_items: int, seed: int, offset: float = 0.5) -> None:
        self.rng = np.random.default_rng(seed)
        self.shared = offset * unit_rows(self.rng.standard_normal(WIDTH))
        self.topics = unit_rows(self.rng.standard_normal((400, WIDTH)))
        self.topic_of = self.rng.integers(0, 200, num_items)
        vectors = unit_rows(self.topics[self.topic_of] + self.noise(num_items) + self.shared)
        self.mirror = Mirror()
        self.mirror.upsert([item(f"{n:04}", v) for n, v in enumerate(vectors)])
        # A quarter of the phrases speak of topics that the library holds.
        phrases = self.ask(np.concatenate([np.arange(50), 200 + np.arange(150)]))
        samples = {field: self.mirror.sample(field, 1000) for field in calibrated_fields()}
        self.calibration = Calibration.fit(samples, {JOINT: phrases})

    def noise(self, count: int) -> NDArray[np.float64]:
        return 0.8 * self.rng.standard_normal((count, WIDTH)) / math.sqrt(WIDTH)

    def ask(self, topics: NDArray[np.integer]) -> NDArray[np.float32]:
        """Query vectors about topics."""
        return unit_rows(self.topics[topics] + self.noise(len(topics)) + self.shared)

    def answers(self, vector: NDArray[np.float32]) -> list[str]:
        query = SearchQuery(parts=(QueryPart(vectors={JOINT: vector}),))
        found = search(self.mirror, self.calibration, query)
        return [candidate.item_id for candidate in found.candidates]


@pytest.mark.parametrize("offset", [0.0, 1.0])
@pytest.mark.parametrize("num_items", [15, 200, 3000])
def test_matches_are_told_from_strangers(num_items: int, offset: float) -> None:
    world = World(num_items, seed=num_items, offset=offset)
    asked = world.ask(np.unique(world.topic_of)[:100])
    strangers = world.ask(np.arange(300, 400))
    matched = [len(world.answers(vector)) > 0 for vector in asked]
    nonsense = [len(world.answers(vector)) for vector in strangers]
    assert np.mean(matched) >= 0.95
    assert np.mean(np.array(nonsense) > 0) <= 0.3
    assert np.mean(nonsense) <= 0.6


def test_relevance_ranks_pairs() -> None:
    world = World(400, seed=1)
    queries = world.ask(world.topic_of)
    scores = queries @ world.mirror.items.spaces[JOINT].matrix.T
    relevance = world.calibration.relevance("text", JOINT, scores, 400)
    related = world.topic_of[:, None] == world.topic_of[None]
    matched, unmatched = relevance[related], relevance[~related]
    assert auroc(matched.tolist(), unmatched.tolist()) >= 0.98
    assert np.mean(unmatched >= DEFAULT_CUT) < 0.01


def test_the_bar_rises_with_the_catalogue_and_stays_in_range() -> None:
    calibration = Calibration({("text", JOINT): Unrelated(0.1, 0.05)})
    sizes = [0, 1, 10, 1_000, 1_000_000]
    rated = [float(calibration.relevance("text", JOINT, np.array(0.3), n)) for n in sizes]
    assert rated == sorted(rated, reverse=True)
    curve = calibration.relevance("text", JOINT, np.linspace(-1, 1, 50), 100)
    assert ((curve >= 0) & (curve <= 1)).all()
    assert (np.diff(curve) >= 0).all()
    assert np.isnan(calibration.relevance("text", JOINT, np.array([np.nan]), 100)).all()


def test_half_is_where_the_best_stranger_stands() -> None:
    rng = np.random.default_rng(0)
    calibration = Calibration({("text", JOINT): Unrelated(0.2, 0.1)})
    tops = rng.normal(0.2, 0.1, (2000, 300)).max(axis=1)
    passing = calibration.relevance("text", JOINT, tops, 300) >= DEFAULT_CUT
    assert np.mean(passing) == pytest.approx(0.2, abs=0.03)


def test_more_like_this_keeps_neighbours() -> None:
    world = World(400, seed=4)
    matrix = world.mirror.items.spaces[JOINT].matrix
    relevance = world.calibration.relevance("like", JOINT, matrix @ matrix.T, 400)
    related = world.topic_of[:, None] == world.topic_of[None]
    assert np.mean(relevance[related] >= DEFAULT_CUT) >= 0.95
    assert np.mean(relevance[~related] >= DEFAULT_CUT) <= 0.05


def test_few_or_no_items_still_calibrate() -> None:
    assert Calibration.fit({}, {}).relevance("text", JOINT, np.array(0.9), 0) > DEFAULT_CUT
    one = unit_rows(np.ones((1, WIDTH)))
    for owners in (["a"], []):
        sample = {JOINT: (owners, one[: len(owners)]), "image_native": (owners, one[: len(owners)])}
        calibration = Calibration.fit(sample, {JOINT: one})
        for kind in ("text", "image", "like"):
            assert np.isfinite(calibration.relevance(kind, "image_native", np.array(0.5), 1))


def test_survives_json() -> None:
    world = World(30, seed=3)
    again = Calibration.from_json(json.loads(json.dumps(world.calibration.to_json())))
    assert again == world.calibration
    with pytest.raises(ValueError, match="not a calibration"):
        Calibration.from_json([{"kind": "text"}])


def test_phrases_are_many_and_distinct() -> None:
    phrases = null_phrases()
    assert len(phrases) >= 400
    assert len(set(phrases)) == len(phrases)
    assert all(phrase.strip() == phrase and phrase for phrase in phrases)
