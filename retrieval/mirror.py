"""The serving index: what the durable store holds, in this process, ready to answer.

A store of record need not be quick; this answers from memory, or from a memory-mapped snapshot that
opens in a fraction of a second. Choices a reader would question:
- searches take a ``View`` and no lock; writers take turns. A search sees each write wholly or not
  at all, and the long work (building graphs) is done beside both;
- an item owns its segments: replacing or deleting an item drops those it had, so segments come in
  the same call as their item, or after it;
- graphs are built by ``compact``, which a batch job calls at its end and a service now and then;
  until then new rows are searched exactly.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.base import SEGMENTS, Hit, Record
from retrieval.filters import ITEM_SCALARS, SEGMENT_SCALARS
from retrieval.snapshot import read_snapshot, write_snapshot
from retrieval.space import GraphConfig, build_graph, extend_graph
from retrieval.table import Table, View

STALE_SHARE = 0.2
"""A table with more dead rows than this is rebuilt by ``compact``."""
TAIL_ROWS = 2_000
"""A graph with more rows behind it than this is extended by ``compact``."""


class Mirror:
    """A ``VectorIndex`` in memory.

    Args:
        config: when and how hard graphs look.
        version: stamp of the store's state that this mirrors.
    """

    def __init__(self, config: GraphConfig | None = None, version: int = 0) -> None:
        self.config = config or GraphConfig()
        self.version = version
        self._items = Table(ITEM_SCALARS, self.config)
        self._segments = Table(SEGMENT_SCALARS, self.config)
        self._children: dict[str, set[str]] | None = None
        self._writing = threading.RLock()

    @classmethod
    def load(
        cls, folder: Path, version: int | None = None, config: GraphConfig | None = None
    ) -> Mirror | None:
        """Open a snapshot.

        Args:
            folder: where ``save`` wrote it.
            version: the stamp it must carry; none for any.
            config: when and how hard graphs look.

        Returns:
            The mirror, or none where there is no whole snapshot with this stamp.
        """
        mirror = cls(config)
        found = read_snapshot(folder, [mirror._items, mirror._segments], version)
        if found is None:
            return None
        mirror.version = found
        return mirror

    def save(self, folder: Path) -> None:
        """Compact, and write a snapshot that replaces the folder's earlier one in one step.

        Raises:
            IndexUnavailableError: the folder cannot be written; the earlier snapshot is untouched.
        """
        self.compact()
        with self._writing:
            write_snapshot(folder, [self._items, self._segments], self.version)

    @property
    def items(self) -> View:
        """The items as they are now."""
        return self._items.view()

    @property
    def segments(self) -> View:
        """The segments as they are now."""
        return self._segments.view()

    def __len__(self) -> int:
        return self.items.num_alive

    def upsert(self, records: Sequence[Record]) -> None:
        """Insert or replace records; doing it twice changes nothing.

        Raises:
            ValueError: a vector is not as wide as its field.
        """
        items = [_named(r, r.key) for r in records if SEGMENTS not in r.vectors]
        segments = [_named(r, owner(r.key)) for r in records if SEGMENTS in r.vectors]
        with self._writing:
            if items:
                self._drop_segments(record.key for record in items)
                self._items.append(items)
            if segments:
                children = self._owned_segments()
                self._segments.append(segments)
                for record in segments:
                    children.setdefault(owner(record.key), set()).add(record.key)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove items with their segments, or single segments; unknown keys are ignored."""
        with self._writing:
            self._drop_segments(keys)
            self._items.delete(keys)
            self._segments.delete(keys)

    def _drop_segments(self, item_ids: Iterable[str]) -> None:
        children = self._owned_segments()
        self._segments.delete([key for item in item_ids for key in children.pop(item, ())])

    def _owned_segments(self) -> dict[str, set[str]]:
        """Keys of each item's segments; put together at the first write."""
        if self._children is None:
            self._children = {}
            for key in self._segments.rows:
                self._children.setdefault(owner(key), set()).add(key)
        return self._children

    def search(
        self, field_name: str, vectors: NDArray[np.float32], limit: int, where: str | None = None
    ) -> list[list[Hit]]:
        """Find the nearest records; see ``VectorIndex.search``.

        Raises:
            FilterError: the filter cannot be understood.
        """
        view = self.segments if field_name == SEGMENTS else self.items
        admitted = view.admitted(where)
        found = (view.nearest(field_name, vector, limit, admitted) for vector in vectors)
        return [view.hits(rows, scores, limit) for rows, scores in found]

    def vectors(self, item_id: str) -> dict[str, NDArray[np.float32]]:
        """Every vector of an item by field; none where it is not held."""
        row = self._items.rows.get(item_id)
        if row is None:
            return {}
        found = {}
        for field, space in self._items.spaces.items():
            [position] = space.positions(np.array([row], np.int32))
            if position >= 0:
                found[field] = np.array(space.matrix[position])
        return found

    def sample(
        self, field_name: str, most: int, seed: int = 0
    ) -> tuple[list[str], NDArray[np.float32]]:
        """Draw living records of a field.

        Args:
            field_name: one of the fields; an unknown one has no records.
            most: how many at most.
            seed: of the draw.

        Returns:
            The item of each record, and the vectors (B, D).
        """
        view = self.segments if field_name == SEGMENTS else self.items
        space = view.spaces.get(field_name)
        if space is None:
            return [], np.empty((0, 0), np.float32)
        rows = space.rows
        rows = rows[: np.searchsorted(rows, len(view.alive))]
        positions = np.flatnonzero(view.alive[rows])
        if len(positions) > most:
            drawn = np.random.default_rng(seed).choice(len(positions), most, replace=False)
            positions = positions[np.sort(drawn)]
        keys = [view.keys[row] for row in rows[positions]]
        owners = [owner(key) for key in keys] if field_name == SEGMENTS else keys
        return owners, np.array(space.matrix[positions])

    def compact(self) -> None:
        """Drop dead rows where they are many, and build or extend graphs where they pay."""
        with self._writing:
            if self._items.stale_share > STALE_SHARE:
                self._items = self._items.compacted()
            if self._segments.stale_share > STALE_SHARE:
                self._segments = self._segments.compacted()
            tables = [self._items, self._segments]
        for table in tables:
            for space in list(table.spaces.values()):
                # A space only grows, so a graph of its first positions is right whenever it comes.
                matrix, graph = space.matrix, space.graph
                if graph is None and len(matrix) > self.config.exact_rows:
                    space.graph = build_graph(matrix, self.config)
                elif graph is not None and len(matrix) > graph.size + TAIL_ROWS:
                    space.graph = extend_graph(graph, matrix, self.config)


def _named(record: Record, item_id: str) -> Record:
    """The record with its item among its scalars."""
    return replace(record, scalars={**record.scalars, "item_id": item_id})


def owner(key: str) -> str:
    """The item that a segment's key ``ITEM_ID#MODALITY#NUMBER`` belongs to."""
    return key.rsplit("#", 2)[0]
