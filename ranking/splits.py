"""Protocols of evaluation: what may be learnt from, what is asked after which history, and when.

A figure means nothing without its protocol. Each one here says in ``seen`` what a model gets to
see. What is asked for is never among it; only the catalogue of item ids is that of the whole log.
Settings are chosen on ``validation``; ``test`` is asked once.

- ``leave-one-out``: a user's last item is asked for in the test, the one before it in validation.
  Other users' events from after that moment are learnt from, so this flatters what follows trends.
- ``time``: everything before a moment is known, what users like from then on is asked for. This is
  what service is like.
- ``users``: users of validation and test are not learnt from at all; the first four fifths of each
  history are given, the rest is asked for (the protocol of Cen et al. 2020, ComiRec).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ingest.histories import Histories, History

Protocol = Literal["leave-one-out", "time", "users"]
PROTOCOLS: tuple[Protocol, ...] = ("leave-one-out", "time", "users")
FEWEST_EVENTS = 3
"""Events of a user below which none is left out."""
VALIDATION_FROM, TEST_FROM = 0.8, 0.9
"""Shares of all events, by time, after which the parts of a time split begin."""
HELD_OUT_USERS = 0.1
"""Share of the users that each part of a user split asks."""
GIVEN = 0.8
"""Share of a held-out user's events that is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """Which protocol, and its choices."""

    protocol: Protocol = "leave-one-out"
    """Name of the protocol."""
    seed: int = 0
    """Decides which users are held out; only ``users`` draws anything."""
    refit: bool = False
    """Whether the test of leave-one-out learns from what validation asked for, too. A time split
    always does, a user split never."""
    target_time: bool = False
    """Whether the moment of asking is that of the first item asked for, instead of that of the last
    one given; figures with it are a table of their own. A time split asks at its moment."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One question."""

    user: int
    """Number of the user."""
    history: History
    """What is given."""
    targets: NDArray[np.int64]
    """Numbers of the items asked for, (R,), in the order they came, each once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """What is learnt from, and what is then asked."""

    fit: Histories
    """All that a model may learn from."""
    cases: tuple[Case, ...]
    """The questions."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Splits:
    """One protocol applied to one log."""

    config: SplitConfig
    """What was asked for."""
    seen: str
    """What a model gets to see, in words."""
    validation: Part
    """For choosing settings."""
    test: Part
    """For the figure."""


def split(histories: Histories, config: SplitConfig) -> Splits:
    """Apply a protocol."""
    match config.protocol:
        case "leave-one-out":
            return _leave_one_out(histories, config)
        case "time":
            return _by_time(histories, config)
        case "users":
            return _by_users(histories, config)


def tied_ratio(histories: Histories) -> float:
    """Share of the users with two events or more whose last two have the same time.

    For these the last item depends on the order in which a file tells of them.
    """
    ends = histories.offsets[1:][histories.lengths > 1] - 1
    return float(
        np.mean(histories.times_us[ends] == histories.times_us[ends - 1] if len(ends) else 0)
    )


def _leave_one_out(histories: Histories, config: SplitConfig) -> Splits:
    asked = histories.lengths >= FEWEST_EVENTS
    whole = ~np.repeat(asked, histories.lengths)
    places = histories.places_from_end
    before_validation = histories.only(whole | (places >= 2))
    before_test = histories.only(whole | (places >= 1))

    def cases(given: Histories, place: int) -> tuple[Case, ...]:
        return tuple(
            _case(user, given, histories.items[end : end + 1], histories.times_us[end], config)
            for user in np.flatnonzero(asked).tolist()
            for end in [histories.offsets[user + 1] - place]
        )

    learnt = "all but the last event" if config.refit else "all but the last two events"
    return Splits(
        config=config,
        seen=f"For the test, models learn from {learnt} of each user, are given all but the last, "
        "and are asked for the last. Validation leaves one more out, on both sides.",
        validation=Part(fit=before_validation, cases=cases(before_validation, 2)),
        test=Part(
            fit=before_test if config.refit else before_validation, cases=cases(before_test, 1)
        ),
    )


def _by_time(histories: Histories, config: SplitConfig) -> Splits:
    if not len(histories.items):
        empty = Part(fit=histories, cases=())
        return Splits(config=config, seen="Nothing.", validation=empty, test=empty)
    times = np.sort(histories.times_us)
    cuts = [int(times[int(share * len(times))]) for share in (VALIDATION_FROM, TEST_FROM)]

    def part(start: int, end: float) -> Part:
        known = histories.only(histories.times_us < start)
        asked = histories.only((histories.times_us >= start) & (histories.times_us < end))
        users = np.flatnonzero((known.lengths > 0) & (asked.lengths > 0)).tolist()
        cases = (
            Case(
                user=user,
                history=known.history(user, asked_us=start),
                targets=_once(asked.history(user).items),
            )
            for user in users
        )
        return Part(fit=known, cases=tuple(cases))

    return Splits(
        config=config,
        seen="Models learn from and are given the first nine tenths of all events by time, and are "
        "asked for all that users who have a history like afterwards. Validation does so with the "
        "first eight tenths and the tenth that follows.",
        validation=part(cuts[0], cuts[1]),
        test=part(cuts[1], np.inf),
    )


def _by_users(histories: Histories, config: SplitConfig) -> Splits:
    order = np.random.default_rng(config.seed).permutation(len(histories))
    held_out = max(round(HELD_OUT_USERS * len(order)), 1)
    learnt = np.ones(len(order), bool)
    learnt[order[: 2 * held_out]] = False
    fit = histories.only(learnt[histories.user_of_event])
    lengths = histories.lengths
    given_by_user = (GIVEN * lengths).astype(np.int64)
    given = histories.only(histories.places_from_end >= np.repeat(lengths - given_by_user, lengths))

    def part(users: NDArray[np.int64]) -> Part:
        cases = []
        for user in np.sort(users[given_by_user[users] > 0]).tolist():
            start = histories.offsets[user] + given_by_user[user]
            hidden = histories.items[start : histories.offsets[user + 1]]
            cases.append(_case(user, given, hidden, histories.times_us[start], config))
        return Part(fit=fit, cases=tuple(cases))

    return Splits(
        config=config,
        seen="Models learn from eight tenths of the users; of other users they are given the first "
        "four fifths of the events, and are asked for the rest. One tenth of the users is asked in "
        "validation, one tenth in the test.",
        validation=part(order[:held_out]),
        test=part(order[held_out : 2 * held_out]),
    )


def _case(
    user: int,
    given: Histories,
    hidden: NDArray[np.int64],
    first_us: np.int64,
    config: SplitConfig,
) -> Case:
    asked_us = int(first_us) if config.target_time else None
    return Case(user=user, history=given.history(user, asked_us), targets=_once(hidden))


def _once(items: NDArray[np.int64]) -> NDArray[np.int64]:
    """Leave out repeats, keeping the order."""
    _, first = np.unique(items, return_index=True)
    return items[np.sort(first)]
