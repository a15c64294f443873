"""What parts of a score count: found from choices, and put into settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from ranking.feed import Feed
from ranking.feed_config import FeedConfig
from ranking.feed_scores import place_odds
from ranking.shelf import Shelf
from ranking.signals import Floats, Question
from ranking.strengths import fit_strengths, parts_of, said, strengths_of, whole, with_strengths
from ranking.user_state import UserState
from support.feed import Listed, planted_shelf, planted_sources, planted_state

SHELF = planted_shelf(120)
SOURCES = planted_sources(SHELF)
PARTS = parts_of([source.name for source in SOURCES])


@dataclass(frozen=True)
class Charm:
    """A ranker to whom every item has a worth of its own, whoever asks."""

    name: str = "charm"

    def rank(self, state: UserState, items: NDArray[np.int64]) -> Floats:  # noqa: ARG002
        return np.random.default_rng(3).normal(size=len(SHELF)).astype(np.float32)[items]

    def rank_without(
        self, state: UserState, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> Floats:
        return np.tile(self.rank(state, items), (len(dropped), 1))

    def chances(
        self,
        state: UserState,  # noqa: ARG002
        items: NDArray[np.int64],  # noqa: ARG002
    ) -> dict[str, Floats]:
        return {}


def feed(config: FeedConfig, shelf: Shelf = SHELF) -> Feed:
    return Feed(shelf, SOURCES, Charm(), config)


def choices(strengths: Sequence[float], count: int, shelf: Shelf = SHELF) -> list[Question]:
    """Choices of people whom the parts drive so much, among the candidates of a feed."""
    draw, asking = np.random.default_rng(1), feed(whole(FeedConfig()), shelf)
    found = []
    for _ in range(count):
        liked = draw.integers(len(shelf), size=3).tolist()
        told = said(asking.candidates(planted_state(shelf, liked)), PARTS)
        chance = np.exp(np.array(strengths) @ told)
        chosen = int(draw.choice(told.shape[1], p=chance / chance.sum()))
        nothing = np.zeros(told.shape[1], np.float32)
        found.append(Question(base=nothing, signals=told, chosen=chosen))
    return found


def test_new_items_and_exploration_are_not_learnt_of() -> None:
    assert PARTS == ("ranker", "interest", "similar", "popular")


def test_odds_fall_with_the_place_and_are_last_where_nothing_was_found() -> None:
    odds = place_odds(np.array([2, 0, -1, 1, -1], np.int32))
    assert odds[1] > odds[3] > odds[0] > odds[2] == odds[4]
    assert place_odds(np.full(3, -1, np.int32)).tolist() == [0, 0, 0]


def test_a_score_is_what_its_parts_say_times_their_strengths() -> None:
    config = FeedConfig(agreement=0.3, weights=("similar:2", "fresh:0"))
    state = planted_state(SHELF, [7, 13])
    told = said(feed(whole(config)).candidates(state), PARTS)
    scored = feed(config).candidates(state)
    learnt = strengths_of(config, PARTS) @ told
    assert scored.total - scored.parts["fatigue"] == pytest.approx(learnt, abs=1e-4)


def test_what_is_explored_decides_no_other_places() -> None:
    state = planted_state(SHELF, [7, 13])
    by_lot = Listed("explore", np.random.default_rng(9).permutation(len(SHELF)))
    others = [*SOURCES[:-1], by_lot]
    one, other = (
        Feed(SHELF, sources, Charm(), FeedConfig(explore=0.0)).page(state)
        for sources in (SOURCES, others)
    )
    assert [pick.item_id for pick in one.picks] == [pick.item_id for pick in other.picks]


def test_strengths_are_those_that_people_chose_by() -> None:
    planted = [0.5, 0.8, 0.6, 0.3]
    found = fit_strengths(choices(planted, 1_500), PARTS)
    assert list(found) == list(PARTS)
    assert list(found.values()) == pytest.approx(planted, abs=0.3)
    assert found["similar"] > found["popular"]


def test_nothing_counts_less_than_nothing() -> None:
    found = fit_strengths(choices([0.5, 0.0, 0.5, -0.5], 400), PARTS)
    assert found["popular"] == 0
    assert found["similar"] > 0.2
    assert fit_strengths(choices([-1.0, -1.0, -1.0, -1.0], 300), PARTS) == dict.fromkeys(PARTS, 0)


def test_what_tells_nothing_apart_keeps_its_strength() -> None:
    plain = planted_shelf(120, interests=None)
    found = fit_strengths(choices([0.5, 0.0, 0.5, 0.5], 100, plain), PARTS)
    assert "interest" not in found
    before = FeedConfig(interest=0.7)
    assert with_strengths(before, found).interest == 0.7


@pytest.mark.parametrize("agreement", [0.0, 0.2, 1.0])
def test_settings_hold_the_strengths_that_were_found(agreement: float) -> None:
    before = FeedConfig(agreement=agreement, weights=("fresh:3", "similar:2"))
    found = {"ranker": 0.3, "interest": 0.0, "similar": 0.25, "popular": 0.0}
    after = with_strengths(before, found)
    assert strengths_of(after, PARTS) == pytest.approx(list(found.values()))
    fresh = strengths_of(after, ("fresh",))[0]
    assert fresh == pytest.approx(3 * (agreement or 1))
