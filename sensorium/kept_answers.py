"""Answers kept under a key of the caller, so that a request sent twice is done once.

They lie in the workspace's database: they outlive a restart, and several processes share them.
Whoever comes first with a key claims it, and everybody else sees that. A claim whose holder died
lapses after a while. What is kept is bounded by age and number.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Index,
    MetaData,
    Select,
    String,
    Table,
    Text,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

METADATA = MetaData()

answers_table = Table(
    "kept_answers",
    METADATA,
    Column("route", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("answer", Text),
    Column("claimed_us", BigInteger, nullable=False),
    Index("kept_answers_by_age", "claimed_us"),
)

KEPT_SECONDS = 24 * 3600
"""For so long an answer is kept."""
MOST_ANSWERS = 5_000
"""The latest so many are kept."""
CLAIM_SECONDS = 60
"""A claim without an answer lapses after this time: its holder has died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is known of a key."""

    digest: str
    """Digest of what was said with it."""
    answer: str | None
    """The answer; None while it is being made."""


class KeptAnswers:
    """The kept answers of one workspace.

    Args:
        engine: from ``ingest.database.open_database``.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)

    def claim(self, route: str, key: str, digest: str) -> Kept | None:
        """Claim a key.

        Args:
            route: what is asked for, and by whom; a key means something there only.
            key: as the caller gives it.
            digest: of what is said with it.

        Returns:
            None where the key is claimed now; otherwise what another request left under it.

        Raises:
            WorkspaceError: the database cannot be written.
        """
        now = time.time_ns() // 1000
        table = answers_table
        lapsed = table.c.answer.is_(None) & (table.c.claimed_us < now - CLAIM_SECONDS * 1_000_000)
        # Reading first: who waits for an answer does not hold up who writes it.
        with self.engine.connect() as connection:
            fresh = table.c.claimed_us >= now - KEPT_SECONDS * 1_000_000
            left = _what_is_left(route, key).where(fresh, ~lapsed)
            found = connection.execute(left).first()
        if found is not None:
            return Kept(digest=found.digest, answer=found.answer)
        row = {"route": route, "key": key, "digest": digest, "claimed_us": now}
        with self.engine.begin() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            _trim(connection, now)
            claim = dialect.insert(table).values(**row).on_conflict_do_nothing()
            if connection.execute(claim.execution_options(preserve_rowcount=True)).rowcount:
                return None
            taken = connection.execute(
                update(table).where(_at(route, key), lapsed).values(digest=digest, claimed_us=now)
            )
            if taken.rowcount:
                return None
            found = connection.execute(_what_is_left(route, key)).one()
        return Kept(digest=found.digest, answer=found.answer)

    def keep(self, route: str, key: str, answer: str) -> None:
        """Keep the answer of a key that was claimed."""
        with self.engine.begin() as connection:
            connection.execute(update(answers_table).where(_at(route, key)).values(answer=answer))

    def release(self, route: str, key: str) -> None:
        """Give up a claim: what was asked for has failed, and may be asked for again."""
        table = answers_table
        with self.engine.begin() as connection:
            connection.execute(delete(table).where(_at(route, key), table.c.answer.is_(None)))

    def erase(self, user_id: str) -> int:
        """Take away what holds a user's id, in answer, key or route; give how many there were."""
        table = answers_table
        spellings = {user_id, json.dumps(user_id)[1:-1], json.dumps(user_id, ensure_ascii=False)}
        holds = [
            column.contains(spelling.strip('"'), autoescape=True)
            for column in (table.c.route, table.c.key, table.c.answer)
            for spelling in spellings
        ]
        with self.engine.begin() as connection:
            return connection.execute(delete(table).where(or_(*holds))).rowcount


def _at(route: str, key: str) -> ColumnElement[bool]:
    return (answers_table.c.route == route) & (answers_table.c.key == key)


def _what_is_left(route: str, key: str) -> Select[tuple[str, str | None]]:
    table = answers_table
    return select(table.c.digest, table.c.answer).where(_at(route, key))


def _trim(connection: Connection, now: int) -> None:
    """Forget what is old, and the oldest of what is too much."""
    claimed = answers_table.c.claimed_us
    latest = select(claimed).order_by(claimed.desc()).offset(MOST_ANSWERS - 1).limit(1)
    too_many = claimed <= latest.scalar_subquery()
    old = claimed < now - KEPT_SECONDS * 1_000_000
    connection.execute(delete(answers_table).where(or_(old, too_many)))
