"""API keys: who may call, kept in the workspace's database.

A key is ``sns_ID_SECRET``. The id is public and finds the row. The secret is 256 random bits, of
which only the SHA-256 is kept: a slow hash protects words that people think of, and nobody guesses
256 bits. Rows of revoked keys stay, so that a service on this machine that asks for keys does not
open itself to all because the last one was revoked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from sqlalchemy import Column, Engine, Integer, MetaData, Row, String, Table, Text, select, update

from ingest.errors import SensoriumError
from ingest.event import is_name

METADATA = MetaData()

keys_table = Table(
    "api_keys",
    METADATA,
    Column("key_id", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("scope", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("user_id", Text),
    Column("created_at", String, nullable=False),
    Column("expires_at", String),
    Column("used_at", String),
    Column("revoked_at", String),
)

KEY = re.compile(r"sns_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
NOBODY = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
"""Compared with where there is no such key, so that this takes as long as a wrong secret."""
MOST_NAME_CHARACTERS = 200


class Scope(IntEnum):
    """What a caller may do; each scope contains the ones before."""

    READ = 1
    WRITE = 2
    ADMIN = 3


class ApiKeyError(SensoriumError):
    """A key cannot be made, or is not there."""

    code = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of a key; the secret is not."""

    key_id: str
    """Public part."""
    scope: Scope
    """What its holder may do."""
    name: str
    """What a person calls it; may be empty."""
    user_id: str | None
    """The one user whom its holder may speak of and for; None for all."""
    created_at: datetime
    """UTC."""
    expires_at: datetime | None
    """UTC; None for never."""
    used_at: datetime | None
    """UTC, to the hour or so; None for never."""
    revoked_at: datetime | None
    """UTC; None while it holds."""

    def holds(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class KeyStore:
    """The API keys of one workspace.

    Args:
        engine: from ``ingest.database.open_database``.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)

    def create(
        self,
        scope: Scope,
        name: str = "",
        user_id: str | None = None,
        lifetime: timedelta | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key.

        Args:
            scope: what its holder may do.
            name: what a person calls it.
            user_id: the one user whom its holder may speak of; None for all.
            lifetime: until it expires; None for ever.

        Returns:
            What is known of it, and the key itself, which is nowhere else.

        Raises:
            ApiKeyError: these do not fit together.
        """
        _check(scope, name, user_id, lifetime)
        now = datetime.now(UTC).replace(microsecond=0)
        key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        row = {
            "key_id": key_id,
            "digest": _digest(secret),
            "scope": int(scope),
            "name": name,
            "user_id": user_id,
            "created_at": now.isoformat(),
            "expires_at": None if lifetime is None else (now + lifetime).isoformat(),
        }
        with self.engine.begin() as connection:
            connection.execute(keys_table.insert().values(**row))
        return self.key(key_id), f"sns_{key_id}_{secret}"

    def key(self, key_id: str) -> ApiKey:
        """Give what is known of a key.

        Raises:
            ApiKeyError: there is none with this id.
        """
        row = self._row(key_id)
        if row is None:
            raise ApiKeyError(f"there is no key {key_id!r}", "see sensorium keys list")
        return _key(row)

    def keys(self) -> list[ApiKey]:
        """Give all keys, the oldest first, revoked ones among them."""
        order = (keys_table.c.created_at, keys_table.c.key_id)
        with self.engine.connect() as connection:
            return [_key(row) for row in connection.execute(select(keys_table).order_by(*order))]

    def any(self) -> bool:
        """Whether a key was ever made."""
        with self.engine.connect() as connection:
            return connection.execute(select(keys_table.c.key_id).limit(1)).first() is not None

    def find(self, given: str) -> ApiKey | None:
        """Give the key that a caller shows; None where it is none, revoked or expired."""
        parts = KEY.fullmatch(given)
        row = self._row(parts[1]) if parts else None
        secret = parts[2] if parts else ""
        right = hmac.compare_digest(_digest(secret), NOBODY if row is None else row.digest)
        if row is None or not right:
            return None
        key = _key(row)
        return key if key.holds(datetime.now(UTC)) else None

    def used(self, key_id: str, moment: datetime) -> None:
        """Keep when a key was used last."""
        self._set(key_id, used_at=moment.replace(microsecond=0).isoformat())

    def revoke(self, key_id: str) -> ApiKey:
        """Take a key's rights away for good; doing it again changes nothing.

        Raises:
            ApiKeyError: there is none with this id.
        """
        if self.key(key_id).revoked_at is None:
            self._set(key_id, revoked_at=datetime.now(UTC).replace(microsecond=0).isoformat())
        return self.key(key_id)

    def erase(self, user_id: str) -> int:
        """Revoke the keys of a user and forget whose they were; give how many there were."""
        now = datetime.now(UTC).replace(microsecond=0).isoformat()
        bound = update(keys_table).where(keys_table.c.user_id == user_id)
        with self.engine.begin() as connection:
            return connection.execute(bound.values(user_id=None, name="", revoked_at=now)).rowcount

    def _row(self, key_id: str) -> Row[tuple[str, ...]] | None:
        with self.engine.connect() as connection:
            return connection.execute(
                select(keys_table).where(keys_table.c.key_id == key_id)
            ).first()

    def _set(self, key_id: str, **values: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                update(keys_table).where(keys_table.c.key_id == key_id).values(**values)
            )


def _check(scope: Scope, name: str, user_id: str | None, lifetime: timedelta | None) -> None:
    if len(name) > MOST_NAME_CHARACTERS or not name.isprintable():
        raise ApiKeyError("a name is up to 200 printable characters", "choose another --name")
    if user_id is not None and not is_name(user_id):
        raise ApiKeyError(f"{user_id!r} is no user", "use the id that their events have")
    if user_id is not None and scope is Scope.ADMIN:
        raise ApiKeyError("a key of one user cannot have the scope admin", "use read or write")
    if lifetime is not None and lifetime <= timedelta(0):
        raise ApiKeyError("a key must live for some time", "give days above 0, or none for ever")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Row[tuple[str, ...]]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        scope=Scope(row.scope),
        name=row.name,
        user_id=row.user_id,
        created_at=datetime.fromisoformat(row.created_at),
        expires_at=_moment(row.expires_at),
        used_at=_moment(row.used_at),
        revoked_at=_moment(row.revoked_at),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
