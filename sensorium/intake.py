"""From a source to the catalogue: items are put in, and what is no item is told with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.catalogue import Catalogue
from ingest.decode import DecodeOptions
from ingest.item import Item
from ingest.scan import Permits, RejectedRow, Scan
from ray_jobs.recipe import content_hashes
from sensorium.reports import Rejected

PUT_EVERY = 500
"""Items put into the catalogue in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRequest:
    """What to index, and how far to go."""

    source: str
    """Folder, manifest, file or URI."""
    reembed: bool = False
    """Build a new generation where the recipe differs."""
    prune: bool = False
    """Remove items of the source whose files are gone."""
    prefix: str = ""
    """Put before every item id."""
    permits: Permits | None = None
    """Says which files may be read, also where rows of a manifest name them; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What a scan found."""

    source: str
    """The source's stable name."""
    run: int
    """Number under which the catalogue marked the items that were seen."""
    rejected: tuple[Rejected, ...]
    """Entries that never became items."""
    skipped: int
    """Files of kinds that are not media."""


def take_in(catalogue: Catalogue, options: DecodeOptions, request: IndexRequest) -> Intake:
    """Put every item of a source into the catalogue.

    Args:
        catalogue: where items are kept.
        options: how long a text may be.
        request: the source and the prefix of its ids.

    Raises:
        DecodeError: the source as a whole cannot be read.
    """
    scan = Scan(request.source, catalogue.known_hash, options.max_text_characters, request.permits)
    number = catalogue.last_run() + 1
    rejected: list[Rejected] = []
    batch: dict[str, tuple[Item, Sequence[str]]] = {}

    def put() -> None:
        with catalogue.engine.begin() as connection:
            refused = catalogue.put(connection, batch, scan.source, number)
        rejected.extend(_taken(item_id, owner) for item_id, owner in refused.items())
        batch.clear()

    for entry in scan:
        if isinstance(entry, RejectedRow):
            rejected.append(_rejected(entry))
            continue
        item = replace(entry, item_id=request.prefix + entry.item_id)
        if item.item_id in batch:
            rejected.append(Rejected(where=item.item_id, reason="the same item id twice"))
            continue
        batch[item.item_id] = (item, content_hashes(item))
        if len(batch) >= PUT_EVERY:
            put()
    put()
    skipped = sum(scan.skipped.values())
    return Intake(source=scan.source, run=number, rejected=tuple(rejected), skipped=skipped)


def _rejected(row: RejectedRow) -> Rejected:
    where = f"{row.source}:{row.line}" if row.line else row.source
    return Rejected(where=where, reason=row.reason)


def _taken(item_id: str, owner: str) -> Rejected:
    reason = f"the id belongs to an item of {owner}; index this source with --prefix NAME/"
    return Rejected(where=item_id, reason=reason)
