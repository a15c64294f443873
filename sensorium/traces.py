"""Where a word still stands: in any table of the workspace's database, in any file of its folder.

No list says where to look: the database is asked for its tables, the folder for its files, so what
is added later is looked through as well. A word counts where neither a letter nor a digit stands
beside it; a column of people, ``user_id``, holds it where the whole cell is that word. Words of a
few letters or of nothing but digits are looked for in columns of people only: elsewhere they stand
for a hundred other things.

SQLite packs cells without anything between them, so in its files a word counts wherever its bytes
stand; where a cell that is there holds these bytes, as ``ann`` in ``anna``, the files cannot tell.

The database's own files are read by another process. Closing one of them here would take away the
locks of every connection that this process has (POSIX locks are a process's, not a file handle's),
and the next process to leave would remove the log that this one goes on writing to.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Engine, MetaData, String, Table, or_, select

from ingest.database import WorkspaceError

PEOPLE = "user_id"
"""Name of every column of people."""
SHORTEST = 6
"""Bytes of a word below which it is looked for in columns of people only."""
PIECE_BYTES = 1 << 24
"""Bytes of a file looked at in one go."""
_COPY = "import shutil, sys; shutil.copyfileobj(open(sys.argv[1], 'rb'), sys.stdout.buffer)"
_BESIDE = re.compile(rb"[0-9A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One place where the word still stands."""

    place: str
    """Table and column, or a file."""
    count: int
    """Cells; 1 for a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What a search found."""

    found: tuple[Trace, ...]
    """Where the word stands; empty for nowhere."""
    tables: int
    """Tables looked through."""
    files: int
    """Files looked through."""
    everywhere: bool
    """False where the word is too plain to be looked for outside columns of people."""
    files_tell: bool
    """Whether bytes of the word in the database's own files could only be what was deleted there:
    False where a cell holds them, the word is too plain, or the database has no files here."""


def find_traces(engine: Engine, folder: Path, word: str) -> Traces:
    """Look for a word in all tables, all files of a folder, and the files of the database.

    Args:
        engine: the database.
        folder: of the workspace.
        word: of 1 character or more.
    """
    spellings = _spellings(word)
    everywhere = len(word.encode()) >= SHORTEST and not word.isdigit()
    metadata = MetaData()
    metadata.reflect(engine)
    found, held = [], False
    for table in metadata.sorted_tables:
        for place, whole, part in _in_table(engine, table, word, everywhere):
            held |= part > 0
            found += [Trace(place=place, count=whole)] if whole else []
    own = database_files(engine)
    others = [file for file in _files(folder) if file not in own] if everywhere else []
    found += [
        Trace(place=str(file.relative_to(folder)), count=1)
        for file in others
        if _is_word_in(file, spellings)
    ]
    return Traces(
        found=tuple(found),
        tables=len(metadata.tables),
        files=len(others) + len(own),
        everywhere=everywhere,
        files_tell=everywhere and bool(own) and not held,
    )


def has_deleted_bytes(engine: Engine, word: str) -> bool:
    """Whether the database's own files hold the bytes of a word; see ``Traces.files_tell``."""
    return any(_has_bytes(file, _spellings(word)) for file in database_files(engine))


def _has_bytes(file: Path, words: tuple[bytes, ...]) -> bool:
    """Whether a file, which another process reads for us, holds the bytes of any of these words."""
    command = [sys.executable, "-I", "-S", "-c", _COPY, str(file)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as copier:
        assert copier.stdout is not None, "it is a pipe"
        found = _is_any_in(copier.stdout, words)
    if copier.returncode and not found and file.exists():
        raise WorkspaceError(f"{file} cannot be read", "check the folder's permissions")
    return found


def _is_any_in(stream: IO[bytes], words: tuple[bytes, ...]) -> bool:
    pieces = _pieces_of(stream, max(map(len, words)))
    return any(word in piece for piece, _, _ in pieces for word in words)


def database_files(engine: Engine) -> list[Path]:
    """The files of a SQLite database; none for others."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return []
    path = Path(engine.url.database)
    beside = (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")))
    return [file for file in beside if file.exists()]


def _spellings(word: str) -> tuple[bytes, ...]:
    """A word as it is, and as JSON writes it."""
    return tuple(dict.fromkeys((word.encode(), json.dumps(word)[1:-1].encode())))


def _in_table(
    engine: Engine, table: Table, word: str, everywhere: bool
) -> Iterator[tuple[str, int, int]]:
    """Give each column of text with the cells that hold the word, as a word and at all."""
    texts = [column for column in table.columns if isinstance(column.type, String)]
    columns = [column for column in texts if everywhere or column.name == PEOPLE]
    spellings = _spellings(word)
    with engine.connect() as connection:
        for column in columns:
            like = or_(*(column.contains(part.decode(), autoescape=True) for part in spellings))
            query = select(column).where(like).execution_options(yield_per=1000)
            whole = part = 0
            for cell in connection.scalars(query):
                given = cell.encode()
                part += any(spelling in given for spelling in spellings)
                whole += (
                    cell == word
                    if column.name == PEOPLE
                    else any(_stands_in(given, spelling) for spelling in spellings)
                )
            yield f"{table.name}.{column.name}", whole, part


def _stands_in(text: bytes, word: bytes, first: bool = True, last: bool = True) -> bool:
    """Whether a word stands in a text with neither a letter nor a digit beside it.

    Args:
        text: all of it, or a piece.
        word: what to look for.
        first: whether nothing comes before the piece.
        last: whether nothing comes after it.
    """
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        inside = (at > 0 or first) and (end < len(text) or last)
        if inside and not _BESIDE.search(text[max(at - 1, 0) : at] + text[end : end + 1]):
            return True
        at = text.find(word, at + 1)
    return False


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _pieces(file: Path, overlap: int) -> Iterator[tuple[bytes, bool, bool]]:
    """Read a file in pieces that overlap; each with whether it is the first and the last.

    Pieces are read, not mapped: another process may cut the file short meanwhile. A file that has
    gone away has no pieces.
    """
    try:
        with file.open("rb") as stream:
            yield from _pieces_of(stream, overlap)
    except FileNotFoundError:
        return


def _pieces_of(stream: IO[bytes], overlap: int) -> Iterator[tuple[bytes, bool, bool]]:
    piece, first = stream.read(PIECE_BYTES), True
    while piece:
        more = stream.read(PIECE_BYTES)
        yield piece, first, not more
        first = first and len(piece) <= overlap
        piece = piece[-overlap:] + more if more else b""


def _is_word_in(file: Path, words: tuple[bytes, ...]) -> bool:
    return any(
        _stands_in(piece, word, first, last)
        for word in words
        for piece, first, last in _pieces(file, len(word) + 1)
    )
