"""From cached embeddings to the index: fuse items and write them, without decoder or encoder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from encoders.base import Embedding
from encoders.cache import EmbeddingCache
from fusion.base import Fuser, ItemVector
from fusion.views import Align, Stretches, align_segments, fuse_items
from ingest.catalogue import Catalogue
from ingest.item import Item, Modality
from ray_jobs.manifest import Content, Indexed, Manifest
from ray_jobs.recipe import Recipe, content_hashes
from retrieval.base import SEGMENTS, Record, Scalar, VectorIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where a run reads and writes."""

    catalogue: Catalogue
    """Items by id."""
    cache: EmbeddingCache
    """Embeddings by content."""
    manifest: Manifest
    """What is done."""
    index: VectorIndex
    """Item and segment vectors."""
    generation: str
    """Name of the generation of the index that is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    """How embeddings become item vectors."""

    fuser: Fuser
    """Makes one vector of the views."""
    align: Align
    """Brings embeddings into the joint space."""
    native_field: Mapping[str, str]
    """Field of the index for the native vectors of each source."""


class ItemWriter:
    """Writes items into a generation of the index and marks them.

    Args:
        stores: where to read and write.
        recipe: what the vectors depend on.
        fusion: how they are made.
    """

    def __init__(self, stores: Stores, recipe: Recipe, fusion: Fusion) -> None:
        self.stores = stores
        self.recipe = recipe
        self.fusion = fusion

    def held(self, items: Sequence[Item]) -> set[str]:
        """Give the ids among these items that the index already holds as they are now."""
        stores = self.stores
        hashes = {value for item in items for value in content_hashes(item)}
        broken = stores.manifest.quarantined(hashes)
        marks = stores.manifest.indexed(stores.generation, [item.item_id for item in items])
        return {
            item.item_id
            for item in items
            if item.item_id in marks
            and marks[item.item_id].digest == self.recipe.item_digest(item, broken)
        }

    def write(self, item_ids: Sequence[str], duplicate_of: Mapping[str, str] | None = None) -> int:
        """Make the vectors of these items from cached embeddings and write them.

        Args:
            item_ids: items whose contents are all done or quarantined.
            duplicate_of: the item that each repeats ("" for none); None keeps what is known.

        Returns:
            How many items have a vector; the others hold nothing that could be read.
        """
        stores, fusion = self.stores, self.fusion
        items = list(stores.catalogue.get(item_ids).values())
        hashes = [value for item in items for value in content_hashes(item)]
        embeddings = self.embeddings(items)
        contents = stores.manifest.contents(hashes)
        broken = stores.manifest.quarantined(hashes).keys()
        previous = stores.manifest.indexed(stores.generation, item_ids)
        links = duplicate_of or {key: mark.duplicate_of for key, mark in previous.items()}
        vectors = fuse_items(embeddings, fusion.align, fusion.fuser, fusion.native_field)
        by_id = {vector.item_id: vector for vector in vectors}
        moments = align_segments(embeddings, fusion.align)
        marks = [
            self._mark(item, by_id.get(item.item_id), set(broken), links.get(item.item_id, ""))
            for item in items
        ]
        records: list[Record] = []
        for item, mark in zip(items, marks, strict=True):
            if item.item_id in by_id:
                records.append(_record(item, by_id[item.item_id], contents, mark))
                records += _segments(item, moments[item.item_id])
        # Upsert before marking done: a crash may repeat work but must not lose it.
        stores.index.delete([item_id for item_id in previous if item_id not in by_id])
        stores.index.upsert(records)
        with stores.catalogue.engine.begin() as connection:
            stores.manifest.mark_indexed(connection, stores.generation, marks)
        return len(by_id)

    def remove(self, item_ids: Sequence[str]) -> int:
        """Remove items from the index and the catalogue; give how many."""
        stores = self.stores
        stores.index.delete(item_ids)
        with stores.catalogue.engine.begin() as connection:
            stores.manifest.unmark(connection, item_ids)
            stores.catalogue.remove(connection, item_ids)
        return len(item_ids)

    def embeddings(self, items: Sequence[Item]) -> dict[str, list[Embedding]]:
        """Give the cached embeddings of each item that has some."""
        hashes = [value for item in items for value in content_hashes(item)]
        digest = self.stores.manifest.decode_digest
        found = self.stores.cache.get(hashes, digest, self.recipe.fingerprints)
        parts = {
            item.item_id: [part for key in content_hashes(item) for part in found.get(key, [])]
            for item in items
        }
        return {key: value for key, value in parts.items() if value}

    def _mark(
        self, item: Item, vector: ItemVector | None, broken: set[str], duplicate_of: str
    ) -> Indexed:
        partial = bool(broken & set(content_hashes(item)))
        return Indexed(
            item_id=item.item_id,
            digest=self.recipe.item_digest(item, broken),
            state="quarantined" if vector is None else "partial" if partial else "ready",
            modality_weights=vector.modality_weights if vector else {},
            duplicate_of=duplicate_of,
        )


def _record(
    item: Item, vector: ItemVector, contents: Mapping[str, Content], mark: Indexed
) -> Record:
    known = [contents[m.content_key] for m in item.media if m.content_key in contents]
    scalars: dict[str, Scalar] = {
        "item_id": item.item_id,
        "title": item.title or None,
        "duration_seconds": max((c.duration_seconds for c in known), default=0.0),
        "width": max((c.width for c in known), default=0),
        "height": max((c.height for c in known), default=0),
        "created_at": item.created_at.timestamp() if item.created_at else None,
        "creator_id": item.creator_id or None,
        "lang": item.lang or None,
        "tags": item.tags,
        "duplicate_of": mark.duplicate_of or None,
        **{f"has_{modality}": str(modality) in vector.vectors for modality in Modality},
        **{f"attrs.{name}": value for name, value in item.attrs.items()},
    }
    return Record(key=item.item_id, vectors=vector.vectors, scalars=scalars)


def _segments(item: Item, moments: Iterable[Stretches]) -> Iterator[Record]:
    number = 0
    for modality, bounds, vectors in moments:
        for (start, end), vector in zip(bounds, vectors, strict=True):
            yield Record(
                key=f"{item.item_id}#{modality}#{number}",
                vectors={SEGMENTS: vector},
                scalars={
                    "item_id": item.item_id,
                    "modality": modality,
                    "start_seconds": float(start),
                    "end_seconds": float(end),
                },
            )
            number += 1
