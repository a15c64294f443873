"""Which content, under which decode options and model fingerprints, is done or failed.

Work is marked per (content, tower): a changed text model re-encodes words and nothing else. An item
is marked per generation of the index, with a digest of everything its vectors depend on. Both marks
are written after the vectors they speak of: a crash repeats work and never loses it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)

from ingest.catalogue import BATCH, batches, upsert
from ingest.database import add_columns
from ingest.decoded import Decoded

METADATA = MetaData()

contents_table = Table(
    "contents",
    METADATA,
    Column("content_hash", String, primary_key=True),
    Column("decode_digest", String, primary_key=True),
    Column("duration_seconds", Float, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("thumbnail", LargeBinary, nullable=False),
    Column("frame_hashes", LargeBinary, nullable=False),
    Column("notes", Text, nullable=False),
)

encoded_table = Table(
    "encoded",
    METADATA,
    Column("content_hash", String, primary_key=True),
    Column("decode_digest", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
)

quarantine_table = Table(
    "quarantine",
    METADATA,
    Column("content_hash", String, primary_key=True),
    Column("decode_digest", String, primary_key=True),
    Column("uri", Text, nullable=False),
    Column("code", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("released", Boolean, nullable=False),
    Column("failed_at", String),
)

indexed_table = Table(
    "indexed",
    METADATA,
    Column("item_id", String, primary_key=True),
    Column("generation", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("state", String, nullable=False),
    Column("modality_weights", Text, nullable=False),
    Column("duplicate_of", String, nullable=False),
    Index("indexed_by_state", "generation", "state", "item_id"),
)

state_table = Table(
    "workspace_state",
    METADATA,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What decoding found out about one content."""

    duration_seconds: float
    """Length of a video or sound, else 0."""
    width: int
    """Upright width in pixels, else 0."""
    height: int
    """Upright height in pixels, else 0."""
    frame_hashes: NDArray[np.uint64]
    """Perceptual hash per informative frame, (T,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One content that could not be read or encoded."""

    content_hash: str
    """The content."""
    uri: str
    """Where it was found last."""
    code: str
    """Stable cause."""
    message: str
    """One sentence."""
    attempts: int
    """How often it was tried."""
    failed_at: datetime | None
    """When it was tried last, UTC; None where that was not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What the index holds of one item."""

    item_id: str
    """The item."""
    digest: str
    """Digest of all that its vectors depend on."""
    state: str
    """ready, partial (some media quarantined) or quarantined (nothing could be read)."""
    modality_weights: Mapping[str, float]
    """Share of each modality in the joint vector."""
    duplicate_of: str = ""
    """The item that this one repeats; empty where it stands alone."""


class Manifest:
    """What is done in one workspace.

    Args:
        engine: from ``ingest.database.open_database``.
        decode_digest: digest of the decode options in use.
    """

    def __init__(self, engine: Engine, decode_digest: str) -> None:
        self.engine = engine
        self.decode_digest = decode_digest
        METADATA.create_all(engine)
        add_columns(engine, quarantine_table)

    def missing(self, wanted: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        """Give what is still to be encoded.

        Args:
            wanted: fingerprint digests of the towers that each content needs, by content hash.

        Returns:
            The digests not yet done, for contents that have any and are not quarantined.
        """
        left = {key: set(digests) for key, digests in wanted.items()}
        with self.engine.connect() as connection:
            for batch in batches(list(wanted)):
                for row in connection.execute(self._select(encoded_table, batch)):
                    left[row.content_hash].discard(row.fingerprint)
                for row in connection.execute(self._select_quarantined(batch)):
                    left[row.content_hash].clear()
        return {key: frozenset(digests) for key, digests in left.items() if digests}

    def done(self, connection: Connection, decoded: Decoded, fingerprints: Iterable[str]) -> None:
        """Mark a content as encoded by these towers, with what decoding found out."""
        key = {"content_hash": decoded.content_hash, "decode_digest": self.decode_digest}
        hashes = decoded.frame_hashes
        if decoded.width or decoded.duration_seconds:
            row = {
                **key,
                "duration_seconds": decoded.duration_seconds,
                "width": decoded.width,
                "height": decoded.height,
                "thumbnail": decoded.thumbnail,
                "frame_hashes": b"" if hashes is None else hashes.astype("<u8").tobytes(),
                "notes": json.dumps(decoded.notes),
            }
            upsert(connection, contents_table, [row])
        marks = [{**key, "fingerprint": fingerprint} for fingerprint in sorted(set(fingerprints))]
        upsert(connection, encoded_table, marks)

    def fail(
        self, connection: Connection, content_hash: str, uri: str, cause: tuple[str, str]
    ) -> None:
        """Quarantine a content with a code and a sentence; a second failure counts an attempt."""
        table = quarantine_table
        attempts = connection.scalar(
            select(table.c.attempts).where(
                table.c.content_hash == content_hash, table.c.decode_digest == self.decode_digest
            )
        )
        row = {
            "content_hash": content_hash,
            "decode_digest": self.decode_digest,
            "uri": uri,
            "code": cause[0],
            "message": cause[1],
            "attempts": (attempts or 0) + 1,
            "released": False,
            "failed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        upsert(connection, table, [row])

    def quarantined(self, content_hashes: Iterable[str] | None = None) -> dict[str, Quarantined]:
        """Give quarantined contents by hash: all of them, or those among the given ones."""
        queries = (
            [self._select_quarantined()]
            if content_hashes is None
            else [self._select_quarantined(batch) for batch in batches(list(content_hashes))]
        )
        with self.engine.connect() as connection:
            rows = (row for query in queries for row in connection.execute(query))
            return {row.content_hash: _quarantined(row) for row in rows}

    def release(self, code: str | None = None) -> list[str]:
        """Let quarantined contents be tried again; their attempts stay counted.

        Args:
            code: only those with this cause; None for all.

        Returns:
            The content hashes that were released, sorted.
        """
        hashes = sorted(
            entry.content_hash
            for entry in self.quarantined().values()
            if code is None or entry.code == code
        )
        with self.engine.begin() as connection:
            for batch in batches(hashes):
                connection.execute(
                    update(quarantine_table)
                    .where(
                        quarantine_table.c.content_hash.in_(batch),
                        quarantine_table.c.decode_digest == self.decode_digest,
                    )
                    .values(released=True)
                )
        return hashes

    def contents(self, content_hashes: Iterable[str]) -> dict[str, Content]:
        """Give what decoding found out about these contents, save texts and unknown ones."""
        columns = [
            column for column in contents_table.c if column.name not in ("thumbnail", "notes")
        ]
        found: dict[str, Content] = {}
        with self.engine.connect() as connection:
            for batch in batches(sorted(set(content_hashes))):
                query = self._select(contents_table, batch).with_only_columns(*columns)
                for row in connection.execute(query):
                    found[row.content_hash] = Content(
                        duration_seconds=row.duration_seconds,
                        width=row.width,
                        height=row.height,
                        frame_hashes=np.frombuffer(row.frame_hashes, dtype="<u8"),
                    )
        return found

    def thumbnails(self, content_hashes: Iterable[str]) -> dict[str, bytes]:
        """Give the JPEG thumbnails of these contents; those without a picture are left out."""
        table = contents_table
        with self.engine.connect() as connection:
            return {
                row.content_hash: row.thumbnail
                for batch in batches(sorted(set(content_hashes)))
                for row in connection.execute(self._select(table, batch))
                if row.thumbnail
            }

    def indexed(self, generation: str, item_ids: Iterable[str]) -> dict[str, Indexed]:
        """Give what a generation of the index holds of these items."""
        table = indexed_table
        with self.engine.connect() as connection:
            return {
                row.item_id: _indexed(row)
                for batch in batches(list(item_ids))
                for row in connection.execute(
                    select(table).where(
                        table.c.item_id.in_(batch), table.c.generation == generation
                    )
                )
            }

    def indexed_pages(self, generation: str, size: int = BATCH) -> Iterator[list[Indexed]]:
        """Walk what a generation holds in order of item id, a page at a time."""
        table, last = indexed_table, ""
        while True:
            query = (
                select(table)
                .where(table.c.generation == generation, table.c.item_id > last)
                .order_by(table.c.item_id)
                .limit(size)
            )
            with self.engine.connect() as connection:
                page = [_indexed(row) for row in connection.execute(query)]
            if not page:
                return
            yield page
            last = page[-1].item_id

    def digests(self, generation: str) -> dict[str, str]:
        """Give the digest of every item that a generation holds, by item id."""
        table = indexed_table
        query = select(table.c.item_id, table.c.digest).where(table.c.generation == generation)
        with self.engine.connect() as connection:
            return {row.item_id: row.digest for row in connection.execute(query)}

    def mark_indexed(
        self, connection: Connection, generation: str, entries: Sequence[Indexed]
    ) -> None:
        """Mark items as held by a generation. Call after the index has acknowledged them."""
        rows = [
            {
                "item_id": entry.item_id,
                "generation": generation,
                "digest": entry.digest,
                "state": entry.state,
                "modality_weights": json.dumps(dict(entry.modality_weights)),
                "duplicate_of": entry.duplicate_of,
            }
            for entry in entries
        ]
        upsert(connection, indexed_table, rows)

    def unmark(self, connection: Connection, item_ids: Sequence[str]) -> None:
        """Forget items in every generation. Call before the index forgets them."""
        for batch in batches(item_ids):
            connection.execute(delete(indexed_table).where(indexed_table.c.item_id.in_(batch)))

    def drop_generation(self, generation: str) -> None:
        """Forget every mark of a generation that is no longer served."""
        with self.engine.begin() as connection:
            connection.execute(
                delete(indexed_table).where(indexed_table.c.generation == generation)
            )

    def states(self, generation: str) -> dict[str, int]:
        """Count items by state in a generation."""
        table = indexed_table
        query = (
            select(table.c.state, func.count())
            .where(table.c.generation == generation)
            .group_by(table.c.state)
        )
        with self.engine.connect() as connection:
            return {state: int(count) for state, count in connection.execute(query)}

    def remember(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        with self.engine.begin() as connection:
            upsert(connection, state_table, [{"name": name, "value": json.dumps(value)}])

    def recall(self, name: str, default: Any = None) -> Any:
        """Give the value kept under a name, or the default."""
        with self.engine.connect() as connection:
            value = connection.scalar(select(state_table.c.value).where(state_table.c.name == name))
        return default if value is None else json.loads(value)

    def _select_quarantined(self, content_hashes: Sequence[str] | None = None) -> Any:
        table = quarantine_table
        query = select(table).where(
            table.c.decode_digest == self.decode_digest, table.c.released.is_(False)
        )
        if content_hashes is None:
            return query
        return query.where(table.c.content_hash.in_(content_hashes))

    def _select(self, table: Table, content_hashes: Sequence[str]) -> Any:
        return select(table).where(
            table.c.content_hash.in_(content_hashes), table.c.decode_digest == self.decode_digest
        )


def _quarantined(row: Any) -> Quarantined:
    failed_at = row.failed_at and datetime.fromisoformat(row.failed_at)
    names = ("content_hash", "uri", "code", "message", "attempts")
    return Quarantined(failed_at=failed_at, **{name: getattr(row, name) for name in names})


def _indexed(row: Any) -> Indexed:
    return Indexed(
        item_id=row.item_id,
        digest=row.digest,
        state=row.state,
        modality_weights=json.loads(row.modality_weights),
        duplicate_of=row.duplicate_of,
    )
