"""Reasons: the item that is named is the one that holds a pick up, checked by taking it out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.histories import History
from ranking.feed import Feed
from ranking.feed_config import FeedConfig
from ranking.feed_ranker import Blend, without
from ranking.feed_reasons import NOTHING, Evidence, reason, supports
from retrieval.source import Found
from support.feed import planted_shelf, planted_sources, planted_state

SHELF = planted_shelf()
FEED = Feed(SHELF, planted_sources(SHELF), Blend(shelf=SHELF))
LIKED = np.random.default_rng(1).choice(600, 12, replace=False).tolist()


def test_the_named_item_is_the_one_without_which_the_pick_falls_furthest() -> None:
    state = planted_state(SHELF, LIKED)
    found = FEED.candidates(state)
    places = np.argsort(-found.total)[:30]
    named = supports(FEED.ranker, state, found, places, FEED.config)
    others = found.total - found.parts["ranker"]
    falls = {}
    for item in LIKED:
        # Candidates as they are, ranked by a history that never held the item.
        worth = np.asarray(FEED.ranker.rank(without(state, item), found.items), np.float64)
        total = others + FEED.config.ranker * (worth - np.median(worth))
        falls[item] = [
            int((total > total[place]).sum() - (found.total > found.total[place]).sum())
            for place in places
        ]
    for column, item in enumerate(named.tolist()):
        most = max(fall[column] for fall in falls.values())
        assert (item == NOTHING) == (most <= 0)
        if item != NOTHING:
            assert falls[item][column] == most
    assert (named != NOTHING).mean() > 0.5


@dataclass(frozen=True)
class Next:
    """Names the item after each that was liked, the latest first."""

    name: str = "neighbours"

    def candidates(self, history: History, limit: int) -> Found:
        after = history.items[::-1][:limit] + 1
        return Found(items=after, scores=-np.arange(len(after), dtype=np.float32))

    def scores_without(
        self, history: History, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        kept = [history.items[history.items != item] + 1 for item in dropped]
        return np.array([np.isin(items, one) for one in kept], np.float32)


def test_what_neighbours_bring_is_held_up_by_the_item_they_go_by() -> None:
    state = planted_state(SHELF, [100, 201, 302])
    config = FeedConfig(ranker=0.0, agreement=1.0)
    feed = Feed(SHELF, [*planted_sources(SHELF), Next()], Blend(shelf=SHELF), config)
    picks = {pick.item_id: pick for pick in feed.page(state, 10, explain=True).picks}
    for liked in (100, 201, 302):
        reason = picks[SHELF.item_ids[liked + 1]].reason
        assert reason.history_item == SHELF.item_ids[liked]


def test_only_the_latest_likes_are_tried() -> None:
    state = planted_state(SHELF, LIKED)
    found = FEED.candidates(state)
    places, config = np.arange(len(found.items)), FeedConfig(looked_back=3)
    named = supports(FEED.ranker, state, found, places, config)
    assert set(named.tolist()) <= {NOTHING, *LIKED[-3:]}


def test_nothing_supports_where_nothing_was_liked() -> None:
    state = planted_state(SHELF)
    found = FEED.candidates(state)
    assert (supports(FEED.ranker, state, found, np.arange(5), FEED.config) == NOTHING).all()


def test_taking_the_named_item_out_of_the_history_lowers_the_pick() -> None:
    lowered = []
    for seed in range(15):
        draw = np.random.default_rng(seed)
        liked = draw.choice(np.flatnonzero(np.arange(600) % 6 < 3), 8, replace=False).tolist()
        state = planted_state(SHELF, liked)
        before = FEED.candidates(state).ranked.tolist()
        for pick in FEED.page(state, explain=True).picks:
            if not pick.reason.history_item:
                continue
            item, gone = SHELF.number_of[pick.item_id], SHELF.number_of[pick.reason.history_item]
            less = planted_state(SHELF, [one for one in liked if one != gone], seen=state.seen)
            after = FEED.candidates(less).ranked.tolist()
            lowered.append(item not in after or after.index(item) > before.index(item))
    assert len(lowered) > 50
    assert np.mean(lowered) >= 0.9


def evidence(**changes: object) -> Evidence:
    nothing: dict[str, object] = {
        "interest": "", "boosted": False, "liked": False, "close": False, "history_item": "",
        "sources": frozenset(),
    }  # fmt: skip
    return Evidence(**(nothing | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({}, "explored", "something different"),
        ({"interest": "cats"}, "explored", "something different: cats"),
        ({"sources": frozenset({"popular", "fresh"})}, "popular", "many like it"),
        ({"sources": frozenset({"fresh"})}, "new", "it is new"),
        ({"close": True, "sources": frozenset({"fresh"})}, "history", "close to what you liked"),
        ({"interest": "cats", "liked": True}, "interest", "from your interest in cats"),
        ({"interest": "cats", "boosted": True}, "interest", "you asked for more of cats"),
        ({"interest": "cats", "liked": True, "history_item": "i1"}, "history",
         "because you liked i1"),
        ({"relation": "sequel of {item}", "history_item": "i1"}, "relation", "sequel of i1"),
    ],
)  # fmt: skip
def test_the_most_particular_thing_is_said(
    changes: dict[str, object], kind: str, text: str
) -> None:
    said = reason(evidence(**changes))
    assert (said.kind, said.text) == (kind, text)
    assert said.interest == changes.get("interest", "")
    assert said.history_item == changes.get("history_item", "")
