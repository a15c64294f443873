"""A plain in-memory index for tests of what writes into one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.base import Hit, Record


class DictIndex:
    """A ``VectorIndex`` over a dictionary; it also counts what was written."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.upserts: list[str] = []

    def upsert(self, records: Sequence[Record]) -> None:
        self.delete([record.key for record in records if "#" not in record.key])
        for record in records:
            self.records[record.key] = record
            self.upserts.append(record.key)

    def delete(self, keys: Sequence[str]) -> None:
        for key in list(self.records):
            if key in keys or key.split("#")[0] in keys:
                del self.records[key]

    def search(
        self, field_name: str, vectors: NDArray[np.float32], limit: int, where: str | None = None
    ) -> list[list[Hit]]:
        assert where is None
        held = [r for r in self.records.values() if field_name in r.vectors]
        answers = []
        for query in vectors:
            hits = [Hit(key=r.key, score=float(r.vectors[field_name] @ query)) for r in held]
            answers.append(sorted(hits, key=lambda hit: (-hit.score, hit.key))[:limit])
        return answers

    @property
    def items(self) -> set[str]:
        return {key for key in self.records if "#" not in key}
