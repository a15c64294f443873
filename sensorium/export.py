"""Items with their metadata and joint vectors, in files that other programs read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.errors import SensoriumError
from ingest.item import Item
from ray_jobs.manifest import Indexed
from retrieval.base import JOINT
from retrieval.mirror import Mirror
from sensorium.workspace import Generation, Workspace


class ExportError(SensoriumError):
    """The file cannot be written as asked."""

    code = "export"


def write_items(
    out: Path, workspace: Workspace, generation: Generation, mirror: Mirror | None
) -> int:
    """Write every indexed item.

    Args:
        out: ``.parquet`` (vectors as fixed_size_list<float16>, models in the metadata) or
            ``.jsonl``.
        workspace: the library.
        generation: whose vectors and states are written.
        mirror: where the joint vectors are; None leaves them out.

    Returns:
        How many items were written.

    Raises:
        ExportError: another extension, or the file cannot be written.
    """
    try:
        if out.suffix == ".jsonl":
            return _write_jsonl(out, _pages(workspace, generation, mirror))
        if out.suffix == ".parquet":
            width = mirror.items.spaces[JOINT].width if mirror else 0
            schema = _schema(generation, width)
            return _write_parquet(out, schema, _pages(workspace, generation, mirror))
    except OSError as error:
        raise ExportError(f"cannot write {out}: {error.strerror}", "check the folder") from error
    raise ExportError(f"cannot write {out.name}", "name a .parquet or a .jsonl file")


def _pages(
    workspace: Workspace, generation: Generation, mirror: Mirror | None
) -> Iterator[list[dict[str, Any]]]:
    for page in workspace.manifest.indexed_pages(generation.name):
        items = workspace.catalogue.get([mark.item_id for mark in page])
        yield [_row(items[mark.item_id], mark, mirror) for mark in page if mark.item_id in items]


def _row(item: Item, mark: Indexed, mirror: Mirror | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "item_id": item.item_id,
        "uri": item.uri,
        "media": [medium.uri for medium in item.media],
        "title": item.title,
        "text": item.text,
        "tags": list(item.tags),
        "created_at": item.created_at,
        "creator_id": item.creator_id,
        "lang": item.lang,
        "attrs": json.dumps(dict(item.attrs), sort_keys=True),
        "state": mark.state,
        "duplicate_of": mark.duplicate_of,
        "modality_weights": json.dumps(dict(mark.modality_weights), sort_keys=True),
    }
    if mirror is not None:
        row["vector"] = mirror.vectors(item.item_id).get(JOINT)
    return row


def _write_jsonl(out: Path, pages: Iterator[list[dict[str, Any]]]) -> int:
    count = 0
    with out.open("w", encoding="utf-8") as file:
        for page in pages:
            for row in page:
                vector: NDArray[np.float32] | None = row.get("vector")
                if vector is not None:
                    row["vector"] = [round(float(value), 6) for value in vector]
                file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
            count += len(page)
    return count


def _write_parquet(out: Path, schema: Any, pages: Iterator[list[dict[str, Any]]]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = 0
    with pq.ParquetWriter(out, schema) as writer:
        for page in pages:
            for row in page:
                if row.get("vector") is not None:
                    row["vector"] = row["vector"].astype(np.float16)
            writer.write_table(pa.Table.from_pylist(page, schema))
            count += len(page)
    return count


def _schema(generation: Generation, width: int) -> Any:
    import pyarrow as pa

    texts = ("item_id", "uri", "title", "text", "creator_id", "lang", "attrs", "state")
    fields = [
        *((name, pa.string()) for name in (*texts, "duplicate_of", "modality_weights")),
        ("media", pa.list_(pa.string())),
        ("tags", pa.list_(pa.string())),
        ("created_at", pa.timestamp("us", tz="UTC")),
        *([("vector", pa.list_(pa.float16(), width))] if width else []),
    ]
    metadata = {"sensorium_generation": generation.name, **generation.made_by}
    return pa.schema(fields, metadata=metadata)
