"""Named relations between items, such as ``sequel of``: a triple of head, relation and tail.

They lie in the workspace's database, each once. Ends are ids of items, or of anything else that a
relation speaks of: a person, a genre. Files are CSV, TSV, JSONL or parquet with the columns
``head``, ``relation`` and ``tail``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, delete, func, or_, select

from ingest.catalogue import upsert
from ingest.errors import DecodeError, SensoriumError
from ingest.event import is_name
from ingest.event_log import NAME
from ingest.manifest_file import MANIFEST_EXTENSIONS, is_manifest, read_rows

METADATA = MetaData()
FIELDS = ("head", "relation", "tail")

relations_table = Table(
    "relations", METADATA, *(Column(name, NAME, primary_key=True) for name in FIELDS)
)


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """One triple."""

    head: str
    """Id of what is related."""
    relation: str
    """How."""
    tail: str
    """Id of what it is related to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationRow:
    """One row of a file."""

    line: int
    """Line, from 1."""
    relation: Relation | None
    """What it says; None for nothing."""
    reason: str = ""
    """Why it says nothing; empty for a good row."""


class RelationFileError(SensoriumError):
    """A file that holds no relations."""

    code = "relation_file"


def read_relations(uri: str) -> Iterator[RelationRow]:
    """Read a file, a row at a time; a bad row is given with its reason.

    Args:
        uri: path or URI; its extension says what it is.

    Raises:
        RelationFileError: the extension is not known.
        DecodeError: the file cannot be read.
    """
    if not is_manifest(uri):
        known = ", ".join(sorted(MANIFEST_EXTENSIONS))
        raise RelationFileError(f"{uri} is no file of relations", f"use one that ends in: {known}")
    for line, row in read_rows(uri):
        if isinstance(row, DecodeError):
            yield RelationRow(line=line, relation=None, reason=str(row))
        else:
            yield _read(line, row)


def _read(line: int, row: Mapping[str, Any]) -> RelationRow:
    cells = {name: str(row.get(name, "")).strip() for name in FIELDS}
    bad = [name for name in FIELDS if not is_name(cells[name])]
    if bad:
        reason = f"{' and '.join(bad)} missing or no name; expected {', '.join(FIELDS)}"
        return RelationRow(line=line, relation=None, reason=reason)
    return RelationRow(line=line, relation=Relation(**cells))


class Relations:
    """The relations of one workspace.

    Args:
        engine: from ``ingest.database.open_database``.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)

    def add(self, relations: Sequence[Relation]) -> int:
        """Keep relations; give how many were new."""
        rows = [{name: getattr(one, name) for name in FIELDS} for one in relations]
        with self.engine.begin() as connection:
            before = _count(connection)
            upsert(connection, relations_table, rows)
            return _count(connection) - before

    def every(self) -> list[Relation]:
        """Give all relations, in byte order of head, relation and tail."""
        query = select(relations_table).order_by(*relations_table.primary_key)
        with self.engine.connect() as connection:
            return [Relation(*row) for row in connection.execute(query)]

    def counts(self) -> dict[str, int]:
        """Count pairs by name of the relation, in byte order."""
        column = relations_table.c.relation
        query = select(column, func.count()).group_by(column).order_by(column)
        with self.engine.connect() as connection:
            return {name: int(count) for name, count in connection.execute(query)}

    def remove(self, name: str) -> int:
        """Forget a relation; give how many pairs it had."""
        query = delete(relations_table).where(relations_table.c.relation == name)
        with self.engine.begin() as connection:
            return connection.execute(query).rowcount


def forget_ends(connection: Connection, item_ids: Sequence[str]) -> int:
    """Forget what is said of items that go; give how many triples that was.

    Args:
        connection: within the transaction that takes the items away.
        item_ids: which.
    """
    METADATA.create_all(connection)
    table = relations_table
    ends = or_(table.c.head.in_(item_ids), table.c.tail.in_(item_ids))
    return connection.execute(delete(table).where(ends)).rowcount


def _count(connection: Connection) -> int:
    return int(connection.scalar(select(func.count()).select_from(relations_table)) or 0)
