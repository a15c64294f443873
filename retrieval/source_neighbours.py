"""Candidates by what is liked soon after what: the neighbours of a history's items, as a table.

``retrieval.neighbours`` keeps what it needs to count on; to serve, its bounded weights are enough.
Of a table only the rows of the history's items are read, so that the time of an answer goes by the
history's length and not by the catalogue's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.histories import History
from retrieval.fitted import FittedError, FittedFile
from retrieval.neighbours import ItemNeighbours
from retrieval.source_fitted import FittedSource, Scored

KIND = "neighbour table"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeighbourTable:
    """What each item says for others."""

    item_ids: tuple[str, ...]
    """The catalogue it was fitted on, (N,)."""
    recency: float
    """The item so many places from the end of a history counts places ** -recency."""
    offsets: NDArray[np.int64]
    """Where the neighbours of each item begin, and where the last one's end, (N + 1,)."""
    neighbours: NDArray[np.int32] = field(repr=False)
    """Numbers of items, (W,)."""
    weights: NDArray[np.float32] = field(repr=False)
    """How much each neighbour is spoken for, (W,)."""

    @classmethod
    def of(cls, fitted: ItemNeighbours) -> NeighbourTable:
        """Take what is served of a fitted model."""
        weights = fitted.weights
        return cls(
            item_ids=fitted.item_ids,
            recency=fitted.config.recency,
            offsets=weights.indptr.astype(np.int64),
            neighbours=weights.indices.astype(np.int32),
            weights=weights.data.astype(np.float32),
        )

    def following(self, history: History) -> Scored:
        """Add up what the items of a history say for others, as ``ItemNeighbours.score`` does."""
        items, places = np.unique(history.items[::-1], return_index=True)
        counts = self.offsets[items + 1] - self.offsets[items]
        ends = np.cumsum(counts)
        where = np.arange(ends[-1] if len(ends) else 0)
        where += np.repeat(self.offsets[items] - (ends - counts), counts)
        said = self.weights[where] * np.repeat((places + 1.0) ** -self.recency, counts)
        found, of_found = np.unique(self.neighbours[where], return_inverse=True)
        scores = np.bincount(of_found, said, minlength=len(found))
        return found.astype(np.int64), scores.astype(np.float32)

    def spoken(self, items: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
        """What each item says for each that is wanted, before recency, (H, C).

        Args:
            items: numbers of items, (H,).
            wanted: numbers of items, each once, -1 for one that is not known, (C,).
        """
        column = np.full(len(self.item_ids) + 1, -1, np.int64)  # -1 writes the last
        column[wanted] = np.arange(len(wanted))
        column[-1] = -1
        said = np.zeros((len(items), len(wanted)))
        for row, item in enumerate(items.tolist()):
            of_item = slice(self.offsets[item], self.offsets[item + 1])
            at = column[self.neighbours[of_item]]
            said[row, at[at >= 0]] = self.weights[of_item][at >= 0]
        return said

    def source(self, number_of: Mapping[str, int]) -> NeighbourSource:
        """Make the source ``neighbours`` for a shelf's numbers of items by id."""
        return NeighbourSource(self, number_of)

    def save(self, path: Path) -> None:
        """Write it; the file appears whole or not at all."""
        arrays: dict[str, NDArray[Any]] = {
            "offsets": self.offsets,
            "neighbours": self.neighbours,
            "weights": self.weights,
        }
        FittedFile(
            kind=KIND, config={"recency": self.recency}, item_ids=self.item_ids, arrays=arrays
        ).write(path)

    @classmethod
    def load(cls, path: Path) -> NeighbourTable:
        """Read what ``save`` wrote.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        try:
            return cls(recency=file.config["recency"], item_ids=file.item_ids, **file.arrays)
        except (KeyError, TypeError) as error:
            raise FittedError(f"{path} holds another {KIND}", "fit it again") from error


class NeighbourSource(FittedSource):
    """Names what is liked soon after what a history holds.

    Args:
        table: says for what.
        number_of: numbers of the shelf's items by id.
    """

    def __init__(self, table: NeighbourTable, number_of: Mapping[str, int]) -> None:
        super().__init__("neighbours", table.following, table.item_ids, number_of)
        self.table = table

    def scores_without(
        self, history: History, items: NDArray[np.int64], dropped: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Give what items would score without single items, (B, C); see ``Accountable``."""
        backwards = self.known(history).items[::-1]
        met, places = np.unique(backwards, return_index=True)
        said, rows = self.table.spoken(met, self.own(items)), []
        for item in self.own(dropped).tolist():
            # Whatever came before the item that is dropped moves up.
            moved = places - np.cumsum(backwards == item)[places] if len(met) else places
            counts = np.where(met == item, 0.0, (np.maximum(moved, 0) + 1.0) ** -self.table.recency)
            rows.append(counts @ said)
        return np.array(rows, np.float32).reshape(len(dropped), len(items))
