"""The durable index: Milvus Lite in a folder, or a Milvus server by URI, through one client.

Choices a reader would question:
- one collection per field, because a server allows few vector fields per collection (one before
  2.4, four by default since) and every row must fill them all, while an item lacks some views;
- the scalars are one JSON column. Lite and servers since 2.3 filter on its keys; attributes are
  stored under their kind as well, so that a comparison never meets another type;
- the row in ``joint`` is an item's anchor: it is written first and removed last, and lists the
  fields and segments that the item has. So what a crash leaves is found again, and replacing an
  item never has to look through the store, which Lite does row by row in Python;
- an item's segments come in the same call as the item;
- Lite keeps plain rows (FLAT): the mirror serves, and a graph would slow writing down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.base import JOINT, SEGMENTS, Hit, IndexUnavailableError, Record, Scalar
from retrieval.connection import connect, disconnect, is_local, translated
from retrieval.filter_milvus import to_milvus
from retrieval.filters import (
    ATTRS,
    ITEM_SCALARS,
    SEGMENT_SCALARS,
    Kind,
    is_missing,
    kind_of,
    parse,
)

WRITE_ROWS = 500
"""Rows in one message: about 1 MB at 512 wide."""
SCAN_ROWS = 4096
"""Rows in one page of a scan. Lite sorts every key for each page, so small pages are slow."""
KEY_BYTES = 4096
"""Longest key."""
_HELD = "_held"
"""Scalar of the anchor that lists the item's fields."""
_MOMENTS = "_segments"
"""Scalar of the anchor that lists the item's segments."""


class MilvusIndex:
    """A ``VectorIndex`` that lasts.

    Args:
        uri: path of a Milvus Lite folder, ending in ``.db``, or a server's ``http(s)://`` URI.
        generation: name of the set of vectors; each has collections of its own.
        widths: length of the vectors per field; must hold ``joint``.
        token: ``user:password`` or API key of a server.

    Raises:
        IndexUnavailableError: it cannot be opened, or holds vectors of other widths.
    """

    def __init__(
        self, uri: str, generation: str, widths: Mapping[str, int], token: str = ""
    ) -> None:
        if JOINT not in widths:
            raise ValueError(f"a generation has a {JOINT} field: {sorted(widths) = }")
        if not generation.isidentifier() or not generation.isascii():
            raise ValueError(f"a generation's name is a plain word: {generation!r}")
        self.uri = str(Path(uri).absolute()) if is_local(uri) else uri
        self._generation, self.widths = generation, dict(widths)
        self._client: Any = connect(self.uri, token)
        try:
            with translated(self.uri):
                for field, width in self.widths.items():
                    self._open(field, width)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the store; doing it twice is fine."""
        if self._client is not None:
            disconnect(self.uri, self._client)
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def upsert(self, records: Sequence[Record]) -> None:
        """Insert or replace items with their segments; doing it twice changes nothing.

        Raises:
            ValueError: an item has no joint vector.
            IndexUnavailableError: the store cannot be written.
        """
        records = list({record.key: record for record in records}.values())
        segments: dict[str, list[str]] = {}
        for record in records:
            if SEGMENTS in record.vectors:
                segments.setdefault(record.key.rsplit("#", 2)[0], []).append(record.key)
            elif JOINT not in record.vectors:
                raise ValueError(f"{record.key} has no {JOINT} vector")
        rows: dict[str, list[dict[str, Any]]] = {JOINT: []}
        for record in records:
            scalars = _stored(record.scalars)
            for field, vector in record.vectors.items():
                row = {"key": record.key, "vector": vector, "scalars": scalars}
                rows.setdefault(field, []).append(row)
            if JOINT in record.vectors:
                held = sorted(set(record.vectors) - {JOINT})
                listed = {_HELD: held, _MOMENTS: segments.get(record.key, [])}
                rows[JOINT][-1]["scalars"] = scalars | listed
        with translated(self.uri):
            self._remove_leftovers({row["key"]: row["scalars"] for row in rows[JOINT]})
            # The anchor first: what follows can then be found, whatever happens in between.
            for field, batch in rows.items():
                for start in range(0, len(batch), WRITE_ROWS):
                    self._client.upsert(self._name(field), batch[start : start + WRITE_ROWS])

    def delete(self, keys: Sequence[str]) -> None:
        """Remove items with their segments, or single segments; unknown keys are ignored."""
        with translated(self.uri):
            anchors = self._anchors(keys)
            self._remove_leftovers({key: {_HELD: [], _MOMENTS: []} for key in anchors})
            self._remove(SEGMENTS, [key for key in keys if key not in anchors])
            self._remove(JOINT, list(anchors))

    def search(
        self, field_name: str, vectors: NDArray[np.float32], limit: int, where: str | None = None
    ) -> list[list[Hit]]:
        """Find the nearest records; see ``VectorIndex.search``.

        Raises:
            FilterError: the filter cannot be understood.
            IndexUnavailableError: the store does not answer.
        """
        declared = SEGMENT_SCALARS if field_name == SEGMENTS else ITEM_SCALARS
        tree = parse(where, None, declared) if where and where.strip() else None
        with translated(self.uri):
            answers = self._client.search(
                self._name(field_name),
                data=list(vectors),
                limit=limit,
                filter=to_milvus(tree, _path) if tree else "",
                search_params={"metric_type": "IP", "params": {"ef": max(128, 2 * limit)}},
            )
        found = [[Hit(key=hit.id, score=float(hit.distance)) for hit in hits] for hits in answers]
        return [sorted(hits, key=lambda hit: (-hit.score, hit.key)) for hits in found]

    def scan(
        self, field_name: str
    ) -> Iterator[tuple[list[str], NDArray[np.float32], list[dict[str, Scalar]]]]:
        """Read a field whole, a page at a time.

        Yields:
            Keys, unit vectors (B, D) and scalars of some records.

        Raises:
            IndexUnavailableError: the store cannot be read.
        """
        with translated(self.uri):
            pages = self._client.query_iterator(
                self._name(field_name),
                batch_size=SCAN_ROWS,
                output_fields=["key", "vector", "scalars"],
            )
            try:
                while page := pages.next():
                    vectors = np.array([row["vector"] for row in page], np.float32)
                    yield [r["key"] for r in page], vectors, [_read(r["scalars"]) for r in page]
            finally:
                pages.close()

    def records(self) -> Iterator[list[Record]]:
        """Read everything as ``upsert`` takes it, in batches: items first, then segments.

        Vectors of the fields other than ``joint`` are fetched by key, so that no more than a page
        is held at once.
        """
        others = [field for field in self.widths if field not in (JOINT, SEGMENTS)]
        for keys, vectors, scalars in self.scan(JOINT):
            held: dict[str, dict[str, NDArray[np.float32]]] = {
                key: {JOINT: vector} for key, vector in zip(keys, vectors, strict=True)
            }
            with translated(self.uri):
                for field in others:
                    for row in self._get(field, keys, ["key", "vector"]):
                        held[row["key"]][field] = np.array(row["vector"], np.float32)
            yield [
                Record(key=key, vectors=held[key], scalars=values)
                for key, values in zip(keys, scalars, strict=True)
            ]
        if SEGMENTS in self.widths:
            for keys, vectors, scalars in self.scan(SEGMENTS):
                yield [
                    Record(key=key, vectors={SEGMENTS: vector}, scalars=values)
                    for key, vector, values in zip(keys, vectors, scalars, strict=True)
                ]

    def count(self, field_name: str = JOINT) -> int:
        """How many records a field holds."""
        with translated(self.uri):
            rows = self._client.query(self._name(field_name), output_fields=["count(*)"])
            return int(rows[0]["count(*)"])

    def flush(self) -> None:
        """Have everything written to its final files; a crash loses nothing without it."""
        with translated(self.uri):
            for field in self.widths:
                self._client.flush(self._name(field))

    def drop(self) -> None:
        """Remove this generation for good."""
        with translated(self.uri):
            for field in self.widths:
                self._client.drop_collection(self._name(field))

    def _name(self, field: str) -> str:
        if field not in self.widths:
            raise ValueError(f"no field {field!r} in this generation: {sorted(self.widths) = }")
        kind = SEGMENTS if field == SEGMENTS else f"items_{field}"
        return f"sensorium_{self._generation}_{kind}"

    def _open(self, field: str, width: int) -> None:
        name = self._name(field)
        if not self._client.has_collection(name):
            self._create(name, width)
        about = self._client.describe_collection(name)
        stored = next(f["params"]["dim"] for f in about["fields"] if f["name"] == "vector")
        if int(stored) != width:
            raise IndexUnavailableError(
                f"the index holds {field} vectors {stored} wide, and these encoders make {width}",
                "index with --reembed to build a new generation beside it",
            )
        self._client.load_collection(name)

    def _create(self, name: str, width: int) -> None:
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=KEY_BYTES)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=width)
        schema.add_field("scalars", DataType.JSON)
        index = self._client.prepare_index_params()
        if is_local(self.uri):
            index.add_index("vector", index_type="FLAT", metric_type="IP")
        else:
            index.add_index(
                "vector",
                index_type="HNSW",
                metric_type="IP",
                params={"M": 16, "efConstruction": 200},
            )
        self._client.create_collection(name, schema=schema, consistency_level="Strong")
        # The client would sleep half a second before it looked whether the index is there.
        self._client.create_index(name, index, sync=False)

    def _anchors(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Scalars of the items among these keys that are there."""
        return {row["key"]: row["scalars"] for row in self._get(JOINT, keys, ["key", "scalars"])}

    def _get(self, field: str, keys: Sequence[str], columns: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for start in range(0, len(keys), WRITE_ROWS):
            batch = list(keys[start : start + WRITE_ROWS])
            found += self._client.get(self._name(field), ids=batch, output_fields=columns)
        return found

    def _remove_leftovers(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        """Remove what these items had in fields and segments that they no longer have."""
        leftovers: dict[str, list[str]] = {}
        for key, old in self._anchors(list(wanted)).items():
            for field in set(old.get(_HELD, [])) - set(wanted[key][_HELD]):
                leftovers.setdefault(field, []).append(key)
            gone = set(old.get(_MOMENTS, [])) - set(wanted[key][_MOMENTS])
            leftovers.setdefault(SEGMENTS, []).extend(gone)
        for field, keys in leftovers.items():
            self._remove(field, keys)

    def _remove(self, field: str, keys: Sequence[str]) -> None:
        if field in self.widths:
            for start in range(0, len(keys), WRITE_ROWS):
                batch = list(keys[start : start + WRITE_ROWS])
                self._client.delete(self._name(field), ids=batch)


def _stored(scalars: Mapping[str, Scalar]) -> dict[str, Any]:
    stored: dict[str, Any] = {"tags": []}
    for name, value in scalars.items():
        if isinstance(value, tuple):
            stored[name] = list(value)
        elif value is not None and not is_missing(value):
            stored[f"{kind_of(value)}:{name}" if name.startswith(ATTRS) else name] = value
    return stored


def _read(stored: Mapping[str, Any]) -> dict[str, Scalar]:
    return {
        name.partition(":")[2] if f":{ATTRS}" in name else name: tuple(value)
        if isinstance(value, list)
        else value
        for name, value in stored.items()
        if name not in (_HELD, _MOMENTS)
    }


def _path(field: str, kind: Kind) -> str:
    name = f"{kind}:{field}" if field.startswith(ATTRS) else field
    return f"scalars[{json.dumps(name, ensure_ascii=False)}]"
