"""What has just come, what many like, and the lane that gives new items a chance."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.event_rules import EventRules
from ingest.histories import History
from retrieval.source import Source
from retrieval.source_fresh import (
    Arrivals,
    ExploreConfig,
    ExploreSource,
    FreshConfig,
    FreshSource,
)
from retrieval.source_popular import PopularSource
from retrieval.tally import Standings, Tally
from support.events import event, many_events
from support.histories import DAY_US

NOW = 1_000 * DAY_US


def asking(*items: int, asked_us: int = NOW) -> History:
    return History(
        items=np.array(items, np.int64),
        times_us=np.zeros(len(items), np.int64),
        asked_us=asked_us,
    )


def arrivals(ages_days: list[float], hidden: tuple[int, ...] = ()) -> Arrivals:
    added = NOW - (np.array(ages_days) * DAY_US).astype(np.int64)
    return Arrivals(added, np.isin(np.arange(len(added)), hidden))


def standings(num_items: int, shown: dict[int, int], liked: dict[int, int]) -> Standings:
    """Items ``0`` on, shown and liked so often."""
    events = [
        event(str(item), f"u{n}", minute=n, event_type=kind)
        for kind, counts in (("impression", shown), ("like", liked))
        for item, count in counts.items()
        for n in range(count)
    ]
    tally = Tally(timedelta(days=7))
    tally.read(enumerate(events, start=1), EventRules(), NOW * 100)
    return Standings(tally, {str(item): item for item in range(num_items)})


def nobody(num_items: int) -> Standings:
    return standings(num_items, {}, {})


def test_the_latest_come_first_and_the_old_not_at_all() -> None:
    source = FreshSource(arrivals([3, 1, 40, 1, 29.9]), FreshConfig(days=30, half_life_days=3))
    found = source.candidates(asking(), 9)
    assert found.items.tolist() == [1, 3, 0, 4]
    assert found.scores == pytest.approx(2 ** -(np.array([1, 1, 3, 29.9]) / 3), rel=1e-5)
    assert source.candidates(asking(), 2).items.tolist() == [1, 3]


def test_an_upload_is_fresh_at_once_and_not_before_it_came() -> None:
    source = FreshSource(arrivals([5, 0]))
    assert source.candidates(asking(), 5).items.tolist() == [1, 0]
    assert source.candidates(asking(asked_us=NOW - DAY_US), 5).items.tolist() == [0]


def test_hidden_items_take_no_place() -> None:
    hidden = arrivals([1, 2, 3], hidden=(0, 2))
    assert FreshSource(hidden).candidates(asking(), 5).items.tolist() == [1]
    assert ExploreSource(hidden, nobody(3)).candidates(asking(), 5).items.tolist() == [1]


def test_popular_is_what_counting_says() -> None:
    tally, rules = Tally(timedelta(days=1)), EventRules()
    events = many_events(300)
    tally.read(enumerate(events, start=1), rules, NOW * 100)
    number_of = {f"i{number}": number for number in range(5, 25)}
    heat: Counter[str] = Counter()
    for one in events:
        if rules.is_positive(one.event_type, one.value) and one.item_id in number_of:
            heat[one.item_id] += 2 ** (one.occurred_us / 86.4e9 - 20_000)  # type: ignore[assignment]
    ranked = [number_of[key] for key, _ in heat.most_common()]

    source: Source = PopularSource(Standings(tally, number_of))

    found = source.candidates(asking(), 50)
    assert found.items.tolist() == ranked
    assert found.scores[0] == 1
    assert (np.diff(found.scores) <= 0).all()
    assert source.candidates(asking(), 3).items.tolist() == ranked[:3]
    assert len(PopularSource(nobody(3)).candidates(asking(), 3).items) == 0


def explored(source: ExploreSource, moments: int, limit: int = 1) -> NDArray[np.int64]:
    """How often each of ten items was among the first few."""
    drawn = [source.candidates(asking(asked_us=NOW + n), limit).items for n in range(moments)]
    return np.bincount(np.concatenate(drawn), minlength=10)


def test_every_new_item_gets_its_chance_and_no_old_or_known_one() -> None:
    lane = arrivals([1.0] * 8 + [60.0, 1.0])
    source = ExploreSource(lane, standings(10, {9: 50, 0: 49}, {0: 12}))
    counts = explored(source, 400)
    assert counts[8:].tolist() == [0, 0]
    assert (counts[:8] > 20).all()


def test_what_was_shown_and_not_liked_comes_out_less() -> None:
    source = ExploreSource(arrivals([1.0] * 10), standings(10, {0: 40, 1: 40}, {1: 10}))
    counts = explored(source, 600)
    assert counts[0] < 10
    assert counts[1] > 2 * counts[2:].mean()


def test_a_draw_is_decided_by_history_and_moment_and_grows_with_the_limit() -> None:
    source = ExploreSource(arrivals([1.0] * 300), nobody(300), ExploreConfig(drawn=100))
    first = source.candidates(asking(1, 2), 60)
    assert np.array_equal(first.items, source.candidates(asking(1, 2), 60).items)
    assert np.array_equal(first.items[:20], source.candidates(asking(1, 2), 20).items)
    others = [asking(1, 3), asking(1), asking(1, 2, asked_us=NOW + 1)]
    for other in others:
        assert not np.array_equal(first.items, source.candidates(other, 60).items)
    assert len(np.unique(source.candidates(asking(), 500).items)) == 100


def test_an_upload_that_nobody_saw_is_in_the_lane_at_once() -> None:
    source = ExploreSource(arrivals([50, 0]), nobody(2))
    assert source.candidates(asking(), 9).items.tolist() == [1]
    assert len(source.candidates(asking(asked_us=NOW - 1), 9).items) == 0


@pytest.mark.parametrize(
    "wrong", [{"days": 0.0}, {"enough": 0}, {"drawn": 0}, {"prior_likes": 10.0}, {"prior_likes": 0}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"positive|prior"):
        ExploreConfig(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="positive"):
        FreshConfig(half_life_days=0)
