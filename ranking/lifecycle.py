"""The whole record of a person's dealings with topics, as few tokens that also tell of silence.

After Gou et al. 2025 (arXiv 2510.15412, abstract and introduction; the rest was not published to
us, so numbers and details are ours). Where a catalogue has few topics and a person meets three or
four of them, a list of topics says little; what was done, how often, for how long and when it
ended says more. A pair is an action with a topic (a like of dogs, a purchase of shoes).

- Events of a pair that follow each other within the pair's window become one run with a count.
- A pair that is left alone for longer than its window becomes *lost*; when nothing at all happens
  for long there is a *silent* token. Both stand where the window was crossed, never where the
  person came back: their place would tell the past what the future brings.
- Windows are read off the gaps of all people, between bounds; a pair with few gaps takes the window
  of its action.
- A day is over when it is looked at: an event of the last day of a window would have counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
ONGOING = np.iinfo(np.int64).max // 4
"""A day after all days."""


class Kind(IntEnum):
    """What a token tells of."""

    PLAIN = 0
    RUN = 1
    LOST = 2
    SILENT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """What tokens are numbered by: A actions with G topics, met or lost, then what has no topic."""

    actions: tuple[str, ...]
    """What is done, (A,)."""
    num_topics: int
    """G."""

    def __post_init__(self) -> None:
        if not self.actions or self.num_topics < 1:
            raise ValueError(
                f"expected actions and topics: {self.actions = }, {self.num_topics = }"
            )

    @property
    def num_pairs(self) -> int:
        """A times G; the number of a pair is that of its action times G and that of its topic."""
        return len(self.actions) * self.num_topics

    @property
    def num_told(self) -> int:
        """Tokens with a topic: every pair, then every pair lost."""
        return 2 * self.num_pairs

    @property
    def silent(self) -> int:
        """The token of silence."""
        return self.num_told

    @property
    def hidden(self) -> int:
        """What stands in the place of a token that is to be guessed."""
        return self.num_told + 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LifecycleLog:
    """What people did with topics, as columns in any order; of one day, in order."""

    users: Numbers
    """Number of the person, (E,)."""
    pairs: Numbers
    """Number of the pair, (E,)."""
    days: Numbers
    """Number of the day, (E,)."""

    def until(self, last_day: Numbers) -> LifecycleLog:
        """What each person did up to the end of a day, (U,)."""
        kept = self.days <= last_day[self.users]
        return LifecycleLog(users=self.users[kept], pairs=self.pairs[kept], days=self.days[kept])


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowBounds:
    """How windows are read off gaps."""

    fewest_days: int = 1
    """Shortest window of a pair."""
    most_days: int = 14
    """Longest window of a pair."""
    quantile: float = 0.8
    """Share of the gaps that a window spans."""
    fewest_gaps: int = 100
    """Gaps of a pair below which its action's window holds."""
    silent_days: int = 7
    """Days without anything that are silence."""

    def __post_init__(self) -> None:
        if not 1 <= self.fewest_days <= self.most_days or self.silent_days < 1:
            raise ValueError(f"expected windows of a day or more: {self}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """For how many days without an event things go on, and what is made of it."""

    pair_days: Numbers
    """Of each pair, (A * G,)."""
    silent_days: int
    """Of everything together."""
    merged: bool = True
    """Whether runs become one token; otherwise each event is one."""
    telling: bool = True
    """Whether there are lost and silent tokens."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tokens:
    """Tokens of some people, by person and the day at which they stand."""

    users: Numbers
    """Number of the person, (R,)."""
    ids: Numbers
    """By the lexicon, (R,)."""
    first_days: Numbers
    """First day told of, (R,): of a loss, the last day that the pair was met."""
    last_days: Numbers
    """Last day told of, (R,): of a loss, the day of return, or that of asking."""
    stamps: Numbers
    """Day from whose end on the token is known, (R,)."""
    counts: Numbers
    """Events told of, (R,); 0 where there are none."""
    kinds: Numbers
    """See ``Kind``, (R,)."""

    def __len__(self) -> int:
        return len(self.ids)


def windows_of(log: LifecycleLog, lexicon: Lexicon, bounds: WindowBounds) -> Windows:
    """Read windows off the gaps between events of one pair and person."""
    order = np.lexsort((log.days, log.pairs, log.users))
    users, pairs, days = log.users[order], log.pairs[order], log.days[order]
    inner = (users[1:] == users[:-1]) & (pairs[1:] == pairs[:-1])
    gaps, of_pair = np.diff(days)[inner], pairs[1:][inner]
    found = np.full(lexicon.num_pairs, float(bounds.silent_days))
    for action in range(len(lexicon.actions)):
        some = gaps[of_pair // lexicon.num_topics == action]
        if len(some):
            part = slice(action * lexicon.num_topics, (action + 1) * lexicon.num_topics)
            found[part] = np.quantile(some, bounds.quantile)
    often = np.bincount(of_pair, minlength=lexicon.num_pairs) >= bounds.fewest_gaps
    for pair in np.flatnonzero(often).tolist():
        found[pair] = np.quantile(gaps[of_pair == pair], bounds.quantile)
    clipped = np.clip(np.rint(found), bounds.fewest_days, bounds.most_days)
    return Windows(pair_days=clipped.astype(np.int64), silent_days=bounds.silent_days)


def tokens_of(log: LifecycleLog, lexicon: Lexicon, windows: Windows, asked: Numbers) -> Tokens:
    """Tell of people as known at the end of a day.

    Args:
        log: what they did; what comes after the day of asking is not looked at.
        lexicon: numbers tokens.
        windows: for how long things go on.
        asked: day of asking of each person, (U,).
    """
    known = log.until(asked)
    order = np.lexsort((known.days, known.pairs, known.users))
    users, pairs, days = known.users[order], known.pairs[order], known.days[order]
    goes_on = np.zeros(len(users), np.bool_)
    goes_on[1:] = (
        (users[1:] == users[:-1])
        & (pairs[1:] == pairs[:-1])
        & (np.diff(days) <= windows.pair_days[pairs[1:]])
    )
    runs = _spans(users, pairs, days, np.flatnonzero(~goes_on))
    told = [runs if windows.merged else _spans(users, pairs, days, np.arange(len(users)))]
    if windows.telling:
        told += [_losses(runs, lexicon, windows, asked), _silences(known, lexicon, windows, asked)]
    return _in_order(told)


def _spans(users: Numbers, pairs: Numbers, days: Numbers, starts: Numbers) -> Tokens:
    """One token for the events from each start to before the next."""
    ends = np.append(starts[1:], len(users))[: len(starts)] - 1
    counts = ends - starts + 1
    return Tokens(
        users=users[starts],
        ids=pairs[starts],
        first_days=days[starts],
        last_days=days[ends],
        stamps=days[ends],
        counts=counts,
        kinds=np.where(counts > 1, Kind.RUN, Kind.PLAIN).astype(np.int64),
    )


def _losses(runs: Tokens, lexicon: Lexicon, windows: Windows, asked: Numbers) -> Tokens:
    """A token for each run that was not taken up again within the window."""
    following = np.full(len(runs), ONGOING)
    same = (runs.users[1:] == runs.users[:-1]) & (runs.ids[1:] == runs.ids[:-1])
    following[:-1][same] = runs.first_days[1:][same]
    stamps = runs.last_days + windows.pair_days[runs.ids]
    lost = stamps <= asked[runs.users]
    return Tokens(
        users=runs.users[lost],
        ids=runs.ids[lost] + lexicon.num_pairs,
        first_days=runs.last_days[lost],
        last_days=np.minimum(following, asked[runs.users])[lost],
        stamps=stamps[lost],
        counts=np.zeros(int(lost.sum()), np.int64),
        kinds=np.full(int(lost.sum()), Kind.LOST, np.int64),
    )


def _silences(log: LifecycleLog, lexicon: Lexicon, windows: Windows, asked: Numbers) -> Tokens:
    """A token for each stretch of days on which a person did nothing at all."""
    met = np.unique(np.stack([log.users, log.days], axis=1), axis=0)
    users, days = met[:, 0], met[:, 1]
    following = np.full(len(users), ONGOING)
    same = users[1:] == users[:-1]
    following[:-1][same] = days[1:][same]
    stamps = days + windows.silent_days
    # An event on the day of the stamp itself breaks no silence: there was none yet.
    silent = (following > stamps) & (stamps <= asked[users])
    return Tokens(
        users=users[silent],
        ids=np.full(int(silent.sum()), lexicon.silent),
        first_days=days[silent],
        last_days=np.minimum(following, asked[users])[silent],
        stamps=stamps[silent],
        counts=np.zeros(int(silent.sum()), np.int64),
        kinds=np.full(int(silent.sum()), Kind.SILENT, np.int64),
    )


def _in_order(parts: list[Tokens]) -> Tokens:
    def joined(name: str) -> Numbers:
        return np.concatenate([getattr(part, name) for part in parts])

    order = np.lexsort((joined("ids"), joined("first_days"), joined("stamps"), joined("users")))
    return Tokens(**{name: joined(name)[order] for name in Tokens.__dataclass_fields__})
