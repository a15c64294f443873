"""Events of a workspace: imported from files, looked at before, counted afterwards."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ingest.errors import DecodeError
from ingest.event import Event
from ingest.event_counts import EventCounts
from ingest.event_files import EventFile, EventRow
from ingest.event_log import EventLog
from ingest.event_recognition import EventFileError
from ingest.event_records import is_absent
from ingest.event_rules import EventRules

BATCH = 10_000
"""Events appended in one transaction."""
SHOWN = 10
"""Events that a preview shows."""
EXAMPLES = 12
"""Rejected rows that a report shows; the file of rejects has them all."""

Show = Callable[[float, int], None]
"""Takes the share of the file that is read, 0 to 1, and the number of events so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """A file of events, and how to read it."""

    file: str
    """Path or URI."""
    layout: str = "auto"
    """Name of its layout."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Field by column, over those of the layout."""
    event_type: str = ""
    """Type of rows that name none; empty for the layout's."""

    def open(self) -> EventFile:
        """Recognise the file; see ``EventFile`` for what may be wrong with it."""
        return EventFile(self.file, self.layout, self.mapping, self.event_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """One row that says nothing."""

    line: int
    """Line in the file, from 1."""
    reason: str
    """One sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventImport:
    """What an import did."""

    file: str
    """What was read."""
    layout: str
    """What it was recognised as."""
    rows: int
    """Rows in it."""
    accepted: int
    """Events that are new."""
    duplicates: int
    """Events that were there before, or stand in the file twice."""
    rejected: int
    """Rows that say nothing."""
    examples: tuple[RejectedRow, ...]
    """The first of those."""
    rejects_file: str
    """Where they all are; empty where there are none."""
    weightless_types: Mapping[str, int]
    """Events by type, of types that no rule speaks of: kept, and counted as nothing."""
    seconds: float
    """Wall time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPreview:
    """What an import would read."""

    file: str
    """What was read."""
    layout: str
    """What it was recognised as."""
    columns: Mapping[str, str]
    """Field by column."""
    event_type: str
    """Type of rows that name none; empty where rows name theirs."""
    rows: int
    """Rows in it."""
    events: int
    """Events in them."""
    first: tuple[Event, ...]
    """The first events."""
    nulls: Mapping[str, int]
    """Rows without a value, by column."""
    rejected: int
    """Rows that would be rejected."""
    examples: tuple[RejectedRow, ...]
    """The first of those."""
    weightless_types: Mapping[str, int]
    """Events by type, of types that no rule speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStatus:
    """What the log holds."""

    counts: EventCounts
    """Events by type, users, items, span."""
    weightless_types: Mapping[str, int]
    """Those of types that no rule speaks of."""


class _Tally:
    """What the rows of a file amount to."""

    def __init__(self, rules: EventRules) -> None:
        self._rules = rules
        self._types: Counter[str] = Counter()
        self.rows = 0
        self.rejected = 0
        self.examples: list[RejectedRow] = []

    def add(self, row: EventRow) -> None:
        self.rows += 1
        for event in row.events:
            self._types[event.event_type] += 1
        if row.reason:
            self.rejected += 1
            if len(self.examples) < EXAMPLES:
                self.examples.append(RejectedRow(line=row.line, reason=row.reason))

    @property
    def events(self) -> int:
        return self._types.total()

    @property
    def weightless_types(self) -> dict[str, int]:
        return weightless(self._types, self._rules)


def import_events(
    log: EventLog, source: EventSource, rules: EventRules, rejects: Path, show: Show
) -> EventImport:
    """Append the events of a file; doing it twice adds nothing.

    Args:
        log: where they go.
        source: what to read.
        rules: which types are known.
        rejects: file for rows that say nothing; made where there are some.
        show: told how far it is after every batch.

    Raises:
        EventFileError: the layout is not known, or the rejects cannot be written.
        DecodeError: the file cannot be opened, or is damaged; what came before that is kept.
    """
    started = time.monotonic()
    file, tally = source.open(), _Tally(rules)
    accepted = duplicates = 0
    with _rejects_file(rejects) as reject:
        for batch in _batches(file, tally, reject):
            done = log.append(batch)
            accepted += done.accepted
            duplicates += done.duplicates
            show(file.done_ratio, tally.events)
    return EventImport(
        file=file.uri,
        layout=file.layout.name,
        rows=tally.rows,
        accepted=accepted,
        duplicates=duplicates,
        rejected=tally.rejected,
        examples=tuple(tally.examples),
        rejects_file=str(rejects) if tally.rejected else "",
        weightless_types=tally.weightless_types,
        seconds=time.monotonic() - started,
    )


def preview_events(source: EventSource, rules: EventRules, show: Show) -> EventPreview:
    """Read a file to its end and write nothing.

    Raises:
        EventFileError: the layout is not known.
        DecodeError: the file cannot be opened, or is damaged.
    """
    file, tally = source.open(), _Tally(rules)
    first: list[Event] = []
    filled: Counter[str] = Counter()
    for row in file:
        tally.add(row)
        first += row.events[: SHOWN - len(first)]
        filled.update([name for name, value in row.cells.items() if not is_absent(value)])
        if tally.rows % BATCH == 0:
            show(file.done_ratio, tally.events)
    columns = file.layout.columns
    names_type = "event_type" in columns.values()
    return EventPreview(
        file=file.uri,
        layout=file.layout.name,
        columns=columns,
        event_type="" if names_type else file.layout.event_type,
        rows=tally.rows,
        events=tally.events,
        first=tuple(first),
        nulls={name: tally.rows - filled[name] for name in dict.fromkeys([*columns, *filled])},
        rejected=tally.rejected,
        examples=tuple(tally.examples),
        weightless_types=tally.weightless_types,
    )


def event_status(log: EventLog, rules: EventRules) -> EventStatus:
    """Count what the log holds."""
    counts = log.counts()
    return EventStatus(counts=counts, weightless_types=weightless(counts.by_type, rules))


def weightless(types: Mapping[str, int], rules: EventRules) -> dict[str, int]:
    """Give the types that no rule speaks of, with their events."""
    return {name: count for name, count in types.items() if not rules.knows(name)}


def _batches(
    file: EventFile, tally: _Tally, reject: Callable[[EventRow], None]
) -> Iterator[list[Event]]:
    """Collect events for one transaction each; a damaged file gives what came before."""
    batch: list[Event] = []
    try:
        for row in file:
            tally.add(row)
            if row.reason:
                reject(row)
            batch += row.events
            if len(batch) >= BATCH:
                yield batch
                batch = []
    except DecodeError:
        yield batch
        raise
    yield batch


@contextmanager
def _rejects_file(path: Path) -> Iterator[Callable[[EventRow], None]]:
    """Give a function that writes a rejected row; the file is made with the first."""
    stream: IO[str] | None = None

    def write(row: EventRow) -> None:
        nonlocal stream
        if stream is None:
            stream = path.open("w", encoding="utf-8")
        entry = {"line": row.line, "reason": row.reason, "row": dict(row.cells)}
        stream.write(json.dumps(entry, default=str) + "\n")

    try:
        yield write
    except OSError as error:
        if error.filename != str(path):
            raise
        raise EventFileError(
            f"cannot write {path}: {error.strerror}", "name another file with --rejects"
        ) from error
    finally:
        if stream is not None:
            stream.close()
