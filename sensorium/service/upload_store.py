"""Uploaded files: each in a folder of its own below ``uploads``, with its words beside it.

What has been acknowledged is on the disk. A file is written beside, in ``incoming``, and its folder
moves to its place in one step, so that an index run sees all of an upload or nothing. Names of
files are ours; the caller's name is at most a title.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sensorium.service.problems import ServiceError

if TYPE_CHECKING:
    from sensorium.workspace import Workspace

STEM = "medium"
"""Name of every uploaded file, before its extension."""
ABANDONED_SECONDS = 24 * 3_600
"""Age from which a file that never became whole is removed."""


class UploadStore:
    """The uploads of one library.

    Args:
        workspace: the library's folder.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.folder = workspace.uploads
        self._incoming = self.folder.with_name("incoming")

    def begin(self, kind: str) -> Incoming:
        """Start to take a file in; ``kind`` is its extension.

        Raises:
            ServiceError: the disk is full.
        """
        try:
            self._incoming.mkdir(exist_ok=True)
            self.folder.mkdir(exist_ok=True)
            self._sweep()
            return Incoming(self._incoming, kind)
        except OSError as error:
            raise _unwritten(error) from error

    def place(self, item_id: str) -> Path:
        """Folder of the upload with this id, whether there is one or not."""
        return self.folder / blake2b(item_id.encode(), digest_size=16).hexdigest()

    def _sweep(self) -> None:
        """Remove what uploads left that were broken off."""
        oldest = time.time() - ABANDONED_SECONDS
        for left in self._incoming.iterdir():
            if left.stat().st_mtime < oldest:
                shutil.rmtree(left, ignore_errors=True)


class Incoming:
    """A file on its way in.

    Args:
        folder: where unfinished uploads are.
        kind: extension of the file.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder / os.urandom(12).hex()
        self._folder.mkdir()
        self._file = (self._folder / f"{STEM}.{kind}").open("xb")
        self.size_bytes = 0
        """Bytes written so far."""

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            ServiceError: the disk is full.
        """
        try:
            self._file.write(data)
        except OSError as error:
            raise _unwritten(error) from error
        self.size_bytes += len(data)

    def finish(self, place: Path, words: Mapping[str, Any]) -> None:
        """Put the upload in its place; on return it is on the disk.

        Args:
            place: its folder, as ``UploadStore.place`` gives it.
            words: what stands beside the file, as ``ingest.records`` reads it.

        Raises:
            ServiceError: there is an upload of this id by now, or the disk is full.
        """
        try:
            _flush(self._file)
            with (self._folder / f"{STEM}.json").open("xb") as beside:
                beside.write(json.dumps(dict(words), ensure_ascii=False).encode())
                _flush(beside)
            _flush_folders([self._folder])
            self._folder.rename(place)
            _flush_folders([place.parent, self._folder.parent])
        except OSError as error:
            raise _unwritten(error) from error

    def close(self) -> None:
        """Let go; what has not been finished is removed."""
        with suppress(OSError):  # A full disk refuses what is still to be written.
            self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_folders(folders: Sequence[Path]) -> None:
    for folder in folders:
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _unwritten(error: OSError) -> ServiceError:
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
        hint = "delete the item, or give the new one another id"
        return ServiceError(409, "taken", "there is an upload of this item_id already", hint)
    return ServiceError(
        503, "disk", f"the file cannot be kept: {error.strerror}", "free some space"
    )
