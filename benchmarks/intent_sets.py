"""What people did, with categories, as ``benchmarks/intent.py`` reads it from public files."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from ingest.histories import Histories, ordered_histories
from ranking.intent_config import Clock, IntentConfig, IntentTraining
from ranking.intent_cubes import Behaviour, Floats, Moments, moments_between
from ranking.intent_training import IntentData
from ranking.kmeans import kmeans
from ranking.splits import TEST_FROM, VALIDATION_FROM

SECOND_US = 1_000_000
LIKED_FROM = 4.0
"""Rating from which on a film counts as liked."""
GROUPS, GROUP_WIDTH = 20, 32
"""Groups of games, and numbers per game that they are made by."""
NO_GENRE = "(no genres listed)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Set:
    """A set, cut by time."""

    data: IntentData
    """To learn from, and to choose by."""
    test: Moments
    """To measure on."""
    shape: IntentConfig
    """Of the network."""
    categories: tuple[str, ...]
    """Names."""
    training: IntentTraining
    """How a network is learnt, but for the step."""
    told: dict[str, object]
    """What it is, in figures."""


def films(folder: Path) -> Set:
    """MovieLens (latest, small): genres, weekly bins; what is rated 4 or more is wanted."""
    with (folder / "movies.csv").open(encoding="utf-8") as file:
        genres = {row["movieId"]: row["genres"].split("|") for row in csv.DictReader(file)}
    with (folder / "ratings.csv").open(encoding="utf-8") as file:
        rows = [
            (row["userId"], row["movieId"], int(row["timestamp"]) * SECOND_US, float(row["rating"]))
            for row in csv.DictReader(file)
        ]
    events, order = ordered_histories((user, item, time) for user, item, time, _ in rows)
    liked = np.array([row[3] >= LIKED_FROM for row in rows])[order]
    names = sorted({name for some in genres.values() for name in some} - {NO_GENRE})
    membership = np.array(
        [[name in genres[item] for name in names] for item in events.item_ids], np.float32
    )
    behaviour = Behaviour(
        events=events, channels=(~liked).astype(np.int64), wanted=liked, membership=membership
    )
    clock = Clock(bin_days=7, length=24, horizon=4)
    training = IntentTraining(
        epochs=10, patience=3, batch_size=32, num_steps=60, most_validated=1_500
    )
    return _cut(behaviour, clock, names, training, most=4_000)


def games(folder: Path) -> Set:
    """Amazon Video Games: groups of games that the same people have, four-weekly bins.

    The files have neither labels nor words. Groups are made of what was known when validation
    begins; a game that came later is in none.
    """
    rows: list[tuple[str, str, int]] = []
    for name in ("train", "validation", "test"):
        with (folder / f"{name}.csv").open(encoding="utf-8") as file:
            rows += [
                (row["user_id"], row["item_id"], int(row["timestamp"]) * 1_000)
                for row in csv.DictReader(file)
            ]
    events, _ = ordered_histories(rows)
    known = events.only(events.times_us < time_at(events, VALIDATION_FROM))
    behaviour = Behaviour(
        events=events,
        channels=np.zeros(len(events.items), np.int64),
        wanted=np.ones(len(events.items), np.bool_),
        membership=groups_of(known),
    )
    clock = Clock(bin_days=28, length=16, horizon=3)
    training = IntentTraining(
        epochs=10, patience=4, batch_size=64, num_steps=100, most_validated=4_000
    )
    return _cut(behaviour, clock, [f"group {n}" for n in range(GROUPS)], training, most=8_000)


def groups_of(known: Histories, seed: int = 0) -> Floats:
    """Group items that the same people have: k-means of factors of positive mutual information.

    Returns:
        Membership, (N, C); an item that nobody has is in no group.
    """
    from scipy import sparse
    from sklearn.decomposition import TruncatedSVD

    shape = (len(known), known.num_items)
    ones = np.ones(len(known.items), np.float32)
    table = sparse.csr_matrix((ones, (known.user_of_event, known.items)), shape=shape)
    table.data[:] = 1
    together = (table.T @ table).tocoo()
    counts = np.asarray(table.sum(axis=0)).ravel()
    off = together.row != together.col
    row, column, both = together.row[off], together.col[off], together.data[off]
    told = np.log(both * shape[0] / (counts[row] * counts[column]))
    matrix = sparse.csr_matrix((np.maximum(told, 0), (row, column)), shape=(shape[1], shape[1]))
    factors = TruncatedSVD(GROUP_WIDTH, random_state=seed).fit_transform(matrix)
    factors /= np.maximum(np.linalg.norm(factors, axis=1, keepdims=True), 1e-12)
    some = np.flatnonzero(counts)
    membership = np.zeros((shape[1], GROUPS), np.float32)
    membership[some, kmeans(factors[some].astype(np.float32), GROUPS, seed)[0]] = 1
    return membership


def time_at(events: Histories, share: float) -> int:
    """The moment before which a share of the events lies."""
    times = np.sort(events.times_us)
    return int(times[int(share * len(times))])


def _cut(
    behaviour: Behaviour, clock: Clock, names: list[str], training: IntentTraining, most: int
) -> Set:
    events = behaviour.events
    times = [
        int(events.times_us.min()) + clock.bin_us,
        time_at(events, VALIDATION_FROM),
        time_at(events, TEST_FROM),
        int(events.times_us.max()) + 1,
    ]
    learnt, validation, test = (
        moments_between(behaviour, clock, *pair) for pair in pairwise(times)
    )
    random = np.random.default_rng(0)
    validation, drawn = validation.some(most, random), test.some(most, random)
    data = IntentData(behaviour=behaviour, clock=clock, learnt=learnt, validation=validation)
    shape = IntentConfig(
        num_categories=len(names),
        num_actions=int(behaviour.channels.max()) + 1,
        length=clock.length,
        width=16,
    )
    told: dict[str, object] = {
        "users": len(events),
        "items": events.num_items,
        "events": len(events.items),
        "moments to learn from": len(learnt),
        "moments of validation": len(validation),
        "moments of the test": f"{len(drawn)} of {len(test)}",
        "people of the test": len(np.unique(drawn.users)),
    }
    return Set(
        data=data, test=drawn, shape=shape, categories=tuple(names), training=training, told=told
    )
