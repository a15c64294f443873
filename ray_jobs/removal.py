"""Taking contents away for good: what was decoded, encoded or set aside of them.

``ItemWriter.remove`` leaves these for a file that comes back. Here nothing is left but what another
item with the same content needs.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, select

from encoders.cache import embeddings_table
from ingest.catalogue import batches, item_contents_table, known_files_table
from ingest.item import Item
from ray_jobs.manifest import contents_table, encoded_table, quarantine_table
from ray_jobs.recipe import content_hashes

TABLES = {
    "thumbnails": contents_table,
    "native vectors": embeddings_table,
    "marks": encoded_table,
    "failures": quarantine_table,
}
"""Tables with rows by content."""


def forget_contents(connection: Connection, items: Iterable[Item]) -> dict[str, int]:
    """Take away all that is kept of the contents of items that have left the catalogue.

    Args:
        connection: an open transaction; the catalogue has forgotten the items there.
        items: as they were.

    Returns:
        How many rows were taken away, by what they hold.
    """
    gone = list(items)
    hashes = sorted({value for item in gone for value in content_hashes(item)})
    owned = item_contents_table.c.content_hash
    needed: set[str] = set()
    for batch in batches(hashes):
        needed.update(connection.scalars(select(owned).where(owned.in_(batch))))
    free = [value for value in hashes if value not in needed]
    counts = dict.fromkeys(TABLES, 0)
    for batch in batches(free):
        for name, table in TABLES.items():
            query = delete(table).where(table.c.content_hash.in_(batch))
            counts[name] += connection.execute(query).rowcount
    for batch in batches([medium.uri for item in gone for medium in item.media]):
        connection.execute(delete(known_files_table).where(known_files_table.c.uri.in_(batch)))
    return counts
