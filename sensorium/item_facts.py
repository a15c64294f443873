"""What may be said of the items of a library: their own words, and those heard or read in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select

from encoders.cache import embeddings_table
from ingest.catalogue import batches
from ranking.title_facts import Facts
from ray_jobs.recipe import content_hashes

if TYPE_CHECKING:
    from ingest.item import Item
    from sensorium.workspace import Workspace


def facts_of(workspace: Workspace, items: Iterable[Item]) -> dict[str, Facts]:
    """Gather the facts of some items, by id.

    Args:
        workspace: the library's folder.
        items: as the catalogue knows them.
    """
    known = list(items)
    heard = _heard(workspace, {key for item in known for key in content_hashes(item)})
    return {
        item.item_id: Facts.of(
            item, [words for key in content_hashes(item) for words in heard.get(key, ())]
        )
        for item in known
    }


def _heard(workspace: Workspace, contents: set[str]) -> dict[str, list[str]]:
    """Words heard or read, by content."""
    table, found = embeddings_table, dict[str, list[str]]()
    with workspace.engine.connect() as connection:
        for batch in batches(sorted(contents)):
            query = (
                select(table.c.content_hash, table.c.words)
                .where(table.c.content_hash.in_(batch), table.c.words != "")
                .order_by(table.c.content_hash, table.c.source, table.c.fingerprint)
            )
            for row in connection.execute(query):
                found.setdefault(row.content_hash, []).append(row.words)
    return found
