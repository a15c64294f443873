"""Groups of readers that titles are written for, each with a centre among the items' vectors.

A reader's taste is the mean of what they liked last. Groups are the clusters of a view, to whose
strongest a reader belongs, or a spherical k-means of tastes: rows and centres have length one, and
the same cosine decides while the centres are learnt and when a reader is placed. (The published
code learns by distance and places by inner product, which lets long centres draw readers.)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.base import unit
from ingest.histories import Histories
from ranking.kmeans import kmeans
from ranking.shelf import NO_INTEREST, Interests
from ranking.user_state import UserState
from retrieval.fitted import FittedFile

Array = NDArray[np.float32]
Numbers = NDArray[np.int64]

TASTES = "tastes"
"""Name of the division of readers by taste."""
KIND = "reader groups"
RECENT = 50
"""Likings that a taste is made of, the latest."""
MOST_ROUNDS = 40
FEWEST_READERS = 5
"""Readers below which an interest's centre is that of its items."""
NOBODY = -1
"""Number of the group of a reader of whom too little is known."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tastes:
    """What U readers like."""

    vectors: Array
    """Unit vectors, (U, D); zeros for who has liked nothing that has one."""
    interest: Numbers
    """The interest that most of what each liked is of, (U,); ``NOBODY`` for none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Groups:
    """K groups of readers."""

    centres: Array
    """Unit vectors, (K, D)."""
    share: Array
    """Part of the readers that is in each, (K,); equal where nobody is known."""

    def nearest(self, taste: Array) -> int:
        """The group of a taste (D,); ``NOBODY`` for one of zeros."""
        return int(np.argmax(self.centres @ taste)) if taste.any() else NOBODY

    def save(self, path: Path, space: str) -> None:
        """Write them.

        Args:
            path: the file; it appears whole or not at all.
            space: digest of what made the items' vectors.
        """
        arrays = {"centres": self.centres, "share": self.share}
        FittedFile(kind=KIND, config={"space": space}, item_ids=(), arrays=arrays).write(path)

    @classmethod
    def load(cls, path: Path) -> tuple[Groups, str]:
        """Read what ``save`` wrote; gives the space, too.

        Raises:
            FittedError: it is not there, or damaged.
        """
        read = FittedFile.read(path, KIND)
        arrays = read.arrays
        return cls(centres=arrays["centres"], share=arrays["share"]), str(read.config["space"])


def taste_of(vectors: Array, liked: Numbers) -> Array:
    """Taste of one reader, (D,).

    Args:
        vectors: of the items, (N, D).
        liked: numbers of what they liked, earliest first.
    """
    return unit(np.asarray(vectors[liked[-RECENT:]]).sum(axis=0))


def tastes_of(histories: Histories, vectors: Array, interests: Interests | None = None) -> Tastes:
    """Tastes of the readers of some histories.

    Args:
        histories: who liked what, with the items in the order of the vectors.
        vectors: of the items, (N, D).
        interests: what the items are of; None where there is no view.
    """
    rows, strongest = [], []
    for user in range(len(histories)):
        liked = histories.history(user).items
        rows.append(taste_of(vectors, liked))
        strongest.append(NOBODY if interests is None else _most_of(interests.of_item[liked]))
    return Tastes(
        vectors=np.array(rows, np.float32).reshape(len(rows), vectors.shape[1]),
        interest=np.array(strongest, np.int64),
    )


def strongest_interest(interests: Interests, state: UserState) -> int:
    """The interest that a reader belongs to, by what was done and said; ``NOBODY`` for none.

    Of a reader whose last act is so long ago that all sums have faded, what was liked last counts.
    """
    strength = state.interest * state.boost
    if len(strength) and strength.max() > 0:
        return int(np.argmax(strength))
    owners = interests.of_item[state.liked.items[-RECENT:]]
    return _most_of(owners[(owners != NO_INTEREST) & (state.boost[owners] > 0)])


def interest_groups(interests: Interests, vectors: Array, tastes: Tastes) -> Groups:
    """The clusters of a view as groups.

    Args:
        interests: the view.
        vectors: of the items, (N, D).
        tastes: of the readers.

    Returns:
        A centre each: of the tastes of its readers, or of its items where these are few.
    """
    number = len(interests)
    counts = np.bincount(tastes.interest[tastes.interest >= 0], minlength=number)
    centres = np.zeros((number, vectors.shape[1]), np.float32)
    for group in range(number):
        members = tastes.vectors[tastes.interest == group]
        items = np.asarray(vectors[interests.of_item == group])
        centres[group] = (members if counts[group] >= FEWEST_READERS else items).sum(axis=0)
    return Groups(centres=unit(centres), share=_shares(counts))


def taste_groups(tastes: Tastes, most: int, seed: int) -> Groups:
    """Groups of readers who like the same, by spherical k-means.

    Args:
        tastes: of the readers, of whom there must be one.
        most: K, or as many as there are different tastes.
        seed: of the start.
    """
    rows = tastes.vectors[tastes.vectors.any(axis=1)]
    number = min(most, len(np.unique(rows, axis=0)))
    centres = unit(kmeans(rows, number, seed, restarts=2)[1])
    owner = np.full(len(rows), NOBODY)
    for _ in range(MOST_ROUNDS):
        placed = np.argmax(rows @ centres.T, axis=1)
        if np.array_equal(placed, owner):
            break
        owner = placed
        sums = np.zeros_like(centres)
        np.add.at(sums, owner, rows)
        centres = np.where(sums.any(axis=1, keepdims=True), unit(sums), centres)
    return Groups(centres=centres, share=_shares(np.bincount(owner, minlength=number)))


def _shares(counts: Numbers) -> Array:
    """Parts of a whole with one reader added everywhere, (K,)."""
    return np.asarray((counts + 1) / (counts + 1).sum(), np.float32)


def _most_of(owners: NDArray[np.int32]) -> int:
    """The most frequent number; ``NOBODY`` where there is none."""
    known = owners[owners != NO_INTEREST]
    return int(np.argmax(np.bincount(known))) if len(known) else NOBODY
