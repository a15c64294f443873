"""Files of events, read a row at a time: what each row says, or why it says nothing.

CSV, JSONL and parquet, plain or in gzip. Memory holds one row, or a batch of rows for parquet,
however long the file is. A row that cannot be read is given with its reason, and the next follows.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, cast

from ingest.errors import DecodeError
from ingest.event import Event, EventError
from ingest.event_layouts import MIND, SEQUENCES, Layout
from ingest.event_recognition import (
    EventFileError,
    adapt,
    check_choices,
    layout_of_columns,
    layout_of_lines,
)
from ingest.event_records import parse_event
from ingest.event_sequences import first_impression, impression_events, sequence_events
from ingest.files import absolute, look_up, open_bytes
from ingest.manifest_file import Row, csv_rows, jsonl_rows, parquet_columns, parquet_rows

HEAD_BYTES = 1 << 16
"""How much of a file is looked at to recognise it."""
HEAD_LINES = 100
"""Most lines among that."""
GZIP_START = b"\x1f\x8b"
PARQUET_START = b"PAR1"
DELIMITERS = (",", "\t", ";", "|")

Cut = Callable[[IO[bytes]], Iterator[Row]]
"""Cuts a file into rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One row of a file."""

    line: int
    """Line, or row for parquet, from 1."""
    cells: Mapping[str, Any]
    """What stands in it by column; empty where it cannot be cut into cells."""
    events: tuple[Event, ...] = ()
    """What it says."""
    reason: str = ""
    """Why it says nothing; empty for a good row."""


class EventFile:
    """A file of events.

    Args:
        uri: path or URI.
        layout: name of its layout, or auto.
        mapping: field by column, over those of the layout.
        event_type: type of rows that name none; empty for the layout's.

    Raises:
        EventFileError: its layout is not known, or a column is missing.
        DecodeError: it cannot be opened.
    """

    def __init__(
        self,
        uri: str,
        layout: str = "auto",
        mapping: Mapping[str, str] | None = None,
        event_type: str = "",
    ) -> None:
        chosen = dict(mapping or {})
        check_choices(layout, chosen)
        self.uri = absolute(uri)
        self.size_bytes = look_up(self.uri).size_bytes
        columns, found, self._rows = self._recognise(layout)
        self._source: IO[bytes] | None = None
        self.layout = adapt(found, columns, chosen, event_type.strip().lower())

    @property
    def done_ratio(self) -> float:
        """Share of the file that has been read, 0 to 1."""
        if self._source is None:
            return 0.0
        return 1.0 if self._source.closed else self._source.tell() / max(self.size_bytes, 1)

    def __iter__(self) -> Iterator[EventRow]:
        """Read the rows in order.

        Raises:
            DecodeError: the file cannot be read on; what was given before stands.
        """
        read = self._reader()
        with self._open() as stream:
            for line, row in self._rows(stream):
                if isinstance(row, DecodeError):
                    yield EventRow(line=line, cells={}, reason=row.sentence)
                    continue
                try:
                    yield EventRow(line=line, cells=row, events=tuple(read(row)))
                except EventError as error:
                    yield EventRow(line=line, cells=row, reason=error.sentence)

    def _recognise(self, name: str) -> tuple[Sequence[str], Layout | None, Cut]:
        """Give the file's columns, its layout where that is known, and how to cut it into rows."""
        with self._open() as stream:
            head = stream.read(HEAD_BYTES)
            if head.startswith(PARQUET_START):
                columns, rows = (
                    parquet_columns(stream, self.uri),
                    partial(parquet_rows, uri=self.uri),
                )
                return columns, layout_of_columns(columns, name), rows
        lines = _whole_lines(head)
        if not lines:
            raise EventFileError(f"{self.uri} is empty", "name a file with events")
        if lines[0].lstrip().startswith("{"):
            columns = _keys(lines)
            found = layout_of_columns(columns, name)
            # Keys that first come further down are expected, too.
            return [*columns, *(found.columns if found else ())], found, jsonl_rows
        delimiter = max(DELIMITERS, key=lines[0].count)
        columns = [cell.strip() for cell in next(csv.reader(lines, delimiter=delimiter))]
        found = layout_of_columns(columns, name)
        shaped = layout_of_lines(lines, name) if found is None else None
        if shaped is not None:
            return shaped.header, shaped, partial(_line_rows, layout=shaped)
        return columns, found, partial(csv_rows, delimiter=delimiter)

    def _reader(self) -> Callable[[Mapping[str, Any]], Iterable[Event]]:
        """Give what reads the events of a row."""
        event_type = self.layout.event_type
        if self.layout.name == SEQUENCES:
            return partial(sequence_events, event_type=event_type)
        if self.layout.name == MIND:
            with self._open() as stream:
                rows = (row for _, row in self._rows(stream) if not isinstance(row, DecodeError))
                first = first_impression(rows)
            return partial(impression_events, event_type=event_type, first=first)
        columns = tuple(self.layout.columns.items())
        return lambda row: (
            parse_event({field: row.get(column) for column, field in columns}, event_type),
        )

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        with open_bytes(self.uri) as source:
            self._source = source
            compressed = source.read(len(GZIP_START)) == GZIP_START
            source.seek(0)
            if not compressed:
                yield source
                return
            try:
                with gzip.GzipFile(fileobj=source) as stream:
                    yield cast("IO[bytes]", stream)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise DecodeError(
                    "truncated",
                    f"{self.uri} is damaged: {error}",
                    "fetch it again and import it again: what was read counts once",
                ) from error


def _line_rows(stream: IO[bytes], layout: Layout) -> Iterator[Row]:
    """Cut lines whose columns have no names, and no quotes."""
    header = layout.header
    for line, data in enumerate(stream, 1):
        text = data.decode("utf-8", "replace").strip("\r\n")
        if not text.strip():
            continue
        most = -1 if layout.delimiter else len(header) - 1
        cells = text.split(layout.delimiter, most)
        if len(cells) == len(header):
            yield line, dict(zip(header, cells, strict=True))
        else:
            reason = f"{len(cells)} cells instead of {len(header)}: {', '.join(header)}"
            yield line, DecodeError("bad_metadata", reason)


def _whole_lines(head: bytes) -> list[str]:
    """Give the first lines; one that the head cuts off is left out where there are others."""
    lines = head.decode("utf-8-sig", "replace").splitlines()
    if len(head) == HEAD_BYTES and len(lines) > 1:
        del lines[-1]
    return [line for line in lines if line.strip()][:HEAD_LINES]


def _keys(lines: Sequence[str]) -> list[str]:
    """Give the keys of the JSON objects among lines."""
    keys: dict[str, None] = {}
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            keys.update(dict.fromkeys(row))
    return list(keys)
