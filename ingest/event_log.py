"""Every event once, in the order they came: the log that histories and training are read from.

It lies in the workspace's database. Rows are only added, and only ``erase`` takes any away. What
``append`` has returned for is on the disk: SQLite syncs these transactions, whatever it does for
others. On PostgreSQL writers take turns, so that sequence numbers become visible in order, and a
reader who goes on from the last one it saw misses nothing; SQLite has one writer in any case.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Text,
    bindparam,
    delete,
    distinct,
    func,
    select,
    tuple_,
)

from ingest.catalogue import items_table
from ingest.database import write_back
from ingest.event import EPOCH, MICROSECOND, Event, from_microseconds
from ingest.event_counts import Appended, EventCounts, UserActivity
from ingest.event_rules import EventRules

METADATA = MetaData()

# Byte order everywhere: both databases then walk users in the same order.
NAME = String().with_variant(String(collation="C"), "postgresql")

events_table = Table(
    "events",
    METADATA,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("event_id", NAME, nullable=False, unique=True),
    Column("user_id", NAME, nullable=False),
    Column("item_id", NAME, nullable=False),
    Column("event_type", NAME, nullable=False),
    Column("value", Float),
    Column("occurred_us", BigInteger, nullable=False),
    Column("details", Text),
    Index("events_by_user", "user_id", "occurred_us", "sequence"),
    sqlite_autoincrement=True,  # the number of an erased event is never given again
)

WRITTEN = [column.name for column in events_table.columns if column.name != "sequence"]
DETAILS = ("session_id", "recommendation_id", "position", "impressions", "context", "properties")
"""Fields that few events have: kept together, as JSON."""
PAGE = 10_000
"""Rows read at a time."""
LOOKED_THROUGH = 10_000
"""Most rows of a user that a question about types or changes looks through."""
WRITER_LOCK = 0x5E11_50E1
"""Number of the lock that writers on PostgreSQL take turns with."""
LAST_MOMENT_US = 2**62
"""After every event."""
APPEND_CACHE_KIB = 65_536
"""Most memory for the index pages that a large append touches, on SQLite."""


class EventLog:
    """The events of one workspace.

    Args:
        engine: from ``ingest.database.open_database``, with the catalogue's tables.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)

    def append(self, events: Iterable[Event]) -> Appended:
        """Add events in one transaction, on the disk before this returns.

        Args:
            events: in any order of time; all are held in memory, so give thousands, not millions.

        Raises:
            WorkspaceError: the database cannot be written; then none of them was added.
        """
        rows = [_to_row(event) for event in events]
        if not rows:
            return Appended(accepted=0, duplicates=0)
        with self._writing() as connection:
            accepted = _insert(connection, rows)
        return Appended(accepted=accepted, duplicates=len(rows) - accepted)

    def append_new(self, events: Sequence[Event]) -> frozenset[str]:
        """Add events as ``append`` does; give the ids of those that were not there before.

        Raises:
            WorkspaceError: the database cannot be written; then none of them was added.
        """
        if not events:
            return frozenset()
        column = events_table.c
        with self._writing() as connection:
            accepted = _insert(connection, [_to_row(event) for event in events])
            # Writers take turns, so the highest numbers are those that were given just now.
            new = select(column.event_id).order_by(column.sequence.desc()).limit(accepted)
            return frozenset(connection.scalars(new))

    def tail(
        self,
        user_id: str,
        limit: int,
        only: Sequence[str] = (),
        without: Sequence[str] = (),
        until_us: int = LAST_MOMENT_US,
    ) -> list[Event]:
        """Give a user's last events, earliest first; of the same moment, those appended first.

        Args:
            user_id: who.
            limit: most events.
            only: types to look for among the last ``LOOKED_THROUGH``; none for all.
            without: types to pass over there.
            until_us: leave out what happened after this moment, microseconds since 1970.
        """
        query = _last(user_id, limit, until_us)
        if only or without:
            looked = _last(user_id, LOOKED_THROUGH, until_us).subquery()
            kind = looked.c.event_type
            wanted = kind.in_(only) if only else kind.not_in(without)
            query = _latest_first(select(looked), looked.c).where(wanted).limit(limit)
        with self.engine.connect() as connection:
            return [_from_row(row) for row in connection.execute(query)][::-1]

    def before(
        self, user_id: str, place: tuple[int, int] | None, limit: int
    ) -> list[tuple[tuple[int, int], Event]]:
        """Give a page of a user's events, latest first, each with its place.

        Args:
            user_id: who.
            place: of the event that the page comes after; None for the latest ones.
            limit: most events.
        """
        table = events_table
        query = _last(user_id, limit)
        if place is not None:
            query = query.where(tuple_(table.c.occurred_us, table.c.sequence) < tuple_(*place))
        with self.engine.connect() as connection:
            rows = connection.execute(query)
            return [((row.occurred_us, row.sequence), _from_row(row)) for row in rows]

    def mark(self, user_id: str) -> tuple[int, int]:
        """Give two numbers of which one changes whenever a user's last events do.

        Returns:
            How many of the last ``LOOKED_THROUGH`` there are, and their highest number, or 0.
        """
        asked = {"user_id": user_id, "most": LOOKED_THROUGH}
        with self.engine.connect() as connection:
            number, highest = connection.execute(_MARK, asked).one()
        return number, highest

    def since(self, sequence: int, limit: int = PAGE) -> list[tuple[int, Event]]:
        """Give a page of events in the order they were appended.

        Args:
            sequence: number after which to begin; 0 for the start.
            limit: most events.

        Returns:
            Sequence number and event; the last number is where the next page begins.
        """
        table = events_table
        query = (
            select(table).where(table.c.sequence > sequence).order_by(table.c.sequence).limit(limit)
        )
        with self.engine.connect() as connection:
            return [(row.sequence, _from_row(row)) for row in connection.execute(query)]

    def users(self) -> Iterator[str]:
        """Walk the users that have events, in byte order."""
        column = events_table.c.user_id
        last = ""
        while True:
            query = select(column).where(column > last).distinct().order_by(column).limit(PAGE)
            with self.engine.connect() as connection:
                found = list(connection.scalars(query))
            if not found:
                return
            yield from found
            last = found[-1]

    def active(self, after: str, limit: int) -> list[UserActivity]:
        """Give a page of the users after one, by empty name from the start, in byte order."""
        return self._activities(events_table.c.user_id > after, limit)

    def activity(self, user_id: str) -> UserActivity | None:
        """Give how much there is of a user; None where there is nothing."""
        return next(iter(self._activities(events_table.c.user_id == user_id, 1)), None)

    def histories(
        self, rules: EventRules, since: datetime | None = None, longest: int = 1000
    ) -> Iterator[tuple[str, list[tuple[str, datetime]]]]:
        """Walk the users with the items they liked, for learning which items go together.

        Args:
            rules: which events are positive.
            since: leave out what happened before.
            longest: most events of a user; the latest are kept.

        Yields:
            User, and items with their times, earliest first; an item stands as often as it was
            liked. Users without any are left out.
        """
        positive = (
            (row.user_id, row.item_id, row.occurred_us)
            for row in self.deeds(rules.positive_types, since)
            if rules.is_positive(row.event_type, row.value)
        )
        for user_id, liked in groupby(positive, key=itemgetter(0)):
            kept = deque(liked, maxlen=longest)
            yield user_id, [(item_id, from_microseconds(us)) for _, item_id, us in kept]

    def counts(self) -> EventCounts:
        """Count what the log holds; this reads all of it."""
        table = events_table
        known = select(items_table.c.item_id).where(items_table.c.item_id == table.c.item_id)
        by_type = (
            select(table.c.event_type, func.count())
            .group_by(table.c.event_type)
            .order_by(func.count().desc(), table.c.event_type)
        )
        items = select(func.count(distinct(table.c.item_id)))
        span = select(func.min(table.c.occurred_us), func.max(table.c.occurred_us))
        with self.engine.connect() as connection:
            types = {row[0]: row[1] for row in connection.execute(by_type)}
            first, last = connection.execute(span).one()
            return EventCounts(
                by_type=types,
                users=connection.scalar(select(func.count(distinct(table.c.user_id)))) or 0,
                items=connection.scalar(items) or 0,
                unknown_items=connection.scalar(items.where(~known.exists())) or 0,
                first=None if first is None else from_microseconds(first),
                last=None if last is None else from_microseconds(last),
            )

    def erase(self, user_id: str) -> int:
        """Take away every event of a user for good; give how many there were.

        SQLite's files are then free of the rows, unless another process is reading: what that holds
        up goes with the next erasure. Copies that were left when pages filled up and were divided
        go with ``ingest.database.compact``. PostgreSQL frees the space when it next vacuums.
        """
        table = events_table
        with self._writing() as connection:
            erased = connection.execute(delete(table).where(table.c.user_id == user_id)).rowcount
        write_back(self.engine)
        return erased

    def _activities(self, condition: ColumnElement[bool], limit: int) -> list[UserActivity]:
        user_id, us = events_table.c.user_id, events_table.c.occurred_us
        query = select(user_id, func.count(), func.min(us), func.max(us)).where(condition)
        query, at = query.group_by(user_id).order_by(user_id).limit(limit), from_microseconds
        with self.engine.connect() as connection:
            return [
                UserActivity(user_id=who, events=number, first=at(first), last=at(last))
                for who, number, first, last in connection.execute(query)
            ]

    def deeds(self, event_types: list[str], since: datetime | None = None) -> Iterator[Row[Any]]:
        """Walk events of some types by user and time, a page at a time, holding no transaction."""
        table = events_table
        place = (table.c.user_id, table.c.occurred_us, table.c.sequence)
        query = _narrow(event_types, since).order_by(*place).limit(PAGE)
        after: tuple[str, int, int] | None = None
        while True:
            page = query if after is None else query.where(tuple_(*place) > tuple_(*after))
            with self.engine.connect() as connection:
                rows = list(connection.execute(page))
            yield from rows
            if len(rows) < PAGE:
                return
            after = (rows[-1].user_id, rows[-1].occurred_us, rows[-1].sequence)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Open a transaction that is on the disk when it ends."""
        with self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                with connection.begin():
                    connection.execute(select(func.pg_advisory_xact_lock(WRITER_LOCK)))
                    yield connection
                return
            connection.exec_driver_sql("PRAGMA synchronous = FULL")
            connection.exec_driver_sql(f"PRAGMA cache_size = -{APPEND_CACHE_KIB}")
            connection.commit()
            try:
                with connection.begin():
                    yield connection
            finally:
                connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
                connection.commit()


def _insert(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
    """Add rows; give how many were new."""
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    statement = (
        f"INSERT INTO events ({', '.join(WRITTEN)}) "  # noqa: S608 - our own column names
        f"VALUES ({', '.join([mark] * len(WRITTEN))}) ON CONFLICT (event_id) DO NOTHING"
    )
    # Straight to the driver: preparing each row for it would take as long as writing it.
    options = {"preserve_rowcount": True}
    return connection.exec_driver_sql(statement, list(rows), execution_options=options).rowcount


def _last(user_id: str, limit: int, until_us: int = LAST_MOMENT_US) -> Select[Any]:
    """Ask for a user's last events, the latest first."""
    table = events_table
    query = select(table).where(table.c.user_id == user_id, table.c.occurred_us <= until_us)
    return _latest_first(query, table.c).limit(limit)


def _latest_first(query: Select[Any], columns: Any) -> Select[Any]:
    return query.order_by(columns.occurred_us.desc(), columns.sequence.desc())


# Made once: making it takes five times as long as asking it, and every request for a feed does.
_MARKED = (
    _latest_first(select(events_table.c.sequence), events_table.c)
    .where(events_table.c.user_id == bindparam("user_id"))
    .limit(bindparam("most", type_=Integer))
    .subquery()
)
_MARK = select(func.count(), func.coalesce(func.max(_MARKED.c.sequence), 0)).select_from(_MARKED)


def _narrow(event_types: list[str], since: datetime | None) -> Select[Any]:
    columns = events_table.c
    query = select(
        columns.sequence,
        columns.user_id,
        columns.item_id,
        columns.event_type,
        columns.value,
        columns.occurred_us,
    ).where(columns.event_type.in_(event_types))
    if since is None:
        return query
    return query.where(columns.occurred_us >= (since - EPOCH) // MICROSECOND)


def _to_row(event: Event) -> tuple[Any, ...]:
    details = {name: said for name in DETAILS if (said := getattr(event, name)) or said == 0}
    return (
        event.event_id,
        event.user_id,
        event.item_id,
        event.event_type,
        event.value,
        event.occurred_us,
        json.dumps(details, default=str) if details else None,
    )


def _from_row(row: Row[Any]) -> Event:
    details = json.loads(row.details) if row.details else {}
    if "impressions" in details:
        details["impressions"] = tuple(details["impressions"])
    return Event(
        event_id=row.event_id,
        user_id=row.user_id,
        item_id=row.item_id,
        event_type=row.event_type,
        value=row.value,
        occurred_at=from_microseconds(row.occurred_us),
        **details,
    )
