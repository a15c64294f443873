"""A view: a library's items in named clusters, to be kept and edited.

Clusters are known by number, so that one which is renamed, merged or split goes on being the one
that its members refer to. A pin holds an item in its cluster, whatever is learnt later.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ingest.errors import SensoriumError
from ranking.base import Readout
from ranking.candidates import Candidates
from ranking.space import AspectSpace

MOST_CHARACTERS = 80
"""Longest name of a view or a cluster."""
_VIEW_NAME = re.compile(r"\w[\w .&+-]*")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


class ViewError(SensoriumError):
    """A view or an edit of it that cannot be."""

    code = "view"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One album of a view."""

    cluster_id: int
    """Counts from 1 within its view; never given twice."""
    name: str
    """What a person calls it; no two alike in a view."""
    words: tuple[str, ...]
    """Candidate words that fit its items, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftConfig:
    """When a view is learnt anew because what arrives is unlike what it was learnt from."""

    quantile: float = 0.1
    """Share of a view's own items that count as doubtful when it is learnt."""
    most_doubtful: float = 0.3
    """Share of arrivals that may be as doubtful before the view is learnt anew."""
    least_items: int = 20
    """Arrivals below which nothing is concluded."""

    def __post_init__(self) -> None:
        if not 0 < self.quantile < self.most_doubtful <= 1 or self.least_items < 1:
            raise ValueError(
                "expected 0 < quantile < most_doubtful <= 1 and an item: "
                f"{self.quantile = }, {self.most_doubtful = }, {self.least_items = }"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How sure a view was of its items when it was learnt, and of those that came since."""

    doubt: float
    """Confidence below which an item is doubtful, in [0, 1]."""
    arrived: int = 0
    """Items assigned since."""
    doubtful: int = 0
    """Those of them that are doubtful."""

    @classmethod
    def start(cls, confidence: NDArray[np.float32], config: DriftConfig) -> Watch:
        """Begin with the confidence of a view's own items, (N,)."""
        doubt = np.quantile(confidence, config.quantile) if len(confidence) else 0.0
        return cls(doubt=float(doubt))

    def seen(self, confidence: NDArray[np.float32]) -> Watch:
        """Count arrivals by their confidence, (B,)."""
        return replace(
            self,
            arrived=self.arrived + len(confidence),
            doubtful=self.doubtful + int((confidence < self.doubt).sum()),
        )

    def has_drifted(self, config: DriftConfig) -> bool:
        """Whether enough came, and too many of them are doubtful."""
        enough = self.arrived >= config.least_items
        return enough and self.doubtful > config.most_doubtful * self.arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a view is; who is in it is its ``Members``."""

    name: str
    """Its name; no two alike in a library."""
    candidates: Candidates
    """The aspect that items are grouped by, and the words that clusters were named from."""
    where: str | None
    """Filter expression that an item must pass; None for every item."""
    seed: int
    """Of everything random."""
    ablate: tuple[str, ...]
    """Parts of the method that were left out."""
    clusters: tuple[Cluster, ...]
    """In the order of the readout's columns."""
    next_id: int
    """Number that the next cluster gets."""
    generation: str
    """Generation of the index whose vectors it was learnt from."""
    watch: Watch
    """How sure it is."""
    created_at: datetime
    """When it was made, UTC."""
    updated_at: datetime
    """When it or its members changed last, UTC."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """Number of each cluster, (K,)."""
        return np.array([cluster.cluster_id for cluster in self.clusters], np.int64)

    def cluster(self, name: str) -> Cluster:
        """Find a cluster by name; case makes no difference where only one fits.

        Raises:
            ViewError: there is none.
        """
        for key in (str, str.casefold):
            found = [c for c in self.clusters if key(c.name) == key(name)]
            if len(found) == 1:
                return found[0]
        names = [cluster.name for cluster in self.clusters]
        raise ViewError(
            f"the view {self.name} has no cluster {name!r}", meant(name, names, "its clusters")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Which item is in which cluster."""

    item_ids: tuple[str, ...]
    """The items, N of them."""
    clusters: NDArray[np.int64]
    """Number of each item's cluster, (N,); 0 for one that has to be given a place."""
    confidence: NDArray[np.float32]
    """How sure its place is, (N,), in [0, 1]."""
    pinned: NDArray[np.bool_]
    """Whether a person chose its place, (N,)."""
    digests: tuple[str, ...]
    """What each item was when it got its place: another digest, another item."""

    def __post_init__(self) -> None:
        lengths = {len(self.item_ids), len(self.digests), len(self.clusters)}
        if len(lengths | {len(self.confidence), len(self.pinned)}) > 1:
            raise ValueError(
                f"one place per item: {len(self.item_ids) = }, {len(self.clusters) = }"
            )

    def __len__(self) -> int:
        return len(self.item_ids)

    def row(self, view: View, item_id: str) -> int:
        """Where an item stands.

        Raises:
            ViewError: it is not in the view.
        """
        if item_id not in self.item_ids:
            raise ViewError(
                f"there is no item {item_id!r} in the view {view.name}",
                f"its items are listed by sensorium view {view.name} --json",
            )
        return self.item_ids.index(item_id)

    def taken(self, rows: NDArray[np.int64]) -> Members:
        """The members at these rows, (B,)."""
        return Members(
            item_ids=tuple(self.item_ids[row] for row in rows),
            clusters=self.clusters[rows],
            confidence=self.confidence[rows],
            pinned=self.pinned[rows],
            digests=tuple(self.digests[row] for row in rows),
        )

    def joined(self, others: Members) -> Members:
        """These members, then others."""
        return Members(
            item_ids=self.item_ids + others.item_ids,
            clusters=np.concatenate([self.clusters, others.clusters]),
            confidence=np.concatenate([self.confidence, others.confidence]),
            pinned=np.concatenate([self.pinned, others.pinned]),
            digests=self.digests + others.digests,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What gives an item its place in a view."""

    space: AspectSpace
    """Where items are compared."""
    readout: Readout
    """From there to clusters; columns in the order of the view's clusters."""


def view_name(given: str, aspect: str) -> str:
    """Give a view's name: the one that is given, or one made of the aspect.

    Raises:
        ViewError: it is none.
    """
    name = given or _BETWEEN_WORDS.sub("-", aspect.lower()).strip("-")[:MOST_CHARACTERS]
    if not _VIEW_NAME.fullmatch(name) or len(name) > MOST_CHARACTERS:
        raise ViewError(
            f"{name!r} cannot be the name of a view",
            f"use letters, digits, spaces and -, at most {MOST_CHARACTERS} characters",
        )
    return name


def meant(name: str, known: Iterable[str], what: str) -> str:
    """A hint for a name that is unknown: the one that it is near, and what there is."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    there = f"{what}: {', '.join(names)}" if names else ""
    return "; ".join(part for part in (f"did you mean {near[0]}?" if near else "", there) if part)
