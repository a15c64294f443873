"""Manifests: parquet, JSONL or CSV, read a row at a time with the line each came from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import IO, Any, cast

from ingest.errors import DecodeError
from ingest.files import open_bytes
from ingest.kinds import extension

MANIFEST_EXTENSIONS = frozenset({"parquet", "jsonl", "ndjson", "csv", "tsv"})
"""Extensions of files that list items."""
MAX_CELL_CHARACTERS = 10_000_000

Row = tuple[int, Mapping[str, Any] | DecodeError]
"""Line number from 1, and the row, or why it cannot be read."""


def is_manifest(uri: str) -> bool:
    """Whether a name is that of a manifest."""
    return extension(uri) in MANIFEST_EXTENSIONS


def read_rows(uri: str) -> Iterator[Row]:
    """Read a manifest, keeping in memory a row, or a batch of rows for parquet.

    Raises:
        DecodeError: ``missing`` or ``bad_metadata``, where the file as a whole cannot be read.
    """
    with open_bytes(uri) as stream:
        kind = extension(uri)
        if kind == "parquet":
            yield from parquet_rows(stream, uri)
        elif kind in {"csv", "tsv"}:
            yield from csv_rows(stream, "\t" if kind == "tsv" else ",")
        else:
            yield from jsonl_rows(stream)


def parquet_rows(stream: IO[bytes], uri: str) -> Iterator[Row]:
    """Read parquet, a batch of rows in memory.

    Raises:
        DecodeError: ``bad_metadata``, where it is not parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(stream)
        line = 0
        for batch in table.iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                line += 1
                yield line, cast("Mapping[str, Any]", row)
    except pa.ArrowException as error:
        raise DecodeError("bad_metadata", f"{uri} is not a readable parquet file") from error


def parquet_columns(stream: IO[bytes], uri: str) -> list[str]:
    """Give the names of a parquet file's columns.

    Raises:
        DecodeError: ``bad_metadata``, where it is not parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.ParquetFile(stream).schema_arrow.names)
    except pa.ArrowException as error:
        raise DecodeError("bad_metadata", f"{uri} is not a readable parquet file") from error


def jsonl_rows(stream: IO[bytes]) -> Iterator[Row]:
    """Read one JSON object a line."""
    for line, data in enumerate(stream, 1):
        if not data.strip():
            continue
        try:
            row = json.loads(data)
        except ValueError as error:
            yield line, DecodeError("bad_metadata", f"the line is not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield line, row
        else:
            yield line, DecodeError("bad_metadata", "the line is not a JSON object")


def csv_rows(stream: IO[bytes], delimiter: str) -> Iterator[Row]:
    """Read cells under the columns that the first line names."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    text = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
    try:
        yield from _csv_rows(csv.reader(text, delimiter=delimiter, strict=True))
    finally:
        text.detach()


def _csv_rows(rows: Any) -> Iterator[Row]:
    header: list[str] | None = None
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield rows.line_num, DecodeError("bad_metadata", f"the line is not CSV ({error})")
            continue
        if header is None:
            header = [name.strip() for name in cells]
        elif len(cells) > len(header):
            reason = f"{len(cells)} cells under {len(header)} columns"
            yield rows.line_num, DecodeError("bad_metadata", reason)
        elif cells:
            yield rows.line_num, dict(zip(header, cells, strict=False))
