"""Profiles that have been written, in the workspace's database: one row per person and horizon.

A row is also the cache: a text is found by the hash of its prompt, whoever it was written for.
There is no other copy, so erasing a person's rows leaves nothing of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    delete,
    select,
)

from ingest.catalogue import upsert
from ingest.event_log import NAME
from ranking.profiles import Horizon

METADATA = MetaData()

profiles_table = Table(
    "profiles",
    METADATA,
    Column("user_id", NAME, primary_key=True),
    Column("horizon", String, primary_key=True),
    Column("text", Text, nullable=False),
    Column("writer", String, nullable=False),
    Column("asked", String, nullable=False),
    Column("prompt_hash", String, nullable=False, index=True),
    Column("events", Integer, nullable=False),
    Column("written_us", BigInteger, nullable=False),
    Column("space", String, nullable=False),
    Column("vector", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """One profile of one person."""

    user_id: str
    """Whose."""
    horizon: Horizon
    """Short or long."""
    text: str
    """What was written."""
    writer: str
    """Who wrote it."""
    asked: str
    """Who was asked to write it; another where the template stood in."""
    prompt_hash: str
    """Hash of what was asked."""
    events: int
    """Events that the person had then."""
    written_us: int
    """When, microseconds since 1970."""
    space: str
    """Digest of what encoded it."""
    vector: NDArray[np.float32]
    """The text encoded, (D,)."""


class ProfileStore:
    """The profiles of one workspace.

    Args:
        engine: from ``ingest.database.open_database``.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)

    def keep(self, profiles: Sequence[Profile]) -> None:
        """Keep profiles in the place of those that were there."""
        rows = [_to_row(profile) for profile in profiles]
        with self.engine.begin() as connection:
            upsert(connection, profiles_table, rows)

    def of(self, user_id: str) -> Mapping[Horizon, Profile]:
        """Give a person's profiles by horizon."""
        query = select(profiles_table).where(profiles_table.c.user_id == user_id)
        with self.engine.connect() as connection:
            found = [_from_row(row) for row in connection.execute(query)]
        return {profile.horizon: profile for profile in found}

    def written(self, prompt_hash: str) -> Profile | None:
        """Give a profile that was written for such a prompt; None where there is none."""
        query = select(profiles_table).where(profiles_table.c.prompt_hash == prompt_hash).limit(1)
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else _from_row(row)

    def erase(self, user_id: str) -> int:
        """Take away a person's profiles for good; give how many there were."""
        query = delete(profiles_table).where(profiles_table.c.user_id == user_id)
        with self.engine.begin() as connection:
            return connection.execute(query).rowcount


def _to_row(profile: Profile) -> dict[str, object]:
    names = [column.name for column in profiles_table.columns]
    row: dict[str, object] = {name: getattr(profile, name) for name in names}
    return {**row, "vector": np.asarray(profile.vector, "<f4").tobytes()}


def _from_row(row: Row[tuple[object, ...]]) -> Profile:
    known: dict[str, Any] = dict(zip(profiles_table.columns.keys(), row, strict=True))
    known["vector"] = np.frombuffer(known["vector"], "<f4").astype(np.float32)
    return Profile(**known)
