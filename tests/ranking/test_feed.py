"""The feed as a whole, on planted shelves: what a page holds, and what changes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ranking.feed import Feed
from ranking.feed_config import FeedConfig, Rule, VarietyConfig
from ranking.feed_ranker import Blend
from ranking.page import Page
from ranking.shelf import Shelf
from ranking.user_state import UserState
from support.feed import Listed, planted_shelf, planted_sources, planted_state

SHELF = planted_shelf()
FEED = Feed(SHELF, planted_sources(SHELF), Blend(shelf=SHELF))
LIKED = (7, 13, 1, 2, 8, 14, 20, 19)


def numbers(page: Page, shelf: Shelf = SHELF) -> list[int]:
    return [shelf.number_of[pick.item_id] for pick in page.picks]


def topics(page: Page, shelf: Shelf = SHELF) -> list[int]:
    assert shelf.interests is not None
    return [int(shelf.interests.of_item[number]) for number in numbers(page, shelf)]


def everybody() -> list[UserState]:
    return [
        planted_state(SHELF),
        planted_state(SHELF, [7]),
        planted_state(SHELF, LIKED),
        planted_state(SHELF, LIKED, exposure=np.arange(6, dtype=np.float32) * 5),
        planted_state(SHELF, LIKED, boost=np.array([1, 2, 0.5, 1, 0, 1], np.float32)),
    ]


@pytest.mark.parametrize("state", everybody())
def test_parts_add_up_to_the_score(state: UserState) -> None:
    rule = Rule(name="more", items=np.arange(600) < 300, factor=3.0)
    page = FEED.page(state, rules=[rule])
    for pick in page.picks:
        assert pick.score == pytest.approx(sum(pick.parts.values()), abs=1e-9)
        assert set(pick.parts) == {
            "ranker", "sources", "interest", "boost", "fatigue", "rules", "alike",
        }  # fmt: skip
        boosted = SHELF.number_of[pick.item_id] < 300
        assert pick.parts["rules"] == pytest.approx(np.log(3) if boosted else 0)


@pytest.mark.parametrize("state", everybody())
@pytest.mark.parametrize("explain", [False, True])
def test_the_same_question_gets_the_same_answer(state: UserState, explain: bool) -> None:
    first = FEED.page(state, explain=explain)
    again = Feed(SHELF, planted_sources(SHELF), Blend(shelf=SHELF)).page(state, explain=explain)
    assert replace(first, trace=()) == replace(again, trace=())
    assert first.recommendation_id != FEED.page(replace(state, user_id="ben")).recommendation_id


@pytest.mark.parametrize("state", everybody())
def test_a_page_is_full_and_holds_nothing_twice_and_nothing_met(state: UserState) -> None:
    page = FEED.page(state, 24)
    assert [pick.position for pick in page.picks] == list(range(24))
    assert len(set(numbers(page))) == 24
    assert not set(numbers(page)) & set(state.seen.tolist())


def test_the_trace_leads_from_what_was_found_to_the_page() -> None:
    page = FEED.page(planted_state(SHELF, LIKED))
    assert page.trace[0].entered == sum(page.found.values())
    for before, after in zip(page.trace[:-2], page.trace[1:-1], strict=True):
        assert after.entered == before.entered - before.removed
    assert page.trace[-2].entered - page.trace[-2].removed == len(page.picks)
    assert [step.name for step in page.trace] == [
        "sources", "hidden", "refused", "seen", "copies of seen", "near copies", "pool", "ranking",
        "choice", "reasons",
    ]  # fmt: skip


def test_who_is_unknown_gets_every_interest_evenly_and_no_claim_about_taste() -> None:
    page = FEED.page(planted_state(SHELF), 12, explain=True)
    assert np.bincount(topics(page)[:11], minlength=6).max() <= 2
    assert set(topics(page)) == set(range(6))
    assert {pick.reason.kind for pick in page.picks} <= {"popular", "new", "explored"}
    assert not any(pick.reason.history_item for pick in page.picks)


def test_an_unknown_person_sees_all_interests_even_where_sources_know_one() -> None:
    feed = Feed(SHELF, [Listed("popular", np.arange(0, 600, 6))], Blend(shelf=SHELF))
    assert set(topics(feed.page(planted_state(SHELF), 12))) == set(range(6))


def test_one_click_changes_the_next_page_for_the_stated_reason() -> None:
    before, after = FEED.page(planted_state(SHELF)), FEED.page(planted_state(SHELF, [7]), 10)
    assert topics(before).count(1) <= 2
    assert topics(after).count(1) >= 3
    assert topics(after)[0] == 1
    told = FEED.page(planted_state(SHELF, [7]), explain=True).picks[0].reason
    assert (told.kind, told.history_item, told.interest) == ("history", "item00007", "topic 1")
    assert numbers(after) == numbers(FEED.page(planted_state(SHELF, [7]), explain=True))


def test_quotas_hold_on_a_page() -> None:
    config = FeedConfig(variety=VarietyConfig(most_share=0.4, least_interests=5))
    feed = Feed(SHELF, planted_sources(SHELF), Blend(shelf=SHELF), config)
    counts = np.bincount(topics(feed.page(planted_state(SHELF, [1, 7, 13] * 40))), minlength=6)
    assert counts.max() <= 4
    assert np.count_nonzero(counts) >= 5


def test_muting_takes_an_interest_off_all_pages_and_boosting_adds_to_it() -> None:
    state, boost = planted_state(SHELF, LIKED), np.ones(6, np.float32)
    assert topics(FEED.page(state)).count(1) >= 3
    boost[1] = 0
    assert topics(FEED.page(replace(state, boost=boost), 100)).count(1) == 0
    boost[[1, 4]] = 1, 60
    more = FEED.page(replace(state, boost=boost))
    assert topics(more).count(4) > topics(FEED.page(state)).count(4)
    assert "you asked for more of topic 4" in {pick.reason.text for pick in more.picks}


def test_an_interest_shown_more_fills_less_of_the_page() -> None:
    config = FeedConfig(variety=VarietyConfig(most_share=1, least_interests=0))
    feed = Feed(SHELF, planted_sources(SHELF), Blend(shelf=SHELF), config)
    filled = []
    for amount in (0, 10, 40, 160):
        exposure = np.zeros(6, np.float32)
        exposure[2] = amount
        page = feed.page(planted_state(SHELF, LIKED, exposure=exposure))
        filled.append(topics(page).count(2))
    assert filled == sorted(filled, reverse=True)
    assert filled[-1] < filled[0]
    assert filled[-1] > 0  # a strong interest stays alive


def test_exploring_is_bounded_and_says_so() -> None:
    config = FeedConfig(explore=0.2)
    page = Feed(SHELF, planted_sources(SHELF), Blend(shelf=SHELF), config).page(
        planted_state(SHELF, LIKED), 20, explain=True
    )
    lane = [pick for pick in page.picks if set(pick.sources) == {"explore"}]
    assert [pick.position for pick in lane] == [11, 14, 16, 19] or len(lane) == 4
    assert all(pick.reason.kind == "explored" and not pick.reason.history_item for pick in lane)
    assert all(pick.position >= 10 for pick in lane)
    none = Feed(SHELF, planted_sources(SHELF), Blend(shelf=SHELF), FeedConfig(explore=0))
    found = none.page(planted_state(SHELF, LIKED), 20).picks
    assert not any(set(pick.sources) == {"explore"} for pick in found)


def test_exploring_fills_up_where_there_is_nothing_else() -> None:
    feed = Feed(SHELF, [Listed("explore", np.arange(50))], Blend(shelf=SHELF))
    assert len(feed.page(planted_state(SHELF), 20).picks) == 20


def test_a_library_without_a_view_is_served() -> None:
    shelf = planted_shelf(interests=None)
    feed = Feed(shelf, planted_sources(shelf), Blend(shelf=shelf))
    for liked in ((), LIKED):
        page = feed.page(planted_state(shelf, liked), explain=True)
        assert len(page.picks) == 10
        assert all(pick.reason.interest == "" for pick in page.picks)


def test_a_shelf_that_is_used_up_gives_a_short_page_and_an_empty_one_none() -> None:
    state = planted_state(SHELF, LIKED, seen=np.arange(597))
    assert sorted(numbers(FEED.page(state))) == [597, 598, 599]
    assert FEED.page(planted_state(SHELF, seen=np.arange(600)), explain=True).picks == ()


def test_without_sources_the_newest_are_shown() -> None:
    page = Feed(SHELF, [], Blend(shelf=SHELF), notes=["no sources"]).page(planted_state(SHELF), 6)
    assert set(topics(page)) == set(range(6))
    assert page.notes == ("no sources",)


def test_the_cut_between_ranker_and_page_shows_all_candidates_in_order() -> None:
    found = FEED.candidates(planted_state(SHELF, LIKED))
    np.testing.assert_allclose(found.total, sum(found.parts.values()))
    totals = dict(zip(found.items.tolist(), found.total.tolist(), strict=True))
    assert [totals[item] for item in found.ranked.tolist()] == sorted(totals.values(), reverse=True)
