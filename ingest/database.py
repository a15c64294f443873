"""One database for the workspace's bookkeeping: SQLite in its folder, or PostgreSQL by URL.

Vectors that serve live in Milvus; this database remembers items, what was done to their contents,
and what failed. SQLite runs in WAL mode: readers never wait for the writer, and a committed
transaction survives the death of the process. What is deleted there is overwritten; what SQLite
copied when a page filled up and was divided may stay in unused bytes until ``compact``.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine, ExceptionContext, Table, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from ingest.errors import SensoriumError

BUSY_TIMEOUT_MS = 30_000
MOST_CONNECTIONS = 27
"""Beside the five that are kept; PostgreSQL lets in a hundred by default, over all processes."""
POOL_SECONDS = 5.0
"""How long a thread waits for one of them."""
CONNECT_SECONDS, SILENCE_SECONDS = 5, 10
"""What a server may take to let in, and to acknowledge what was sent."""
AWAY_SECONDS = 1.0
"""Time for which a server that was not reached is not tried again."""


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
        engine = create_engine(url, **_connections(url))
    except (ArgumentError, ImportError, ValueError) as error:
        raise WorkspaceError(
            f"store.database_url cannot be used: {error}",
            "write postgresql+psycopg://USER@HOST/DATABASE, with the extra sensorium[postgres] "
            "installed, or leave it out for SQLite in the workspace",
        ) from error
    place = str(engine.url.database or engine.url.render_as_string(hide_password=True))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)

    gate = _Gate(place)
    event.listen(engine, "do_connect", gate.check)

    @event.listens_for(engine, "handle_error")
    def _translate(context: ExceptionContext) -> None:
        if context.is_pre_ping:
            return  # The pool opens another connection.
        if _is_away(context):
            gate.shut()
            raise gate.error from context.original_exception
        if isinstance(context.sqlalchemy_exception, DatabaseError):
            raise _in_words(str(context.original_exception), place) from context.original_exception

    with engine.connect():
        return engine


class _Gate:
    """Keeps connections from being tried while a server is known to be away.

    Without it every request of a service would wait for its own attempt to fail.

    Args:
        place: name of the database.
    """

    def __init__(self, place: str) -> None:
        self._place, self._shut_until = place, 0.0

    @property
    def error(self) -> WorkspaceError:
        """What is told meanwhile; without addresses, as clients may see it."""
        return WorkspaceError(
            f"the database {self._place} does not answer",
            "see that the server runs; what was asked is answered again once it does",
        )

    def shut(self) -> None:
        """Try no connection for a while."""
        self._shut_until = time.monotonic() + AWAY_SECONDS

    def check(self, *_: Any) -> None:
        """Let a connection be tried.

        Raises:
            WorkspaceError: the last one failed just now.
        """
        if time.monotonic() < self._shut_until:
            raise self.error


def _connections(url: str) -> dict[str, Any]:
    """How connections are made and kept: for the threads of a service, and through restarts."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        return {}  # In memory there is one connection a thread, and no pool.
    kept: dict[str, Any] = {"pool_timeout": POOL_SECONDS, "max_overflow": MOST_CONNECTIONS}
    if parsed.get_driver_name() == "psycopg":
        # One that the server has dropped is noticed before it is used, and silence is an end.
        kept["pool_pre_ping"] = True
        kept["connect_args"] = {
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": 1000 * SILENCE_SECONDS,
        }
    return kept


def _is_away(context: ExceptionContext) -> bool:
    """Whether a server was not reached, or hung up."""
    if context.dialect.name == "sqlite":
        return False
    connecting = context.connection is None and isinstance(
        context.sqlalchemy_exception, OperationalError
    )
    return connecting or context.is_disconnect


def add_columns(engine: Engine, table: Table) -> None:
    """Give a table that an older version made the columns that it lacks; they may be null."""
    known = {column["name"] for column in inspect(engine).get_columns(table.name)}
    quote = engine.dialect.identifier_preparer.quote
    for column in table.columns:
        if column.name not in known:
            kind = column.type.compile(engine.dialect)
            with engine.begin() as connection:
                connection.exec_driver_sql(
                    f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind}"
                )


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
    if "disk I/O" in text:
        return WorkspaceError(
            f"{place} cannot be read or written: {text}",
            "see that the disk is sound, and that nobody removes files of the workspace",
        )
    if "disk is full" in text:
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
