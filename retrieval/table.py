"""Rows of records: keys, scalars and one space of vectors per field, append-only.

A replaced or deleted record leaves a dead row behind; the mirror rebuilds the table when those
grow many. Because nothing that was written moves, a ``View`` (how many rows there were, and which
of them were alive) stays right for ever: readers take one and need no lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retrieval.base import Hit, Record
from retrieval.columns import Column, evaluate
from retrieval.filter_conditions import Where, read_filter
from retrieval.filters import ATTRS, Kind, Schema
from retrieval.space import GraphConfig, Space


@dataclass(frozen=True, slots=True)
class View:
    """What one reader sees of a table, however it is written to meanwhile."""

    keys: Sequence[str]
    """Key of each row; may be longer than N."""
    columns: Mapping[str, Column]
    """Scalars by name; may be longer than N."""
    spaces: Mapping[str, Space]
    """Vectors by field; may hold rows beyond N."""
    alive: NDArray[np.bool_]
    """Which rows answer, (N,)."""
    declared: Mapping[str, Kind]
    """The declared scalars."""
    config: GraphConfig
    """When a graph serves."""

    @property
    def num_alive(self) -> int:
        """How many records there are."""
        return int(np.count_nonzero(self.alive))

    def admitted(self, where: Where | None) -> NDArray[np.bool_]:
        """Living rows for which a filter holds, (N,).

        Raises:
            FilterError: the filter cannot be understood.
        """
        attrs = {n: c.kinds for n, c in list(self.columns.items()) if n.startswith(ATTRS)}
        tree = read_filter(where, Schema(attrs, self.declared))
        if tree is None:
            return self.alive
        return self.alive & evaluate(tree, self.columns, len(self.alive))

    def nearest(
        self, field: str, query: NDArray[np.float32], limit: int, admitted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Rows nearest to a query (D,), and their scores; see ``Space.nearest``."""
        space = self.spaces.get(field)
        if space is None:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        if query.shape != (space.width,):
            raise ValueError(f"{field} is {space.width} wide: {query.shape = }")
        return space.nearest(np.asarray(query, np.float32), limit, admitted, self.config)

    def scores(
        self, field: str, query: NDArray[np.float32], rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Inner product of a query (D,) with each row (B,); NaN where it has no such vector."""
        scores = np.full(len(rows), np.nan, np.float32)
        space = self.spaces.get(field)
        if space is not None:
            positions = space.positions(rows)
            held = positions >= 0
            scores[held] = space.products(positions[held], query)
        return scores

    def hits(self, rows: NDArray[np.int32], scores: NDArray[np.float32], limit: int) -> list[Hit]:
        """Hits in falling order of score, ties by key."""
        pairs = [Hit(key=self.keys[r], score=float(s)) for r, s in zip(rows, scores, strict=True)]
        return sorted(pairs, key=lambda hit: (-hit.score, hit.key))[:limit]

    def member(self, name: str, values: Sequence[str]) -> NDArray[np.bool_]:
        """Rows whose text scalar is one of these, (N,)."""
        column = self.columns.get(name)
        if column is None:
            return np.zeros(len(self.alive), np.bool_)
        return column.member(values, len(self.alive))

    def texts(self, name: str, rows: NDArray[np.int32]) -> list[str]:
        """Text scalar of each row, empty where it is missing."""
        column = self.columns.get(name)
        if column is None:
            return [""] * len(rows)
        return [str(value or "") for value in column.select(rows)]

    def numbers(self, name: str, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """Number scalar of each row, NaN where it is missing, (B,)."""
        column = self.columns.get(name)
        if column is None or column.numbers is None:
            return np.full(len(rows), np.nan)
        return np.asarray(column.numbers.values[rows], np.float64)


class Table:
    """Records of one kind: the items, or the segments.

    Args:
        declared: the scalars a filter may name, beside attributes.
        config: when a graph serves.
    """

    def __init__(self, declared: Mapping[str, Kind], config: GraphConfig) -> None:
        self.declared, self.config = declared, config
        self.keys: list[str] = []
        self.columns: dict[str, Column] = {}
        self.spaces: dict[str, Space] = {}
        self.alive: NDArray[np.bool_] = np.empty(0, np.bool_)

    @cached_property
    def rows(self) -> dict[str, int]:
        """Living row of each key."""
        return {self.keys[row]: int(row) for row in np.flatnonzero(self.alive)}

    @property
    def stale_share(self) -> float:
        """Share of rows that are dead."""
        return 1 - float(self.alive.mean()) if len(self.alive) else 0.0

    def view(self) -> View:
        """What is there now."""
        return View(
            self.keys, self.columns, dict(self.spaces), self.alive, self.declared, self.config
        )

    def append(self, records: Sequence[Record]) -> None:
        """Add records, each replacing an earlier one of its key.

        Raises:
            ValueError: a vector is not as wide as its field; nothing has been added then.
        """
        records = list({record.key: record for record in records}.values())
        first = len(self.alive)
        vectors = {
            field: self._stacked(field, records, first)
            for field in dict.fromkeys(field for record in records for field in record.vectors)
        }
        alive = np.concatenate([self.alive, np.ones(len(records), np.bool_)])
        alive[self._forget([record.key for record in records])] = False
        self.rows.update({record.key: first + i for i, record in enumerate(records)})
        self.keys.extend(record.key for record in records)
        for name in {name for record in records for name in record.scalars} - set(self.columns):
            self.columns[name] = Column(first)
        for name, column in self.columns.items():
            column.extend([record.scalars.get(name) for record in records])
        for field, (rows, matrix) in vectors.items():
            if field not in self.spaces:
                self.spaces[field] = Space.empty(matrix.shape[1])
            self.spaces[field].extend(rows, matrix)
        # Last, because readers take their number of rows from it.
        self.alive = alive

    def _stacked(
        self, field: str, records: Sequence[Record], first: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Rows and vectors of the records that have this field."""
        held = [(first + i, r) for i, r in enumerate(records) if field in r.vectors]
        width = self.spaces[field].width if field in self.spaces else len(held[0][1].vectors[field])
        for _, record in held:
            if record.vectors[field].shape != (width,):
                raise ValueError(
                    f"{field} is {width} wide: {record.key} {record.vectors[field].shape = }"
                )
        matrix = np.stack([record.vectors[field] for _, record in held])
        return np.array([row for row, _ in held], np.int32), matrix.astype(np.float32)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove records; unknown keys are ignored."""
        dead = self._forget(keys)
        if dead:
            alive = self.alive.copy()
            alive[dead] = False
            self.alive = alive

    def _forget(self, keys: Sequence[str]) -> list[int]:
        """Rows that these keys had."""
        found = (self.rows.pop(key, None) for key in keys)
        return [row for row in found if row is not None]

    def compacted(self) -> Table:
        """A new table of the living rows, without graphs."""
        fresh = Table(self.declared, self.config)
        kept = np.flatnonzero(self.alive)
        renumbered = np.cumsum(self.alive, dtype=np.int32) - 1
        fresh.keys = [self.keys[row] for row in kept]
        for name, column in self.columns.items():
            fresh.columns[name] = Column()
            fresh.columns[name].extend(column.select(kept))
        for field, space in self.spaces.items():
            held = self.alive[space.rows]
            if held.any():
                fresh.spaces[field] = Space.empty(space.width)
                fresh.spaces[field].extend(renumbered[space.rows[held]], space.matrix[held])
        fresh.alive = np.ones(len(kept), np.bool_)
        return fresh
