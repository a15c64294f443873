"""The workspace folder: its lock, its database, and the generations of its index.

A generation is one set of item vectors made by one recipe. Another recipe never writes into it:
it builds the next generation beside, and the workspace switches when that one is whole.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from encoders.cache import EmbeddingCache
from ingest.catalogue import Catalogue
from ingest.database import WorkspaceError, open_database
from ingest.event_log import EventLog
from ray_jobs.manifest import Manifest

ACTIVE = "active_generation"
BUILDING = "building_generation"
NAME = "workspace_name"
ALIGNMENT, FUSION = "alignment", "fusion"
"""What a library learns: maps into the joint space, and how views are fused there."""
SOURCES = "sources"
"""Folder of what sources keep of the log, made again from it where it is missing."""
LOCK = "workspace.lock"
"""File that whoever writes holds, with who that is."""
MEASURED_SECONDS = 10.0
"""For so long what was measured of the folder is not measured again; many ask, and it is a walk."""
PATIENCE_SECONDS = 0.5
"""Waited for who holds the workspace for a moment only, as an edit of a view does."""


class HeldError(WorkspaceError):
    """Another process writes."""

    code = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One set of item vectors."""

    number: int
    """Counts from 1."""
    recipe: str
    """Digest of the recipe that makes its vectors."""
    made_by: dict[str, str]
    """What each part of the recipe was, in words, for a person to compare."""

    @property
    def name(self) -> str:
        """Name in the index."""
        return f"g{self.number}"


class Workspace:
    """One library's folder.

    Args:
        path: the folder.
        decode_digest: digest of the decode options in use.
        database_url: where the bookkeeping is; None for SQLite in the folder.
        create: make the folder where there is none.

    Raises:
        WorkspaceError: it is not there, cannot be written, or is not a workspace.
    """

    def __init__(
        self, path: Path, decode_digest: str, database_url: str | None = None, create: bool = False
    ) -> None:
        self.path = path
        if create:
            _make_folder(path)
        elif not (path / "catalogue.db").exists() and database_url is None:
            raise WorkspaceError(
                f"there is no workspace at {path}",
                "make one with sensorium index PATH, or name another with --workspace",
            )
        self.engine = open_database(database_url or f"sqlite:///{path / 'catalogue.db'}")
        self.catalogue = Catalogue(self.engine)
        self.event_log = EventLog(self.engine)
        self.cache = EmbeddingCache(self.engine)
        self.manifest = Manifest(self.engine, decode_digest)
        self._measured = (0.0, 0)

    @property
    def name(self) -> str:
        """A word that no other workspace has, for stores that several may share."""
        known = self.manifest.recall(NAME)
        if known is None:
            known = f"w{secrets.token_hex(4)}"
            self.manifest.remember(NAME, known)
        return str(known)

    @property
    def uploads(self) -> Path:
        """Folder of what came over HTTP, by absolute path; each upload in a folder of its own."""
        return self.path.absolute() / "uploads"

    @property
    def active(self) -> Generation | None:
        """The generation that answers; None before the first run."""
        return _generation(self.manifest.recall(ACTIVE))

    @property
    def building(self) -> Generation | None:
        """The generation that a re-embedding is filling; None when none is under way."""
        return _generation(self.manifest.recall(BUILDING))

    def open_generation(self, recipe: str, made_by: dict[str, str], reembed: bool) -> Generation:
        """Give the generation that a run with this recipe writes.

        Args:
            recipe: digest of today's recipe.
            made_by: the recipe's parts in words.
            reembed: build a new generation where the recipe differs.

        Raises:
            WorkspaceError: the recipe differs and ``reembed`` is false; nothing was changed.
        """
        active, building = self.active, self.building
        if active is not None and active.recipe == recipe:
            return active
        if active is not None and not reembed:
            raise WorkspaceError(
                f"this workspace was made with {changes(active.made_by, made_by)}",
                "go back to those settings, see what would be recomputed with sensorium plan, "
                "or build anew beside the old with --reembed",
            )
        if building is not None and building.recipe == recipe:
            return building
        newest = max((g.number for g in (active, building) if g is not None), default=0)
        fresh = Generation(number=newest + 1, recipe=recipe, made_by=made_by)
        self.manifest.remember(BUILDING if active else ACTIVE, _to_json(fresh))
        return fresh

    def switch(self, generation: Generation) -> Generation | None:
        """Let a finished generation answer; give the old one, whose vectors may be dropped."""
        old = self.active
        if old is not None and old.number == generation.number:
            return None
        for part in (ALIGNMENT, FUSION):
            newest = self.manifest.recall(_learnt_name(part))
            self.manifest.remember(_learnt_name(part, generation), newest)
        self.manifest.remember(ACTIVE, _to_json(generation))
        self.manifest.remember(BUILDING, None)
        return old

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the workspace for writing.

        Raises:
            HeldError: another process holds it.
            WorkspaceError: the folder cannot be written.
        """
        try:
            handle = (self.path / LOCK).open("a+", encoding="utf-8")
        except OSError as error:
            raise _unwritable(self.path, error) from error
        with handle:
            if not _taken(handle):
                handle.seek(0)
                raise HeldError(
                    f"{self.path} is being written by {handle.read().strip() or 'another process'}",
                    "wait for it to finish, or choose another workspace with --workspace",
                )
            handle.truncate(0)
            handle.write(f"process {os.getpid()} ({' '.join(Path(a).name for a in sys.argv[:2])})")
            handle.flush()
            yield

    @property
    def is_held(self) -> bool:
        """Whether somebody writes now, in this process or another."""
        try:
            handle = (self.path / LOCK).open("rb")
        except FileNotFoundError:
            return False
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def learnt(self, part: str, newest: bool) -> Path | None:
        """Where it is what was learnt from this library.

        Args:
            part: ``ALIGNMENT`` or ``FUSION``.
            newest: what was learnt last; otherwise what is behind the generation that answers.

        Returns:
            The file or folder; None where nothing was learnt.
        """
        active = None if newest else self.active
        known = self.manifest.recall(_learnt_name(part, active))
        return self.path / known if known else None

    def learn(self, part: str, path: Path) -> None:
        """Let the next generation take this file or folder of the workspace."""
        self.manifest.remember(_learnt_name(part), str(path.relative_to(self.path)))

    def size_bytes(self) -> int:
        """Disk space of everything in the folder, as it was some seconds ago at most."""
        until, size = self._measured
        if time.monotonic() >= until:
            size = sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())
            self._measured = time.monotonic() + MEASURED_SECONDS, size
        return size


def changes(old: dict[str, str], new: dict[str, str]) -> str:
    """Say which parts of a recipe differ."""
    parts = [
        f"{name} {old.get(name, 'none')} (now {new.get(name, 'none')})"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    return ", ".join(parts) or "other settings"


def _taken(handle: IO[str]) -> bool:
    """Take the lock, with a moment of patience; give whether that went."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(PATIENCE_SECONDS / 20)
        else:
            return True


def _learnt_name(part: str, generation: Generation | None = None) -> str:
    return f"learnt_{part}" + (f"_{generation.name}" if generation else "")


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"the workspace {path} cannot be written: {error.strerror}",
        "check the folder's permissions and free space, or choose another with --workspace",
    )


def _generation(value: dict[str, Any] | None) -> Generation | None:
    return Generation(**value) if value else None


def _to_json(generation: Generation) -> dict[str, Any]:
    return {
        "number": generation.number,
        "recipe": generation.recipe,
        "made_by": generation.made_by,
    }
