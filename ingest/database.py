"""One database for the workspace's bookkeeping: SQLite in its folder, or PostgreSQL by URL.

Vectors that serve live in Milvus; this database remembers items, what was done to their contents,
and what failed. SQLite runs in WAL mode: readers never wait for the writer, and a committed
transaction survives the death of the process. What is deleted there is overwritten; what SQLite
copied when a page filled up and was divided may stay in unused bytes until ``compact``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import ArgumentError, DatabaseError

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
        WorkspaceError: the database cannot be opened or is not a database; later failures of the
            engine are raised as this error, too.
    """
    try:
        engine = create_engine(url)
    except (ArgumentError, ImportError, ValueError) as error:
        raise WorkspaceError(
            f"store.database_url cannot be used: {error}",
            "write postgresql+psycopg://USER@HOST/DATABASE, with the extra sensorium[postgres] "
            "installed, or leave it out for SQLite in the workspace",
        ) from error
    place = str(engine.url.database or engine.url.render_as_string(hide_password=True))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)

    @event.listens_for(engine, "handle_error")
    def _translate(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, DatabaseError):
            raise _in_words(str(context.original_exception), place) from context.original_exception

    with engine.connect():
        return engine


def write_back(engine: Engine) -> bool:
    """Move what SQLite's log holds into its file and empty the log; other databases need no asking.

    Returns:
        Whether the log is empty: False where another connection is reading.
    """
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as connection:
        # A reader may stay for hours, so this waits for less long than a writer does.
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS // 20}")
        busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return not busy


def compact(engine: Engine) -> bool:
    """Write SQLite's file anew, with nothing in it but what is there; takes twice its size.

    Returns:
        Whether no older byte is left: False where another connection is reading.

    Raises:
        WorkspaceError: the disk is full, or another process goes on writing.
    """
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM")
    return write_back(engine)


def _in_words(text: str, place: str) -> WorkspaceError:
    if "readonly" in text or "unable to open" in text:
        return WorkspaceError(
            f"the workspace database {place} cannot be written",
            "check the folder's permissions, or choose another with --workspace",
        )
    if "disk is full" in text or "disk I/O" in text:
        return WorkspaceError(
            f"the disk that holds {place} is full",
            "free some space and run the same command again: finished work is kept",
        )
    if "not a database" in text or "malformed" in text:
        return WorkspaceError(
            f"{place} is not a Sensorium database",
            "restore it from a copy, or start a new workspace with --workspace",
        )
    if "locked" in text:
        return WorkspaceError(
            f"{place} is held by another process", "wait for the other command to finish"
        )
    return WorkspaceError(f"the workspace database {place} failed: {text}")


def _configure_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()
