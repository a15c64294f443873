"""Sources of candidates: the contract, and how what several of them found becomes one pool.

A source looks at one history and names items that might follow it. It need not know what the user
has seen or hidden: whoever asks takes that out, and asks for enough. Items are numbers, rows of the
catalogue that the source was built on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ingest.histories import History

RANK_OFFSET = 60.0
"""Added to a place before its reciprocal is taken, so that the first few places do not decide all
(Cormack, Clarke and Buettcher 2009)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a source says of one candidate."""

    words: str
    """For a person; ``{item}`` stands for the item of the history."""
    item: int
    """Number of that item."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What one source found."""

    items: NDArray[np.int64]
    """Numbers of items, best first, each once, (C,)."""
    scores: NDArray[np.float32]
    """How well each fits, never rising, (C,); they compare within this source only."""
    said: Mapping[int, Said] = field(default_factory=dict)
    """Why some were found, by number of the item; most sources have no more to say than their
    name."""


NOTHING = Found(items=np.zeros(0, np.int64), scores=np.zeros(0, np.float32))
"""What a source finds that knows nothing of a history."""


class Source(Protocol):
    """Names items that might follow a history."""

    @property
    def name(self) -> str:
        """What its candidates are said to come from, such as ``similar``."""

    def candidates(self, history: History, limit: int) -> Found:
        """Find candidates.

        Args:
            history: of one user; may be empty. ``asked_us`` is the moment of asking.
            limit: most candidates, 1 or more.
        """


@runtime_checkable
class Accountable(Source, Protocol):
    """A source that can tell what single items of a history were for."""

    def scores_without(
        self, history: History, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Give what items would score, had the person never met some item.

        Args:
            history: of the person.
            items: numbers of candidates, each once, (C,).
            dropped: numbers of items of the history, one for each answer, (B,).

        Returns:
            (B, C): row b as ``candidates`` scores them for the history without ``dropped[b]``; 0
            for what it would not name.
        """


def best_of(items: NDArray[np.int64], scores: NDArray[np.float32], limit: int) -> Found:
    """Give the best few, equal ones by rising number.

    Args:
        items: numbers of items, each once, in any order, (C,).
        scores: how well each fits, (C,).
        limit: most that are given.
    """
    if len(items) > limit:
        # Everything as good as the last that fits, so that equal ones are judged by number.
        least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        items, scores = items[scores >= least], scores[scores >= least]
    order = np.lexsort((items, -scores))[:limit]
    return Found(items=items[order], scores=scores[order].astype(np.float32))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """Candidates of all sources, each once, and who brought them."""

    items: NDArray[np.int64]
    """Numbers of items, (C,), best first by ``scores``, equal ones by rising number."""
    scores: NDArray[np.float32]
    """Sum over sources of weight / (place + ``RANK_OFFSET``), (C,)."""
    names: tuple[str, ...]
    """Of the sources, (S,)."""
    places: NDArray[np.int32]
    """Place of each item with each source, from 0, (C, S); -1 where it was not found there."""

    def only(self, kept: NDArray[np.bool_]) -> Pool:
        """Keep some candidates, bool (C,)."""
        return Pool(
            items=self.items[kept],
            scores=self.scores[kept],
            names=self.names,
            places=self.places[kept],
        )

    def found_by(self, place: int) -> dict[str, int]:
        """Place of one candidate with each source that found it, by name of the source."""
        places = zip(self.names, self.places[place].tolist(), strict=True)
        return {name: at for name, at in places if at >= 0}


def pooled(found: Mapping[str, Found], weights: Mapping[str, float] | None = None) -> Pool:
    """Put together what sources found.

    Args:
        found: by name of the source.
        weights: of sources, positive; 1 where none is given.
    """
    names = tuple(found)
    given = [one.items for one in found.values()]
    items, inverse = np.unique(np.concatenate([np.zeros(0, np.int64), *given]), return_inverse=True)
    places = np.full((len(items), len(names)), -1, np.int32)
    start = 0
    for column, one in enumerate(given):
        places[inverse[start : start + len(one)], column] = np.arange(len(one))
        start += len(one)
    share = np.array([1.0 if weights is None else weights.get(name, 1.0) for name in names])
    scores = np.where(places >= 0, share / (places + 1 + RANK_OFFSET), 0).sum(axis=1)
    order = np.argsort(-scores, kind="stable")
    return Pool(
        items=items[order],
        scores=scores[order].astype(np.float32),
        names=names,
        places=places[order],
    )
