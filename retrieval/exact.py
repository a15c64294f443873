"""Brute force: the oracle that every other index is measured against.

Nothing is clever here on purpose: one dictionary of records, one product per record, and filters
evaluated on columns made afresh for each search.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.base import SEGMENTS, Hit, Record
from retrieval.columns import Column, evaluate
from retrieval.filters import ATTRS, ITEM_SCALARS, SEGMENT_SCALARS, parse


class ExactIndex:
    """A ``VectorIndex`` that compares with everything."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def upsert(self, records: Sequence[Record]) -> None:
        """Insert or replace records; a replaced item loses its segments."""
        self.delete([record.key for record in records if SEGMENTS not in record.vectors])
        self._records.update({record.key: record for record in records})

    def delete(self, keys: Sequence[str]) -> None:
        """Remove items with their segments, or single segments; unknown keys are ignored."""
        gone = set(keys)
        self._records = {
            key: record
            for key, record in self._records.items()
            if key not in gone
            and not (SEGMENTS in record.vectors and key.rsplit("#", 2)[0] in gone)
        }

    def search(
        self, field_name: str, vectors: NDArray[np.float32], limit: int, where: str | None = None
    ) -> list[list[Hit]]:
        """Find the nearest records; see ``VectorIndex.search``."""
        table = [
            r for r in self._records.values() if (SEGMENTS in r.vectors) == (field_name == SEGMENTS)
        ]
        mask = self._mask(table, field_name, where)
        chosen = [r for r, ok in zip(table, mask, strict=True) if ok and field_name in r.vectors]
        answers = []
        for query in vectors:
            scores = [
                float(np.einsum("pd,d->p", r.vectors[field_name][None], query)[0]) for r in chosen
            ]
            hits = [Hit(key=r.key, score=s) for r, s in zip(chosen, scores, strict=True)]
            answers.append(sorted(hits, key=lambda hit: (-hit.score, hit.key))[:limit])
        return answers

    def _mask(
        self, table: Sequence[Record], field_name: str, where: str | None
    ) -> NDArray[np.bool_]:
        if where is None or not where.strip():
            return np.ones(len(table), np.bool_)
        columns = {name: Column() for record in table for name in record.scalars}
        for name, column in columns.items():
            column.extend([record.scalars.get(name) for record in table])
        attrs = {name: c.kinds for name, c in columns.items() if name.startswith(ATTRS)}
        declared = SEGMENT_SCALARS if field_name == SEGMENTS else ITEM_SCALARS
        return evaluate(parse(where, attrs, declared), columns, len(table))
