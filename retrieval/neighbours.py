"""Item-based collaborative filtering: what is liked soon after what.

After Sarwar et al. 2001, with three choices of our own:
- two items of a history are the nearer, the fewer others were liked between them, and what was
  liked afterwards is nearer than what was liked before;
- one dial goes from the share of users who go on to an item (0), over the cosine (0.5), to what is
  rare elsewhere (1);
- the last items of a history speak louder than the first.

Sums over pairs are kept beside the neighbours made of them, so that new events are added without
those before being read again. A pair belongs to the event that completes it; an event completes
at most ``window`` pairs, which bounds the sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ingest.histories import Histories, History
from retrieval.fitted import FittedError, FittedFile

KIND = "item neighbours"
PAIRS_AT_ONCE = 4_000_000
"""Pairs held before they are summed up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourConfig:
    """How items become neighbours."""

    window: int = 10
    """Most places between two items of a history that still make a pair."""
    fade: float = 1.0
    """A pair so many places apart counts places ** -fade; 0 counts all alike."""
    backward: float = 0.3
    """What the later item says about the earlier one, beside 1 the other way round."""
    damping: float = 0.3
    """Share of the discount that falls on the recommended item; 0.5 is the cosine."""
    shrink: float = 10.0
    """Events added to each item's own, so that what two users did does not count as certain."""
    neighbours: int = 200
    """Most neighbours of an item."""
    recency: float = 1.0
    """The item so many places from the end of a history counts places ** -recency."""

    def __post_init__(self) -> None:
        if self.window < 1 or self.neighbours < 1:
            raise ValueError(f"expected 1 or more: {self.window = }, {self.neighbours = }")
        if min(self.fade, self.backward, self.shrink, self.recency) < 0:
            raise ValueError(
                f"expected 0 or more: {self.fade = }, {self.backward = }, {self.shrink = }, "
                f"{self.recency = }"
            )
        if not 0 <= self.damping <= 1:
            raise ValueError(f"expected 0 to 1: {self.damping = }")


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemNeighbours:
    """Which items are liked together, and how much that says."""

    config: NeighbourConfig
    """Settings."""
    item_ids: tuple[str, ...]
    """The catalogue, (N,)."""
    num_events: NDArray[np.int64]
    """Events of each item, (N,)."""
    pairs: Any = field(repr=False)
    """Sums over pairs, sparse float32 (N, N): how much the row's item leads to the column's."""

    @classmethod
    def fit(cls, histories: Histories, config: NeighbourConfig) -> ItemNeighbours:
        """Count over every history."""
        num_items = histories.num_items
        empty = cls(
            config=config,
            item_ids=histories.item_ids,
            num_events=np.zeros(num_items, np.int64),
            pairs=sparse.csr_array((num_items, num_items), dtype=np.float32),
        )
        return empty.extended(histories)

    def extended(self, histories: Histories, since_us: int | None = None) -> ItemNeighbours:
        """Add events to what has been counted.

        Args:
            histories: on the same catalogue; whole histories, as new events pair with old ones.
            since_us: the first moment that has not been counted; all of it if not given. A late
                event, from before that, is passed over.

        Raises:
            ValueError: the catalogue is another one.
        """
        if histories.item_ids != self.item_ids:
            raise ValueError("histories must be numbered by the same catalogue")
        new = np.ones(len(histories.items), bool)
        if since_us is not None:
            new = histories.times_us >= since_us
        counts = np.bincount(histories.items[new], minlength=len(self.item_ids))
        return replace(
            self,
            num_events=self.num_events + counts,
            pairs=self.pairs + _sum_pairs(histories, new, self.config),
        )

    def refined(self, config: NeighbourConfig) -> ItemNeighbours:
        """Use other settings on the same sums.

        Raises:
            ValueError: the settings would make other sums.
        """
        if not self.sums_serve(config):
            raise ValueError("window, fade and backward decide the sums: fit again")
        return replace(self, config=config)

    def sums_serve(self, config: NeighbourConfig) -> bool:
        """Whether other settings need no other sums."""
        return _of_pairs(config) == _of_pairs(self.config)

    @cached_property
    def weights(self) -> Any:
        """How much each item says for each other, sparse float32 (N, N), bounded by row."""
        counts = self.num_events + max(self.config.shrink, 1e-9)
        source = sparse.diags_array((counts ** (self.config.damping - 1)).astype(np.float32))
        result = sparse.diags_array((counts**-self.config.damping).astype(np.float32))
        return strongest((source @ self.pairs @ result).tocsr(), self.config.neighbours)

    def score(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Add up what the items of each history say for the others; (B, N), 0 for nothing."""
        seen = history_weights(histories, len(self.item_ids), self.config.recency)
        return cast("NDArray[np.float32]", (seen @ self.weights).toarray())

    def save(self, path: Path) -> None:
        """Write it; the file appears whole or not at all."""
        pairs = self.pairs.tocsr()
        arrays = {
            "num_events": self.num_events,
            "pair_weights": pairs.data,
            "pair_columns": pairs.indices.astype(np.int64),
            "pair_offsets": pairs.indptr.astype(np.int64),
        }
        FittedFile(
            kind=KIND, config=asdict(self.config), item_ids=self.item_ids, arrays=arrays
        ).write(path)

    @classmethod
    def load(cls, path: Path) -> ItemNeighbours:
        """Read what ``save`` wrote.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        arrays, num_items = file.arrays, len(file.item_ids)
        kept = (arrays["pair_weights"], arrays["pair_columns"], arrays["pair_offsets"])
        try:
            config = NeighbourConfig(**file.config)
        except (TypeError, ValueError) as error:
            raise FittedError(f"{path}: unknown settings: {error}", "fit it again") from error
        return cls(
            config=config,
            item_ids=file.item_ids,
            num_events=arrays["num_events"],
            pairs=sparse.csr_array(kept, shape=(num_items, num_items)),
        )


def history_weights(histories: Sequence[History], num_items: int, recency: float) -> Any:
    """Weigh the items of histories by their place from the end, sparse float32 (B, N).

    Args:
        histories: B of them.
        num_items: N.
        recency: the last counts 1, the one before 2 ** -recency, and so on; an item that stands
            several times counts as where it stands last.
    """
    rows, columns, values = [], [], []
    for row, history in enumerate(histories):
        items, places = np.unique(history.items[::-1], return_index=True)
        rows.append(np.full(len(items), row))
        columns.append(items)
        values.append((places + 1.0) ** -recency)
    if not rows:
        return sparse.csr_array((0, num_items), dtype=np.float32)
    where = (np.concatenate(rows), np.concatenate(columns))
    shape = (len(histories), num_items)
    return sparse.csr_array((np.concatenate(values).astype(np.float32), where), shape=shape)


def strongest(weights: Any, most: int) -> Any:
    """Keep the largest entries of each row, of equal ones those of the first columns.

    Args:
        weights: sparse (N, N).
        most: entries per row.
    """
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    order = np.lexsort((weights.indices, -weights.data, rows))
    places = np.arange(len(order)) - weights.indptr[rows]
    kept = order[places < most]
    where = (rows[kept], weights.indices[kept])
    return sparse.csr_array((weights.data[kept], where), shape=weights.shape)


def _sum_pairs(histories: Histories, new: NDArray[np.bool_], config: NeighbourConfig) -> Any:
    """Sum over the pairs that new events complete, sparse float32 (N, N)."""
    users, items = histories.user_of_event, histories.items
    shape = (histories.num_items, histories.num_items)
    total = sparse.csr_array(shape, dtype=np.float32)
    for start in range(0, len(items), PAIRS_AT_ONCE):
        for gap in range(1, min(config.window, len(items) - 1) + 1):
            ends = np.arange(max(start, gap), min(start + PAIRS_AT_ONCE, len(items)))
            paired = new[ends] & (users[ends] == users[ends - gap])
            ends = ends[paired & (items[ends] != items[ends - gap])]
            forward = np.full(len(ends), gap**-config.fade, np.float32)
            where = (items[ends - gap], items[ends])
            found = sparse.csr_array((forward, where), shape=shape)
            total = total + found + found.T * np.float32(config.backward)
    return total.tocsr()


def _of_pairs(config: NeighbourConfig) -> tuple[int, float, float]:
    return config.window, config.fade, config.backward
