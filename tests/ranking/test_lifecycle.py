"""Tokens of lifecycles: runs, losses and silence, and that none of them tells of the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ranking.lifecycle import (
    Kind,
    Lexicon,
    LifecycleLog,
    Tokens,
    WindowBounds,
    Windows,
    tokens_of,
    windows_of,
)

LEXICON = Lexicon(actions=("like", "share"), num_topics=3)
Row = tuple[int, ...]


def log_of(*events: tuple[int, int, int]) -> LifecycleLog:
    """A log of users, pairs and days."""
    users, pairs, days = np.array(events, np.int64).reshape(-1, 3).T
    return LifecycleLog(users=users, pairs=pairs, days=days)


def windows(days: int = 7, silent: int = 7) -> Windows:
    return Windows(pair_days=np.full(LEXICON.num_pairs, days), silent_days=silent)


def rows(tokens: Tokens) -> list[Row]:
    """User, token, first and last day, stamp and count."""
    columns = (
        tokens.users, tokens.ids, tokens.first_days, tokens.last_days, tokens.stamps, tokens.counts
    )  # fmt: skip
    return list(zip(*(column.tolist() for column in columns), strict=True))


def random_log(seed: int, users: int = 6, events: int = 120, days: int = 80) -> LifecycleLog:
    draw = np.random.default_rng(seed)
    return LifecycleLog(
        users=draw.integers(users, size=events),
        pairs=draw.integers(LEXICON.num_pairs, size=events),
        days=draw.integers(days, size=events),
    )


def test_a_log_made_by_hand() -> None:
    log = log_of((0, 4, 1), (0, 4, 2), (0, 4, 3), (0, 4, 20))
    lost, silent = 4 + LEXICON.num_pairs, LEXICON.silent
    found = tokens_of(log, LEXICON, windows(), np.array([20]))
    assert rows(found) == [
        (0, 4, 1, 3, 3, 3),
        (0, lost, 3, 20, 10, 0),
        (0, silent, 3, 20, 10, 0),
        (0, 4, 20, 20, 20, 1),
    ]
    assert found.kinds.tolist() == [Kind.RUN, Kind.LOST, Kind.SILENT, Kind.PLAIN]
    # Before the window has passed there is no loss; after it, one that lasts until now.
    assert rows(tokens_of(log, LEXICON, windows(), np.array([9])))[1:] == []
    assert (0, lost, 3, 12, 10, 0) in rows(tokens_of(log, LEXICON, windows(), np.array([12])))


def test_other_pairs_break_silence_and_no_loss() -> None:
    log = log_of((0, 0, 1), (0, 5, 6), (0, 5, 11), (0, 0, 16))
    found = tokens_of(log, LEXICON, windows(), np.array([16]))
    assert LEXICON.silent not in found.ids
    assert (0, LEXICON.num_pairs, 1, 16, 8, 0) in rows(found)


@pytest.mark.parametrize("seed", range(5))
def test_runs_lose_no_event_and_keep_their_distance(seed: int) -> None:
    log, span = random_log(seed), windows(3)
    found = tokens_of(log, LEXICON, span, np.full(6, 79))
    told = found.kinds < Kind.LOST
    assert found.counts[told].sum() == len(log.days)
    assert (found.counts[~told] == 0).all()
    assert (found.first_days <= found.last_days).all()
    for user in range(6):
        for pair in range(LEXICON.num_pairs):
            own = told & (found.users == user) & (found.ids == pair)
            gaps = found.first_days[own][1:] - found.last_days[own][:-1]
            assert (gaps > 3).all()


@pytest.mark.parametrize("seed", range(20))
def test_tokens_of_a_moment_know_nothing_of_what_comes_later(seed: int) -> None:
    log, span = random_log(seed), windows(4, 3)
    moment, end = int(np.random.default_rng(seed).integers(10, 70)), 79
    then = rows(tokens_of(log.until(np.full(6, moment)), LEXICON, span, np.full(6, moment)))
    with_future = rows(tokens_of(log, LEXICON, span, np.full(6, moment)))
    assert then == with_future
    # Looked back on from the end, what was known by then is the same, but for two things that lay
    # in the future: when a silence ended, and how a run went on.
    later = rows(tokens_of(log, LEXICON, span, np.full(6, end)))
    known = [
        (user, token, first, min(last, moment), stamp, count)
        for user, token, first, last, stamp, count in later
        if stamp <= moment
    ]
    goes_on = {
        (user, token, first)
        for user, token, first, _, stamp, count in later
        if count and stamp > moment
    }
    assert known == [one for one in then if one[:3] not in goes_on or not one[5]]
    for user, token, _, last, _, _ in (one for one in then if one[:3] in goes_on and one[5]):
        coming = (log.users == user) & (log.pairs == token) & (log.days > moment)
        assert log.days[coming].min() - last <= 4


def test_events_as_they_are_have_a_token_each() -> None:
    log = random_log(0)
    found = tokens_of(log, LEXICON, replace(windows(), merged=False, telling=False), np.full(6, 79))
    assert len(found) == len(log.days)
    assert (found.kinds == Kind.PLAIN).all()


def test_windows_are_those_of_the_pair_where_it_has_gaps_enough() -> None:
    events = [(user, 0, 3 * place) for user in range(30) for place in range(5)]
    events += [(user, 1, 10 * place) for user in range(3) for place in range(3)]
    bounds = WindowBounds(fewest_gaps=50, most_days=9)
    found = windows_of(log_of(*events), LEXICON, bounds).pair_days
    assert found[0] == 3
    # Most gaps of the first action are those of its first pair; the other action has none at all.
    assert found[1] == found[2] == 3
    assert found[3] == 7
    alone = windows_of(log_of(*events[-9:]), LEXICON, bounds).pair_days
    assert alone[1] == 9
    with pytest.raises(ValueError, match="windows of a day"):
        WindowBounds(fewest_days=0)


def test_nobody_did_anything() -> None:
    assert len(tokens_of(log_of(), LEXICON, windows(), np.array([5, 5]))) == 0
    assert windows_of(log_of(), LEXICON, WindowBounds()).pair_days.tolist() == [7] * 6
