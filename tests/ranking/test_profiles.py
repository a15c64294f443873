"""What profiles are written from, and when they are written anew."""

from __future__ import annotations

import pytest

from ranking.profiles import ProfileSettings, Telling, is_due, tellings_of
from support.profiles import choices

SETTINGS = ProfileSettings(told_short=5, told_long=7)


def test_the_latest_are_told_for_the_short_and_all_of_the_time_for_the_long() -> None:
    everything = choices(40)
    told = tellings_of(everything, SETTINGS)
    assert told["short"].choices == tuple(everything[-5:])
    long = told["long"].choices
    assert (len(long), long[0], long[-1]) == (7, everything[0], everything[-1])
    assert list(long) == sorted(long, key=lambda one: one.title)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_with_few_choices_one_text_serves_both(number: int) -> None:
    told = tellings_of(choices(number), SETTINGS)
    assert told["short"] is told["long"]
    assert len(told["long"].choices) == number


def test_nothing_is_told_of_nothing() -> None:
    assert tellings_of([], SETTINGS) == {}
    with pytest.raises(ValueError, match="one choice or more"):
        Telling(horizon="long", choices=(), latest=3)


@pytest.mark.parametrize(
    ("then", "now", "short", "long"),
    [(5, 5, False, False), (5, 7, False, False), (5, 8, True, False), (5, 25, True, True),
     (5, 4, True, True)],
)  # fmt: skip
def test_short_after_three_long_after_twenty_both_where_events_were_taken_away(
    then: int, now: int, short: bool, long: bool
) -> None:
    assert is_due("short", then, now, ProfileSettings()) == short
    assert is_due("long", then, now, ProfileSettings()) == long


def test_settings_refuse_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="counts of 1 or more"):
        ProfileSettings(short_every=0)
