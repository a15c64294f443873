"""Files that could not be read, each with the items that have it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ray_jobs.recipe import content_hashes

if TYPE_CHECKING:
    from ingest.item import Item
    from ray_jobs.manifest import Quarantined
    from sensorium.workspace import Workspace


def quarantined_items(workspace: Workspace) -> list[tuple[str, Quarantined]]:
    """Give every file that could not be read with the id of its item, in order of id."""
    known = workspace.manifest.quarantined()
    items = workspace.catalogue.get(workspace.catalogue.owners(known))
    return _found(known, [items[key] for key in sorted(items)])


def quarantined_of(workspace: Workspace, items: Iterable[Item]) -> list[tuple[str, Quarantined]]:
    """Give what of these items could not be read; they are not walked where all could be."""
    known = workspace.manifest.quarantined()
    return _found(known, items) if known else []


def _found(known: dict[str, Quarantined], items: Iterable[Item]) -> list[tuple[str, Quarantined]]:
    found = []
    for item in items:
        uris = {medium.content_key: medium.uri for medium in item.media}
        for key in content_hashes(item):
            if key in known:
                entry = replace(known[key], uri=uris.get(key, item.item_id))
                found.append((item.item_id, entry))
    return found
