"""One database for the workspace's bookkeeping: SQLite in its folder, or PostgreSQL by URL.

Vectors that serve live in Milvus; this database remembers items, what was done to their contents,
and what failed. SQLite runs in WAL mode: readers never wait for the writer, and a committed
transaction survives the death of the process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError

from ingest.errors import SensoriumError

BUSY_TIMEOUT_MS = 30_000


class WorkspaceError(SensoriumError):
    """The workspace cannot be opened, read or written."""

    code = "workspace"


def open_database(url: str) -> Engine:
    """Open the bookkeeping database, creating the file where there is none.

    Args:
        url: SQLAlchemy URL, ``sqlite:///PATH`` or ``postgresql+psycopg://…``.

    Returns:
        An engine; tables are created by the modules that own them.

    Raises:
        WorkspaceError: the database cannot be opened or is not a database.
    """
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    try:
        with engine.connect():
            return engine
    except (OperationalError, DatabaseError) as error:
        raise explain(error, str(engine.url.database or url)) from error


def explain(error: DatabaseError, place: str) -> WorkspaceError:
    """Turn a database failure into one sentence with a next step."""
    text = str(error.orig)
    if "readonly" in text or "unable to open" in text:
        return WorkspaceError(
            f"the workspace database {Path(place)} cannot be written",
            "check the folder's permissions, or choose another with --workspace",
        )
    if "disk is full" in text or "disk I/O" in text:
        return WorkspaceError(
            f"the disk that holds {Path(place)} is full",
            "free some space and run the same command again: finished work is kept",
        )
    if "not a database" in text or "malformed" in text:
        return WorkspaceError(
            f"{Path(place)} is not a Sensorium database",
            "restore it from a copy, or start a new workspace with --workspace",
        )
    if "locked" in text:
        return WorkspaceError(
            f"{Path(place)} is held by another process",
            "wait for the other command to finish",
        )
    return WorkspaceError(f"the workspace database {Path(place)} failed: {text}")


def _configure_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
