"""The durable index and its mirror as one: Milvus remembers, the mirror answers.

The mirror's snapshot carries the version of the store that it shows. A search that finds the right
version never opens Milvus, so it starts fast and may run beside an index run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.database import WorkspaceError
from retrieval.base import Hit, Record
from retrieval.milvus import MilvusIndex
from retrieval.mirror import Mirror
from retrieval.snapshot import snapshot_name
from sensorium.workspace import Generation, Workspace


class IndexStore:
    """A ``VectorIndex`` that writes to Milvus first and to the mirror after.

    Args:
        workspace: the library's folder.
        generation: whose vectors are held.
        milvus: the durable index of that generation.
    """

    def __init__(self, workspace: Workspace, generation: Generation, milvus: MilvusIndex) -> None:
        self._workspace = workspace
        self._generation = generation
        self._milvus = milvus
        self.mirror = open_mirror(workspace, generation) or self._rebuilt()

    def upsert(self, records: Sequence[Record]) -> None:
        """Write records durably, then let them answer."""
        self._changed()
        self._milvus.upsert(records)
        self.mirror.upsert(records)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove records durably, then from the answers."""
        if keys:
            self._changed()
            self._milvus.delete(keys)
            self.mirror.delete(keys)

    def search(
        self, field_name: str, vectors: NDArray[np.float32], limit: int, where: str | None = None
    ) -> list[list[Hit]]:
        """Answer from the mirror."""
        return self.mirror.search(field_name, vectors, limit, where)

    def save(self) -> None:
        """Write the mirror's snapshot with the store's version, for searches to open."""
        self.mirror.version = stored_version(self._workspace, self._generation)
        self.mirror.save(snapshot_folder(self._workspace, self._generation))

    @property
    def is_empty(self) -> bool:
        """Whether the durable index holds no item."""
        return self._milvus.count() == 0

    def close(self) -> None:
        """Let go of the durable index; the mirror goes on answering."""
        self._milvus.close()

    def drop(self) -> None:
        """Remove this generation's vectors for good."""
        self._milvus.drop()
        self._milvus.close()
        shutil.rmtree(snapshot_folder(self._workspace, self._generation), ignore_errors=True)

    def _changed(self) -> None:
        # The version moves before the write, so that a crash leaves the snapshot marked as stale.
        version = stored_version(self._workspace, self._generation)
        if version == self.mirror.version:
            self._workspace.manifest.remember(_version_name(self._generation), version + 1)

    def _rebuilt(self) -> Mirror:
        mirror = Mirror(version=stored_version(self._workspace, self._generation))
        for records in self._milvus.records():
            mirror.upsert(records)
        return mirror


def newest_mirror(
    workspace: Workspace, generation: Generation, open_store: Callable[[Generation], IndexStore]
) -> tuple[Mirror, tuple[str, ...]]:
    """Give the mirror that answers now, rebuilt from the store where its snapshot is stale.

    Args:
        workspace: the library's folder.
        generation: whose vectors are searched.
        open_store: opens the durable index of a generation.

    Returns:
        The mirror, and what a person should know of it.

    Raises:
        WorkspaceError: an index run writes, and there is no earlier snapshot to answer from.
    """
    mirror = open_mirror(workspace, generation)
    if mirror is not None:
        return mirror, ()
    try:
        with workspace.exclusive():
            store = open_store(generation)
            store.save()
            store.close()
            return store.mirror, ()
    except WorkspaceError:
        mirror = Mirror.load(snapshot_folder(workspace, generation))
        if mirror is None:
            raise
        return mirror, ("an index run is under way: these are the answers from before it",)


def open_mirror(workspace: Workspace, generation: Generation) -> Mirror | None:
    """Open the snapshot that shows the store as it is; None where there is none."""
    version = stored_version(workspace, generation)
    return Mirror.load(snapshot_folder(workspace, generation), version)


def snapshot_folder(workspace: Workspace, generation: Generation) -> Path:
    """Where a generation's snapshot is."""
    return workspace.path / "mirror" / generation.name


def shown_snapshot(workspace: Workspace, generation: Generation) -> str:
    """Name of the snapshot that is there; another save has another. Empty where there is none."""
    return snapshot_name(snapshot_folder(workspace, generation))


def stored_version(workspace: Workspace, generation: Generation) -> int:
    """Number of the store's state; moves once between two snapshots."""
    return int(workspace.manifest.recall(_version_name(generation), 0))


def _version_name(generation: Generation) -> str:
    return f"index_version_{generation.name}"
