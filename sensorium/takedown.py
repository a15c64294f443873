"""Items taken down: out of the answers, the views, the catalogue and the caches, with a receipt.

Every step may be done twice, and the catalogue forgets an item last: where something ends the
process in between, taking it down again finishes. Files beneath the workspace, which were uploaded,
go as well; files elsewhere are their owner's, and the receipt names them: an index run over their
folder would take them in again. What people did with an item stays in the log, which is theirs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from ingest.item import Item
from ingest.relations import forget_ends
from ranking.title_store import forget_titles
from ranking.view_store import ViewStore, members_table
from ray_jobs.duplicates import link_duplicates
from ray_jobs.manifest import indexed_table
from ray_jobs.removal import forget_contents
from ray_jobs.write import ItemWriter, Stores
from sensorium import assemble
from sensorium.index_store import IndexStore

if TYPE_CHECKING:
    from sensorium.library import Library
    from sensorium.workspace import Generation, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenDown:
    """What taking items down did."""

    item_ids: tuple[str, ...]
    """Which."""
    taken_at: datetime
    """When, UTC."""
    removed: Mapping[str, int]
    """What was taken away, by store."""
    left: tuple[str, ...]
    """Their files that are elsewhere and were left there."""
    notes: tuple[str, ...]
    """What else a person should know."""


def take_down(library: Library, item_ids: Sequence[str]) -> TakenDown:
    """Take items out of a library; unknown ids are passed over.

    Args:
        library: the library.
        item_ids: which.

    Raises:
        WorkspaceError: another process writes the workspace, or it cannot be written.
    """
    workspace = library.workspace
    with workspace.exclusive():
        items = workspace.catalogue.get(item_ids)
        ids = sorted(items)
        vectors, notes = _from_indexes(library, ids)
        removed = {"vectors": vectors, "places in views": _from_views(workspace, ids)}
        removed["files"], left = _from_folder(workspace, items.values())
        with workspace.engine.begin() as connection:
            workspace.manifest.unmark(connection, ids)
            workspace.catalogue.remove(connection, ids)
            removed["titles"] = forget_titles(connection, ids)
            removed["relations"] = forget_ends(connection, ids)
            removed |= {"items": len(ids), **forget_contents(connection, items.values())}
    if left:
        notes = (*notes, "the files are still there: an index run over them takes them in again")
    return TakenDown(
        item_ids=tuple(ids),
        taken_at=datetime.now(UTC),
        removed=removed,
        left=left,
        notes=notes,
    )


def _from_indexes(library: Library, item_ids: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Take vectors out of every generation; give of how many items, and what else to say."""
    workspace, held = library.workspace, set[str]()
    notes: tuple[str, ...] = ()
    for generation in (workspace.active, workspace.building):
        if generation is None or not item_ids:
            continue
        milvus = assemble.milvus(library.config, workspace, generation, library.family)
        with closing(IndexStore(workspace, generation, milvus)) as store:
            known = [key for key in item_ids if store.mirror.vectors(key)]
            store.delete(known)
            held.update(known)
            if generation == workspace.active:
                notes = _free_copies(library, generation, store, item_ids)
            store.save()
    kept = "the index's own files free the bytes of vectors when they are next compacted"
    return len(held), (*notes, kept) if held else notes


def _free_copies(
    library: Library, generation: Generation, store: IndexStore, item_ids: Sequence[str]
) -> tuple[str, ...]:
    """Link anew what was a copy of an item that goes, so that one of the copies stands alone."""
    table, workspace = indexed_table, library.workspace
    copies = select(table.c.item_id).where(
        table.c.generation == generation.name,
        table.c.duplicate_of.in_(item_ids),
        table.c.item_id.not_in(item_ids),
    )
    with workspace.engine.begin() as connection:
        found = list(connection.scalars(copies))
        workspace.manifest.unmark(connection, item_ids)
    if not found:
        return ()
    if library.recipe.digest != generation.recipe:
        # Today's models cannot write these items: their vectors were made by others.
        return (f"{len(found)} copies are linked anew by the next index run",)
    stores = Stores(
        catalogue=workspace.catalogue,
        cache=workspace.cache,
        manifest=workspace.manifest,
        index=store,
        generation=generation.name,
    )
    writer = ItemWriter(stores, library.recipe, library.fusion)
    link_duplicates(writer, lambda item_id: store.mirror.vectors(item_id).get("image_native"))
    return ()


def _from_views(workspace: Workspace, item_ids: Sequence[str]) -> int:
    """Take items out of their views; give how many places they had."""
    store, table, places = ViewStore(workspace.engine), members_table, 0
    query = select(table.c.view, table.c.item_id).where(table.c.item_id.in_(item_ids))
    with workspace.engine.connect() as connection:
        rows = connection.execute(query).all()
    for name in sorted({row.view for row in rows}):
        gone = [row.item_id for row in rows if row.view == name]
        store.update(replace(store.view(name), updated_at=datetime.now(UTC)), gone=gone)
        places += len(gone)
    return places


def _from_folder(workspace: Workspace, items: Iterable[Item]) -> tuple[int, tuple[str, ...]]:
    """Delete files beneath the workspace; give how many, and those that are elsewhere."""
    count, left, own = 0, list[str](), workspace.path.resolve()
    for uri in dict.fromkeys(medium.uri for item in items for medium in item.media):
        path = Path(uri)
        if "://" not in uri and path.resolve().is_relative_to(own):
            count += path.exists()
            path.unlink(missing_ok=True)
            if path.parent.parent == workspace.uploads:
                shutil.rmtree(path.parent, ignore_errors=True)  # Its words would be an item.
        elif "://" in uri or path.exists():
            left.append(uri)
    return count, tuple(left)
