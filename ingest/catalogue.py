"""Items by id, found by content: what the library holds, whatever has been computed about it.

An item belongs to the source (folder or manifest) that named it. The same id from a second source
is refused instead of overwriting the first. Putting an item twice changes nothing. When an item
came is written with its first row and stays as it is, whatever later runs see.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Insert,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from ingest.item import Item, Medium, Modality

METADATA = MetaData()

items_table = Table(
    "items",
    METADATA,
    Column("item_id", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("seen_run", Integer, nullable=False),
    Column("media", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("created_at", String),
    Column("creator_id", String, nullable=False),
    Column("lang", String, nullable=False),
    Column("attrs", Text, nullable=False),
)

item_contents_table = Table(
    "item_contents",
    METADATA,
    Column("item_id", String, primary_key=True),
    Column("content_hash", String, primary_key=True),
    Index("item_contents_by_hash", "content_hash"),
)

arrivals_table = Table(
    "item_arrivals",
    METADATA,
    Column("item_id", String, primary_key=True),
    Column("added_us", BigInteger, nullable=False),
)

known_files_table = Table(
    "known_files",
    METADATA,
    Column("uri", String, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    Column("content_hash", String, nullable=False),
)

BATCH = 500
"""Most values in one ``IN`` list."""


class Catalogue:
    """The items of one workspace.

    Args:
        engine: from ``ingest.database.open_database``.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)

    def put(
        self,
        connection: Connection,
        items: Mapping[str, tuple[Item, Sequence[str]]],
        source: str,
        run: int,
    ) -> dict[str, str]:
        """Insert or replace items; doing it twice changes nothing.

        Args:
            connection: an open transaction.
            items: by id, each with the hashes of all that gives it a view, its words among them.
            source: the folder or manifest that named them.
            run: number of the run that sees them.

        Returns:
            By refused id, the other source that already owns it: nothing was written of those.
        """
        owners = self._sources(connection, list(items))
        refused = {key: owner for key, owner in owners.items() if owner != source}
        kept = [pair for item_id, pair in items.items() if item_id not in refused]
        upsert(connection, items_table, [_to_row(item, source, run) for item, _ in kept])
        now = time.time_ns() // 1000
        new = [{"item_id": key, "added_us": now} for key in items if key not in owners]
        upsert(connection, arrivals_table, new)
        table = item_contents_table
        for batch in batches([item.item_id for item, _ in kept]):
            connection.execute(delete(table).where(table.c.item_id.in_(batch)))
        pairs = [(item.item_id, value) for item, hashes in kept for value in set(hashes)]
        upsert(connection, table, [{"item_id": i, "content_hash": value} for i, value in pairs])
        files = [
            {
                "uri": medium.uri,
                "size_bytes": medium.size_bytes,
                "modified_ns": medium.modified_ns,
                "content_hash": medium.content_hash,
            }
            for item, _ in kept
            for medium in item.media
            if medium.modified_ns
        ]
        upsert(connection, known_files_table, files)
        return refused

    def _sources(self, connection: Connection, item_ids: Sequence[str]) -> dict[str, str]:
        """Give the source of each of these items that is known."""
        owners: dict[str, str] = {}
        table = items_table
        for batch in batches(item_ids):
            query = select(table.c.item_id, table.c.source).where(table.c.item_id.in_(batch))
            owners.update((row.item_id, row.source) for row in connection.execute(query))
        return owners

    def known_hash(self, uri: str, size_bytes: int, modified_ns: int) -> str | None:
        """Give the hash of a file that has not changed since it was last read, or None."""
        table = known_files_table
        query = select(table.c.content_hash).where(
            table.c.uri == uri,
            table.c.size_bytes == size_bytes,
            table.c.modified_ns == modified_ns,
        )
        with self.engine.connect() as connection:
            return connection.scalar(query)

    def get(self, item_ids: Iterable[str]) -> dict[str, Item]:
        """Give the items of these ids; unknown ids are left out."""
        found: dict[str, Item] = {}
        with self.engine.connect() as connection:
            for batch in batches(list(item_ids)):
                query = select(items_table).where(items_table.c.item_id.in_(batch))
                found.update((row.item_id, _from_row(row)) for row in connection.execute(query))
        return found

    def owners(self, content_hashes: Iterable[str]) -> list[str]:
        """Give the ids of the items that have any of these contents, sorted."""
        found: set[str] = set()
        table = item_contents_table
        with self.engine.connect() as connection:
            for batch in batches(list(content_hashes)):
                query = select(table.c.item_id).where(table.c.content_hash.in_(batch))
                found.update(connection.scalars(query))
        return sorted(found)

    def ids(self, source: str | None = None) -> list[str]:
        """Give every id, or those of one source, sorted."""
        query = select(items_table.c.item_id).order_by(items_table.c.item_id)
        if source is not None:
            query = query.where(items_table.c.source == source)
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    def sources(self) -> list[str]:
        """Give the folders and manifests that items came from, sorted."""
        with self.engine.connect() as connection:
            return sorted(connection.scalars(select(items_table.c.source).distinct()))

    def added_us(self) -> dict[str, int]:
        """Give when items came, microseconds since 1970, by id.

        Items of a workspace that was made before this was written are left out.
        """
        query = select(arrivals_table.c.item_id, arrivals_table.c.added_us)
        with self.engine.connect() as connection:
            return {row.item_id: row.added_us for row in connection.execute(query)}

    def pages(self, size: int = BATCH, run: int | None = None) -> Iterator[list[Item]]:
        """Walk all items, or those that a run saw, in order of id, a page at a time."""
        last = ""
        while True:
            query = (
                select(items_table)
                .where(items_table.c.item_id > last)
                .order_by(items_table.c.item_id)
                .limit(size)
            )
            if run is not None:
                query = query.where(items_table.c.seen_run == run)
            with self.engine.connect() as connection:
                rows = list(connection.execute(query))
            if not rows:
                return
            yield [_from_row(row) for row in rows]
            last = rows[-1].item_id

    def unseen(self, source: str, run: int) -> list[str]:
        """Give the ids of a source that this run did not see: their files are gone."""
        query = (
            select(items_table.c.item_id)
            .where(items_table.c.source == source, items_table.c.seen_run != run)
            .order_by(items_table.c.item_id)
        )
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    def remove(self, connection: Connection, item_ids: Sequence[str]) -> None:
        """Forget items; their computed vectors stay in the cache for a file that comes back."""
        for batch in batches(item_ids):
            for table in (items_table, item_contents_table, arrivals_table):
                connection.execute(delete(table).where(table.c.item_id.in_(batch)))

    def count(self) -> int:
        """Count all items."""
        with self.engine.connect() as connection:
            return int(connection.scalar(select(func.count()).select_from(items_table)) or 0)

    def last_run(self) -> int:
        """Give the highest run number seen, 0 before the first."""
        with self.engine.connect() as connection:
            return int(connection.scalar(select(func.max(items_table.c.seen_run))) or 0)


def batches(values: Sequence[str], size: int = BATCH) -> Iterator[Sequence[str]]:
    """Cut a list into pieces that fit one ``IN`` list."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, replacing those with the same primary key."""
    if rows:
        statement = _upsert_statement(table, connection.dialect.name)
        connection.execute(statement, [dict(row) for row in rows])


@cache
def _upsert_statement(table: Table, dialect_name: str) -> Insert:
    """Build the statement once: that costs ten times as much as running it with a row."""
    dialect = postgresql if dialect_name == "postgresql" else sqlite
    statement = dialect.insert(table).values(
        {column.name: bindparam(column.name) for column in table.columns}
    )
    keys = [column.name for column in table.primary_key]
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    resolved: Insert = (
        statement.on_conflict_do_update(index_elements=keys, set_=changed)
        if changed
        else statement.on_conflict_do_nothing(index_elements=keys)
    )
    return resolved


def _to_row(item: Item, source: str, run: int) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "source": source,
        "seen_run": run,
        "media": json.dumps([asdict(medium) for medium in item.media]),
        "title": item.title,
        "text": item.text,
        "tags": json.dumps(item.tags),
        "created_at": item.created_at.astimezone(UTC).isoformat() if item.created_at else None,
        "creator_id": item.creator_id,
        "lang": item.lang,
        "attrs": json.dumps(dict(item.attrs), sort_keys=True),
    }


def _from_row(row: Row[Any]) -> Item:
    media = tuple(
        Medium(**{**medium, "modality": Modality(medium["modality"])})
        for medium in json.loads(row.media)
    )
    return Item(
        item_id=row.item_id,
        media=media,
        title=row.title,
        text=row.text,
        tags=tuple(json.loads(row.tags)),
        created_at=datetime.fromisoformat(row.created_at) if row.created_at else None,
        creator_id=row.creator_id,
        lang=row.lang,
        attrs=json.loads(row.attrs),
    )
