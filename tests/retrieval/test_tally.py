"""Counts of the log against counting by hand: shown, liked, and liked lately."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from ingest.event import Event
from ingest.event_rules import EventRules
from retrieval import tally as module
from retrieval.fitted import FittedError, FittedFile
from retrieval.tally import KIND, Standings, Tally
from support.events import event, many_events

RULES = EventRules()
DAY = timedelta(days=1)
MINUTES = 24 * 60
LATER = event(minute=10**6).occurred_us


def read(*events: Event, half_life: timedelta = DAY, asked_us: int = LATER) -> Tally:
    tally = Tally(half_life)
    tally.read(enumerate(events, start=1), RULES, asked_us)
    return tally


def shown(tally: Tally, *item_ids: str) -> list[float]:
    standing = tally.standing({key: n for n, key in enumerate(item_ids)})
    return [float(count) for count in standing.shown]


def test_likes_are_counted_and_fade() -> None:
    events = many_events(400)
    numbers = {f"i{number}": number for number in range(20)} | {"new": 20}
    standing = read(*events).standing(numbers)

    liked, heat = np.zeros(21), np.zeros(21)
    newest = max(one.occurred_us for one in events)
    for one in events:
        if RULES.is_positive(one.event_type, one.value):
            liked[numbers[one.item_id]] += 1
            heat[numbers[one.item_id]] += 2 ** ((one.occurred_us - newest) / 86.4e9)
    assert standing.liked.tolist() == liked.tolist()
    assert standing.heat / standing.heat.max() == pytest.approx(heat / heat.max())
    assert standing.by_heat.tolist() == sorted(np.flatnonzero(liked), key=lambda n: -heat[n])


def test_reading_on_is_as_reading_at_once(tmp_path: Path) -> None:
    events = list(enumerate(many_events(300), start=1))
    whole = Tally(DAY)
    whole.read(events, RULES, LATER)
    first = Tally(DAY)
    first.read(events[:100], RULES, LATER)
    first.save(tmp_path / "tally.safetensors")
    later = Tally.load(tmp_path / "tally.safetensors")
    assert later.sequence == 100
    later.read(events[100:], RULES, LATER)

    numbers = {f"i{number}": number for number in range(20)}
    assert later.sequence == whole.sequence == 300
    assert len(later) == len(whole) == 20
    for name in ("shown", "liked", "heat"):
        mine, theirs = (getattr(one.standing(numbers), name) for one in (later, whole))
        assert mine == pytest.approx(theirs, rel=1e-9)


def test_sums_do_not_overflow_over_decades() -> None:
    years = [event("old", minute=0), event("new", minute=40 * 365 * MINUTES)]
    far = event(minute=50 * 365 * MINUTES).occurred_us
    for order in (years, years[::-1]):
        tally = read(*order, order[0], half_life=timedelta(hours=1), asked_us=far)
        heat = tally.standing({"old": 0, "new": 1}).heat
        assert np.isfinite(heat).all()
        assert heat[1] > 0 == heat[0]
    assert tally.standing({"cold": 0, "old": 1, "new": 2}).by_heat.tolist() == [2, 1]


def test_a_clock_that_runs_ahead_makes_nothing_hot() -> None:
    now = event(minute=1).occurred_us
    tally = read(event("ahead", minute=10**7), event("now", minute=1), asked_us=now)
    heat = tally.standing({"ahead": 0, "now": 1}).heat
    assert heat[0] == heat[1]


def test_a_list_shows_an_item_once_whatever_tells_of_it() -> None:
    tally = read(
        event("a", event_type="impression", recommendation_id="r1"),
        event("b", event_type="impression", recommendation_id="r1"),
        event("a", impressions=("a", "b", "c"), recommendation_id="r1"),
        event("a", minute=1, impressions=("a",), recommendation_id="r1"),
        event("a", "other", event_type="impression", recommendation_id="r1"),
        event("c", minute=2, event_type="impression"),
    )
    assert shown(tally, "a", "b", "c") == [2, 1, 2]


def test_lists_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LISTS", 3)
    lists = [
        event("a", minute=n, event_type="impression", recommendation_id=f"r{n}") for n in range(5)
    ]
    assert shown(read(*lists, lists[4], lists[0]), "a") == [6]


def test_standings_show_what_was_read_when_they_are_refreshed() -> None:
    tally = read(event("a"))
    standings = Standings(tally, {"a": 0, "b": 1})
    tally.read([(2, event("b", minute=1))], RULES, LATER)
    assert standings.now.liked.tolist() == [1, 0]
    standings.refresh()
    assert standings.now.liked.tolist() == [1, 1]
    before = standings.now
    standings.refresh()
    assert standings.now is before


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tally.safetensors"
    FittedFile(kind=KIND, config={"sequence": 1}, item_ids=(), arrays={}).write(path)
    with pytest.raises(FittedError, match="another item tally"):
        Tally.load(path)
    with pytest.raises(ValueError, match="positive"):
        Tally(timedelta(0))
