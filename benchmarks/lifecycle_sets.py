"""Logs with few topics, and what is asked of them: what people take up after a moment.

Neither set is what lifecycles were made for, a record of all that people do with games; both are
stand-ins. ``steam-reviews``: a topic is a game, one of the three hundred most reviewed until the
first moment or *another*; actions are to recommend it and not to. One moment for all to learn
from, and one a year later to be judged by. ``ml-latest-small``: a topic is a genre, a film has
several; actions are to like, to find middling and to dislike. Most people did everything in one
sitting, so a "day" is a minute, and the moment is that of three fifths of a person's ratings.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ranking.lifecycle import Lexicon, LifecycleLog, Numbers, WindowBounds

Marks = NDArray[np.bool_]
FIRST, SECOND = date(2014, 6, 30), date(2015, 6, 30)
"""Last days of what is known, on steam-reviews: to learn from, and to be judged by."""
NUM_GAMES = 300
STAYED_DAYS, STAYED_MINUTES = 180, 30
"""For how long one is looked for who may have left."""
KNOWN_RATIO, ASKED_RATINGS = 0.6, 20
"""Share of a person's ratings that is known, and how many of the next are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """What is asked at one moment."""

    asked: Numbers
    """Last day known of each person, (U,)."""
    taken: Marks
    """Topics that each takes up later, (U, G)."""
    counted: Marks
    """Pairs that are asked for, (U, G)."""
    stays: Marks
    """Who is seen again soon, (U,)."""
    people: Numbers
    """Who is asked what they take up: somebody known who takes up something."""
    known: Numbers
    """Who is asked whether they stay: anybody known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TopicSet:
    """A log, and what is asked of it."""

    log: LifecycleLog
    """What people did."""
    lexicon: Lexicon
    """Actions and topics."""
    bounds: WindowBounds
    """Of windows."""
    length: int
    """Most tokens of a person."""
    learnt: Moment
    """To learn from."""
    judged: Moment
    """To be judged by; the same moment where people are held out instead."""
    facts: dict[str, object]
    """What a reader should know."""

    @property
    def in_time(self) -> bool:
        """Whether what is judged comes after all that is learnt from."""
        return self.learnt is not self.judged


def steam(folder: Path) -> TopicSet:
    """Read ``user_reviews.csv``."""
    with next(folder.rglob("user_reviews.csv")).open(newline="") as file:
        rows = [
            (row["User_Id"], row["Item_Id"], row["Recommend"], date.fromisoformat(row["Date"]))
            for row in csv.DictReader(file)
        ]
    days = np.array([day.toordinal() for *_, day in rows])
    often = Counter(game for _, game, _, day in rows if day <= FIRST)
    games = [game for game, _ in sorted(often.items(), key=lambda one: (-one[1], one[0]))]
    number_of = {game: number for number, game in enumerate(games[:NUM_GAMES])}
    topics = np.array([number_of.get(game, NUM_GAMES) for _, game, *_ in rows])
    _, users = np.unique(np.array([row[0] for row in rows]), return_inverse=True)
    actions = np.array([row[2] != "True" for row in rows], np.int64)
    lexicon = Lexicon(actions=("recommend", "advise against"), num_topics=NUM_GAMES + 1)
    log = LifecycleLog(users=users, pairs=actions * lexicon.num_topics + topics, days=days)
    ends = (FIRST.toordinal(), SECOND.toordinal(), int(days.max()))
    first, second = (_at(log, topics, lexicon.num_topics, span) for span in pairwise(ends))
    return TopicSet(
        log=log,
        lexicon=lexicon,
        bounds=WindowBounds(most_days=90, silent_days=30),
        length=32,
        learnt=first,
        judged=second,
        facts={"events": len(rows), "known until": [str(FIRST), str(SECOND)]},
    )


def movielens(folder: Path) -> TopicSet:
    """Read ``movies.csv`` and ``ratings.csv``."""
    with next(folder.rglob("movies.csv")).open(newline="") as file:
        genres = {row["movieId"]: row["genres"].split("|") for row in csv.DictReader(file)}
    with next(folder.rglob("ratings.csv")).open(newline="") as file:
        rows = sorted(
            (int(row["userId"]), int(row["timestamp"]), row["movieId"], float(row["rating"]))
            for row in csv.DictReader(file)
        )
    names = sorted({one for some in genres.values() for one in some if one[0] != "("})
    number_of = {name: number for number, name in enumerate(names)}
    lexicon = Lexicon(actions=("like", "middling", "dislike"), num_topics=len(names))
    people = [list(own) for _, own in groupby(rows, key=lambda row: row[0])]
    columns: list[tuple[int, int, int]] = []
    asked, taken = np.zeros(len(people), np.int64), np.zeros((len(people), len(names)), np.bool_)
    stays = np.zeros(len(people), np.bool_)
    for user, own in enumerate(people):
        known, later = _parted(own)
        asked[user] = known[-1][1] // 60
        stays[user] = later[-1][1] // 60 > asked[user] + STAYED_MINUTES if later else False
        for _, seconds, film, stars in own:
            action = 0 if stars >= 4 else 1 if stars >= 3 else 2
            columns += [
                (user, action * len(names) + number_of[genre], seconds // 60)
                for genre in genres[film]
                if genre in number_of
            ]
        for _, _, film, stars in later[:ASKED_RATINGS]:
            if stars >= 4:
                taken[user, [number_of[one] for one in genres[film] if one in number_of]] = True
    users, pairs, days = np.array(columns).T
    everybody = np.arange(len(people))
    moment = Moment(
        asked=asked,
        taken=taken,
        counted=np.ones_like(taken),
        stays=stays,
        people=everybody[taken.any(axis=1)],
        known=everybody,
    )
    return TopicSet(
        log=LifecycleLog(users=users, pairs=pairs, days=days),
        lexicon=lexicon,
        bounds=WindowBounds(),
        length=128,
        learnt=moment,
        judged=moment,
        facts={"events": len(rows), "topics": names, "a day stands for": "a minute"},
    )


def _parted(own: Sequence[tuple[int, int, str, float]]) -> tuple[list, list]:  # type: ignore[type-arg]
    """What is known of a person, and what comes in later minutes."""
    last = own[int(len(own) * KNOWN_RATIO)][1] // 60
    return [one for one in own if one[1] // 60 <= last], [one for one in own if one[1] // 60 > last]


def _at(log: LifecycleLog, topics: Numbers, num_topics: int, span: tuple[int, int]) -> Moment:
    """What people take up between two days that they had not met; the last topic is no question."""
    num_users, (last, until) = int(log.users.max()) + 1, span
    known, later = log.days <= last, (log.days > last) & (log.days <= until)
    met, taken = (np.zeros((num_users, num_topics), np.bool_) for _ in range(2))
    met[log.users[known], topics[known]] = True
    taken[log.users[later], topics[later]] = True
    counted = ~met
    counted[:, -1] = False
    soon = later & (log.days <= last + STAYED_DAYS)
    everybody = met.any(axis=1)
    return Moment(
        asked=np.full(num_users, last),
        taken=taken & counted,
        counted=counted,
        stays=np.bincount(log.users[soon], minlength=num_users) > 0,
        people=np.flatnonzero(everybody & (taken & counted).any(axis=1)),
        known=np.flatnonzero(everybody),
    )
