"""Link items that repeat another one: the same bytes, or the same pictures once more.

Items are walked in order of id, so that the links do not depend on the order of indexing. A clip is
compared with clips and a still with stills; sounds and texts are linked only where every byte
agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.item import Item, Modality
from ingest.near_duplicates import NearDuplicates
from ray_jobs.manifest import Content, Indexed
from ray_jobs.recipe import content_hashes
from ray_jobs.write import ItemWriter

NativeVector = Callable[[str], NDArray[np.float32] | None]
"""An item's vector in the image tower's own space, None where it has none."""

WRITE_EVERY = 256
"""Items whose link changed, written at once."""


def link_duplicates(writer: ItemWriter, native: NativeVector) -> int:
    """Find every repeated item of the generation, and write the links that changed.

    Args:
        writer: writes items of the generation.
        native: gives the vectors that have to agree besides the frames.

    Returns:
        How many items repeat another one.
    """
    stores, finder = writer.stores, _Finder(native)
    links: dict[str, str] = {}
    changed: dict[str, str] = {}
    for page in stores.manifest.indexed_pages(stores.generation):
        items = stores.catalogue.get([mark.item_id for mark in page])
        contents = stores.manifest.contents(
            medium.content_key for item in items.values() for medium in item.media
        )
        for mark in page:
            original = _original(finder, mark, items, contents)
            if original:
                links[mark.item_id] = original
            if original != mark.duplicate_of:
                changed[mark.item_id] = original
    ids = list(changed)
    for start in range(0, len(ids), WRITE_EVERY):
        batch = ids[start : start + WRITE_EVERY]
        writer.write(batch, {item_id: changed[item_id] for item_id in batch})
    return len(links)


def _original(
    finder: _Finder, mark: Indexed, items: Mapping[str, Item], contents: Mapping[str, Content]
) -> str:
    if mark.state == "quarantined" or mark.item_id not in items:
        return ""
    return finder.original(items[mark.item_id], contents)


class _Finder:
    """Remembers the originals met so far."""

    def __init__(self, native: NativeVector) -> None:
        self._native = native
        self._exact: dict[tuple[str, ...], str] = {}
        self._near = {Modality.VIDEO: NearDuplicates(), Modality.IMAGE: NearDuplicates()}

    def original(self, item: Item, contents: Mapping[str, Content]) -> str:
        """Give the item that this one repeats; empty where it is the first of its kind."""
        exact = self._exact.setdefault(tuple(sorted(content_hashes(item))), item.item_id)
        if exact != item.item_id:
            return exact
        for modality, near in self._near.items():
            hashes = _frame_hashes(item, modality, contents)
            if len(hashes):
                return near.add(item.item_id, hashes, self._native(item.item_id)) or ""
        return ""


def _frame_hashes(
    item: Item, modality: Modality, contents: Mapping[str, Content]
) -> NDArray[np.uint64]:
    known: Sequence[NDArray[np.uint64]] = [
        contents[medium.content_key].frame_hashes
        for medium in item.media
        if medium.modality is modality and medium.content_key in contents
    ]
    return np.concatenate(known) if known else np.empty(0, np.uint64)
