"""Written titles in the workspace's database, by item and group of readers.

What was rejected is kept, too, without its text: so the next run does not write it again, and what
was invented can be looked at. A title stands with the digest of the facts it was written from;
where an item's words have changed since, an index run takes its titles away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    select,
)

from ingest.catalogue import batches, items_table, upsert
from ranking.titles import NOTHING, WRITTEN, Brief, Title

METADATA = MetaData()

titles_table = Table(
    "titles",
    METADATA,
    Column("item_id", String, primary_key=True),
    Column("grouping", String, primary_key=True),
    Column("group_id", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("outcome", String, nullable=False),
    Column("invented", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("writer", String, nullable=False),
    Column("facts", String, nullable=False),
    Column("brief", String, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTitle:
    """One row."""

    item_id: str
    """Of the item."""
    group_id: int
    """Number of the group."""
    text: str
    """The title; empty unless it was written."""
    outcome: str
    """``written``, ``rejected`` or ``nothing``."""
    invented: tuple[str, ...]
    """What it said beyond the facts, where it was rejected."""
    match: float
    """How well item and group match."""
    writer: str
    """Who wrote it."""


class TitleStore:
    """The titles of one workspace.

    Args:
        engine: from ``ingest.database.open_database``.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)

    def write(self, writer: str, written: Sequence[tuple[Brief, Title]]) -> None:
        """Keep what became of some briefs, in place of what there was."""
        rows = [
            {
                "item_id": title.item_id,
                "grouping": title.grouping,
                "group_id": title.group_id,
                "text": title.text,
                "outcome": title.outcome,
                "invented": json.dumps(title.invented, ensure_ascii=False),
                "score": brief.match,
                "writer": writer,
                "facts": brief.facts.digest,
                "brief": brief.digest,
            }
            for brief, title in written
        ]
        with self.engine.begin() as connection:
            upsert(connection, titles_table, rows)

    def known(self, grouping: str) -> dict[tuple[str, int], tuple[str, str]]:
        """Give who wrote each title, and the digest of the brief that it was written to.

        Args:
            grouping: name of the division of readers.

        Returns:
            Writer and digest by item and number of the group.
        """
        table = titles_table
        query = select(table.c.item_id, table.c.group_id, table.c.writer, table.c.brief).where(
            table.c.grouping == grouping
        )
        with self.engine.connect() as connection:
            return {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(query)}

    def texts(self, grouping: str, group_id: int, item_ids: Sequence[str]) -> dict[str, str]:
        """Look up the titles of some items for a group; items without one are left out."""
        table, found = titles_table, dict[str, str]()
        with self.engine.connect() as connection:
            for batch in batches(item_ids):
                query = select(table.c.item_id, table.c.text).where(
                    table.c.item_id.in_(batch),
                    table.c.grouping == grouping,
                    table.c.group_id == group_id,
                    table.c.outcome == WRITTEN,
                )
                found.update((row.item_id, row.text) for row in connection.execute(query))
        return found

    def rows(
        self,
        grouping: str,
        group_id: int | None = None,
        item_id: str = "",
        limit: int = 50,
        every: bool = False,
    ) -> list[StoredTitle]:
        """Give rows of a division of readers, by item and group.

        Args:
            grouping: its name.
            group_id: only those of a group; None for all.
            item_id: only those of an item; empty for all.
            limit: most rows.
            every: give rows, too, that have neither a title nor an invention.
        """
        table = titles_table
        query = select(table).where(table.c.grouping == grouping)
        if not every:
            query = query.where(table.c.outcome != NOTHING)
        if group_id is not None:
            query = query.where(table.c.group_id == group_id)
        if item_id:
            query = query.where(table.c.item_id == item_id)
        query = query.order_by(table.c.item_id, table.c.score.desc(), table.c.group_id)
        with self.engine.connect() as connection:
            return [
                StoredTitle(
                    item_id=row.item_id,
                    group_id=row.group_id,
                    text=row.text,
                    outcome=row.outcome,
                    invented=tuple(json.loads(row.invented)),
                    match=row.score,
                    writer=row.writer,
                )
                for row in connection.execute(query.limit(limit))
            ]

    def counts(self) -> dict[str, dict[str, int]]:
        """Count titles by division of readers and what became of them."""
        table, found = titles_table, dict[str, dict[str, int]]()
        query = select(table.c.grouping, table.c.outcome, func.count()).group_by(
            table.c.grouping, table.c.outcome
        )
        with self.engine.connect() as connection:
            for grouping, outcome, count in connection.execute(query):
                found.setdefault(grouping, {})[outcome] = int(count)
        return found

    def facts(self) -> dict[str, set[str]]:
        """Give the digests of the facts that titles were written from, by item."""
        table, found = titles_table, dict[str, set[str]]()
        query = select(table.c.item_id, table.c.facts).distinct()
        with self.engine.connect() as connection:
            for item_id, digest in connection.execute(query):
                found.setdefault(item_id, set()).add(digest)
        return found

    def drop_pairs(self, grouping: str, pairs: Iterable[tuple[str, int]]) -> int:
        """Take away the titles of some items and groups; give how many there were."""
        gone: dict[int, list[str]] = {}
        for item_id, group_id in pairs:
            gone.setdefault(group_id, []).append(item_id)
        table, count = titles_table, 0
        with self.engine.begin() as connection:
            for group_id, item_ids in gone.items():
                for batch in batches(item_ids):
                    query = delete(table).where(
                        table.c.item_id.in_(batch),
                        table.c.grouping == grouping,
                        table.c.group_id == group_id,
                    )
                    count += connection.execute(query).rowcount
        return count

    def drop_groupings_but(self, kept: Iterable[str]) -> int:
        """Take away titles of divisions of readers that are no more; give how many there were."""
        with self.engine.begin() as connection:
            query = delete(titles_table).where(titles_table.c.grouping.not_in(list(kept)))
            return connection.execute(query).rowcount

    def drop_gone(self) -> int:
        """Take away the titles of items that the catalogue does not have; give how many."""
        there = select(items_table.c.item_id)
        with self.engine.begin() as connection:
            query = delete(titles_table).where(titles_table.c.item_id.not_in(there))
            return connection.execute(query).rowcount

    def drop_changed(self, digests: Mapping[str, str]) -> int:
        """Take away the titles of items whose words have changed; give how many.

        Args:
            digests: of the facts as they are now, by item; other items are left alone.
        """
        table, count = titles_table, 0
        with self.engine.begin() as connection:
            for item_id, digest in digests.items():
                query = delete(table).where(table.c.item_id == item_id, table.c.facts != digest)
                count += connection.execute(query).rowcount
        return count


def forget_titles(connection: Connection, item_ids: Sequence[str]) -> int:
    """Take away all titles of some items within a transaction; give how many there were."""
    METADATA.create_all(connection)
    count = 0
    for batch in batches(item_ids):
        query = delete(titles_table).where(titles_table.c.item_id.in_(batch))
        count += connection.execute(query).rowcount
    return count
