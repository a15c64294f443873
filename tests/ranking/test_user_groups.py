"""Groups of readers on planted tastes: found again, placed by cosine, kept in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from encoders.base import unit
from ingest.histories import gather_histories
from ranking.shelf import Interests
from ranking.user_groups import (
    FEWEST_READERS,
    NOBODY,
    RECENT,
    Groups,
    Tastes,
    interest_groups,
    strongest_interest,
    taste_groups,
    taste_of,
    tastes_of,
)
from retrieval.fitted import FittedError
from support.feed import planted_shelf, planted_state

K, WIDTH = 4, 12


def planted(readers: int = 200, seed: int = 0) -> tuple[Tastes, np.ndarray]:
    """Readers around K directions, and whose they are."""
    draw = np.random.default_rng(seed)
    owner = np.arange(readers) % K
    rows = unit(np.eye(WIDTH)[owner] + 0.15 * draw.normal(size=(readers, WIDTH)))
    return Tastes(vectors=rows, interest=np.full(readers, NOBODY)), owner


def test_planted_tastes_are_found_and_placed_by_the_same_cosine() -> None:
    tastes, owner = planted()
    groups = taste_groups(tastes, K, seed=1)
    placed = np.array([groups.nearest(row) for row in tastes.vectors])
    assert len(set(zip(owner.tolist(), placed.tolist(), strict=True))) == K
    assert np.allclose(np.linalg.norm(groups.centres, axis=1), 1, atol=1e-5)
    # Spherical: a centre is the direction of the sum of its readers.
    for group in range(K):
        own = unit(tastes.vectors[placed == group].sum(axis=0))
        assert np.allclose(own, groups.centres[group], atol=1e-5)
    assert np.allclose(groups.share, 1 / K, atol=0.01)


def test_there_are_no_more_groups_than_tastes_and_those_without_one_do_not_count() -> None:
    rows = np.zeros((6, WIDTH), np.float32)
    rows[:4, 0], rows[4, 1] = 1, 1
    tastes = Tastes(vectors=rows, interest=np.full(6, NOBODY))
    groups = taste_groups(tastes, 50, seed=0)
    assert len(groups.centres) == 2
    assert sorted(groups.share.tolist()) == pytest.approx([2 / 7, 5 / 7])
    assert groups.nearest(rows[5]) == NOBODY


def test_the_centre_of_an_interest_is_of_its_readers_or_of_its_items() -> None:
    vectors = np.eye(3, dtype=np.float32)
    interests = Interests(
        view="v",
        names=("a", "b", "c"),
        of_item=np.arange(3, dtype=np.int32),
        confidence=np.ones(3, np.float32),
    )
    rows = np.tile(unit(np.array([1.0, 1, 0]))[None], (FEWEST_READERS + 1, 1))
    tastes = Tastes(vectors=rows, interest=np.array([0] * FEWEST_READERS + [1]))
    groups = interest_groups(interests, vectors, tastes)
    assert np.allclose(groups.centres[0], rows[0], atol=1e-6)
    assert np.allclose(groups.centres[1:], vectors[1:])
    assert groups.share.tolist() == pytest.approx([6 / 9, 2 / 9, 1 / 9])


def test_a_taste_is_of_the_last_likings() -> None:
    vectors = np.eye(2, dtype=np.float32)
    liked = np.array([0] * 500 + [1] * RECENT)
    assert taste_of(vectors, liked).tolist() == [0, 1]
    assert taste_of(vectors, np.zeros(0, np.int64)).tolist() == [0, 0]


def test_tastes_of_histories_know_the_interest_liked_most() -> None:
    histories = gather_histories([("u", "x", 1), ("u", "y", 2), ("u", "y", 3), ("w", "z", 1)])
    interests = Interests(
        view="v",
        names=("a", "b"),
        of_item=np.array([0, 1, -1], np.int32),
        confidence=np.ones(3, np.float32),
    )
    tastes = tastes_of(histories, np.eye(3, dtype=np.float32), interests)
    assert tastes.interest.tolist() == [1, NOBODY]
    assert np.allclose(tastes.vectors[0], unit(np.array([1.0, 2, 0])))


def test_a_reader_is_of_the_strongest_interest_that_is_not_muted() -> None:
    shelf = planted_shelf(num_items=60)
    interests = shelf.interests
    assert interests is not None
    state = planted_state(shelf, liked=[1, 7, 2])
    muted = np.where(np.arange(6) == 1, 0, 1).astype(np.float32)
    assert strongest_interest(interests, state) == 1
    assert strongest_interest(interests, replace(state, boost=muted)) == 2
    assert strongest_interest(interests, planted_state(shelf)) == NOBODY
    # Long ago: nothing is left of the sums, while what was liked is still known.
    faded = replace(state, interest=np.zeros(6, np.float32))
    assert strongest_interest(interests, faded) == 1
    assert strongest_interest(interests, replace(faded, boost=muted)) == 2


def test_groups_are_read_as_they_were_written(tmp_path: Path) -> None:
    groups = taste_groups(planted()[0], K, seed=0)
    groups.save(tmp_path / "g.safetensors", "space 1")
    again, space = Groups.load(tmp_path / "g.safetensors")
    assert space == "space 1"
    assert np.array_equal(again.centres, groups.centres)
    assert np.array_equal(again.share, groups.share)
    with pytest.raises(FittedError):
        Groups.load(tmp_path / "nothing.safetensors")
