"""Files wherever they are: a local path is read directly, any other URI through fsspec.

Local folders are listed with ``os.scandir``, because times in nanoseconds and links matter there:
a link to a file counts as the file, a link to a folder is not entered (it may lead back).
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from ingest.errors import DecodeError

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One name in a folder."""

    name: str
    """Last part of the path."""
    uri: str
    """Absolute path, or a URI that fsspec opens."""
    size_bytes: int = 0
    """Length of a file."""
    modified_ns: int = 0
    """Modification time in nanoseconds since the epoch; 0 where unknown."""
    is_folder: bool = False
    """Whether it can be listed."""
    fault: str = ""
    """Why it is no file to read, for a person; empty for files and folders."""


def is_local(uri: str) -> bool:
    """Whether a URI is a path of this machine."""
    return "://" not in uri or uri.startswith(("file://", "local://"))


def absolute(uri: str) -> str:
    """Give a local path its absolute form; leave other URIs alone but for a trailing slash."""
    if is_local(uri):
        return os.path.abspath(os.path.expanduser(uri.split("://", 1)[-1]))  # noqa: PTH100, PTH111
    return uri.rstrip("/")


def join(folder: str, name: str) -> str:
    """Resolve a name against a folder; an absolute path or URI stays what it is."""
    if "://" in name or (is_local(folder) and Path(name).expanduser().is_absolute()):
        return absolute(name)
    return absolute(f"{folder}/{name}")


def parent(uri: str) -> str:
    """Folder that holds a file."""
    return uri.rpartition("/")[0] or "/"


def look_up(uri: str) -> Entry:
    """Describe one file or folder.

    Raises:
        DecodeError: ``missing``, where it is not there or may not be read.
    """
    name = uri.rstrip("/").rpartition("/")[2]
    try:
        if is_local(uri):
            return _local_entry(name, uri, os.stat(uri))  # noqa: PTH116
        system, path = _open_system(uri)
        return _remote_entry(system, system.info(path))
    except (OSError, ValueError, ImportError) as error:
        raise _missing(uri, error) from error


def list_folder(uri: str) -> list[Entry]:
    """List a folder, sorted by name; hidden names are left out.

    Raises:
        DecodeError: ``missing``, where it cannot be listed.
    """
    try:
        if is_local(uri):
            with os.scandir(uri) as found:
                entries = [_scanned(entry) for entry in found if not entry.name.startswith(".")]
        else:
            system, path = _open_system(uri)
            listed = system.ls(path, detail=True)
            entries = [_remote_entry(system, info) for info in listed if info["name"] != path]
    except (OSError, ValueError, ImportError) as error:
        raise _missing(uri, error) from error
    return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)


def _scanned(entry: os.DirEntry[str]) -> Entry:
    try:
        found = entry.stat()
    except OSError as error:
        return Entry(name=entry.name, uri=entry.path, fault=f"cannot be read ({error.strerror})")
    if entry.is_symlink() and stat.S_ISDIR(found.st_mode):
        return Entry(name=entry.name, uri=entry.path, fault="a link to a folder is not followed")
    return _local_entry(entry.name, entry.path, found)


def _local_entry(name: str, uri: str, found: os.stat_result) -> Entry:
    folder = stat.S_ISDIR(found.st_mode)
    regular = folder or stat.S_ISREG(found.st_mode)
    return Entry(
        name=name,
        uri=uri,
        size_bytes=0 if folder else found.st_size,
        modified_ns=found.st_mtime_ns,
        is_folder=folder,
        fault="" if regular else "is a pipe, socket or device, not a file",
    )


def _remote_entry(system: Any, info: dict[str, Any]) -> Entry:
    modified: Any = info.get("mtime") or info.get("LastModified") or info.get("created")
    seconds = modified.timestamp() if isinstance(modified, datetime) else modified
    return Entry(
        name=info["name"].rstrip("/").rpartition("/")[2],
        uri=system.unstrip_protocol(info["name"]),
        size_bytes=int(info.get("size") or 0),
        modified_ns=int(seconds * 1e9) if isinstance(seconds, int | float) else 0,
        is_folder=info["type"] == "directory",
    )


def _open_system(uri: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    return cast("tuple[Any, str]", url_to_fs(uri))


@contextmanager
def open_bytes(uri: str) -> Iterator[IO[bytes]]:
    """Open a file for reading.

    Raises:
        DecodeError: ``missing``, where it cannot be opened or read.
    """
    try:
        stream = _open(uri)
    except (OSError, ValueError, ImportError) as error:
        raise _missing(uri, error) from error
    try:
        with stream:
            yield stream
    except OSError as error:
        raise _missing(uri, error) from error


def _open(uri: str) -> IO[bytes]:
    if is_local(uri):
        return Path(uri).open("rb")
    system, path = _open_system(uri)
    return cast("IO[bytes]", system.open(path, "rb"))


@contextmanager
def local_copy(uri: str) -> Iterator[Path]:
    """Give a local path to a file's bytes; a remote file is fetched, and removed afterwards.

    Raises:
        DecodeError: ``missing``, where it cannot be fetched.
    """
    if is_local(uri):
        yield Path(absolute(uri))
        return
    with tempfile.TemporaryDirectory(prefix="sensorium-") as folder:
        path = Path(folder) / (uri.rpartition("/")[2] or "file")
        with open_bytes(uri) as source, path.open("wb") as copy:
            while chunk := source.read(CHUNK_BYTES):
                copy.write(chunk)
        yield path


def content_hash(uri: str) -> str:
    """Hash a file's bytes: hex BLAKE2b-160, read in chunks.

    Raises:
        DecodeError: ``missing``, where it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=20)
    with open_bytes(uri) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _missing(uri: str, error: Exception) -> DecodeError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return DecodeError("missing", f"{uri} cannot be read ({reason})", "check its name and rights")
