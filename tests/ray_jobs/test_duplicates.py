"""Repeated items are linked whatever the order, and unlinked when the original goes."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.base import Embedding, unit
from encoders.cache import EmbeddingCache
from fusion.mean import MaskedMean
from ingest.catalogue import Catalogue
from ingest.database import open_database
from ingest.decoded import Decoded
from ingest.item import Item, Medium, Modality
from ray_jobs.duplicates import link_duplicates
from ray_jobs.index import run
from ray_jobs.manifest import Manifest
from ray_jobs.recipe import Recipe, content_hashes
from ray_jobs.stage import Outcome
from ray_jobs.stages import ContentTask, EncodedContent
from ray_jobs.write import Fusion, ItemWriter, Stores
from support.index import DictIndex

HASHES = np.random.default_rng(0).integers(0, 2**63, (20, 6), dtype=np.uint64)


def writer(folder: Path, index: DictIndex) -> ItemWriter:
    engine = open_database(f"sqlite:///{folder / 'catalogue.db'}")
    stores = Stores(
        catalogue=Catalogue(engine),
        cache=EmbeddingCache(engine),
        manifest=Manifest(engine, "decode/1"),
        index=index,
        generation="g1",
    )
    towers = {modality: {"frames": "tower/1"} for modality in Modality}
    fusion = Fusion(fuser=MaskedMean(), align=_same, native_field={"frames": "image_native"})
    return ItemWriter(stores, Recipe(sources=towers, space="s"), fusion)


def _same(_part: Embedding, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows


def encode(tasks: Iterable[tuple[str, ContentTask]]) -> Generator[Outcome, None, None]:
    """A content named ``SCENE.COPY`` shows the frames of its scene, a few bits off per copy."""
    for key, task in tasks:
        scene, copy = (int(part) for part in key.partition(":")[0].split("."))
        hashes = HASHES[scene] ^ np.uint64(copy)
        assert task.medium is not None
        if task.medium.modality is Modality.IMAGE:
            hashes = hashes[:1]
        if task.medium.modality is Modality.AUDIO:
            hashes = hashes[:0]
        decoded = Decoded(content_hash=key, width=4, height=3, frame_hashes=hashes)
        vector = unit(np.random.default_rng(scene).normal(size=8))
        part = Embedding(
            modality=task.medium.modality,
            source="frames",
            fingerprint="tower/1",
            vector=vector,
            segment_vectors=np.zeros((0, 8), np.float32),
            segment_bounds=np.zeros((0, 2)),
        )
        value = EncodedContent(decoded=decoded, embeddings=(part,))
        yield Outcome(key=key, value=value, stage="encode")


def item(name: str, content: str, modality: Modality = Modality.VIDEO) -> Item:
    medium = Medium(uri=f"/{name}", modality=modality, content_hash=content, size_bytes=1)
    return Item(item_id=name, media=(medium,))


def links(folder: Path, index: DictIndex, items: list[Item]) -> dict[str, str]:
    writes = writer(folder, index)
    with writes.stores.catalogue.engine.begin() as connection:
        named = {i.item_id: (i, content_hashes(i)) for i in items}
        writes.stores.catalogue.put(connection, named, "here", 1)
    run(writes, items, encode)
    count = link_duplicates(writes, lambda key: index.records[key].vectors["image_native"])
    found = {
        key: str(record.scalars["duplicate_of"])
        for key, record in index.records.items()
        if record.scalars["duplicate_of"]
    }
    assert count == len(found)
    return found


def test_copies_of_clips_stills_and_sounds_are_linked(tmp_path: Path) -> None:
    items = [
        item("a", "1.0"),
        item("b", "1.3"),
        item("c", "2.0"),
        item("still", "1.4", Modality.IMAGE),
        item("still-copy", "1.5", Modality.IMAGE),
        item("sound", "5.0", Modality.AUDIO),
        item("sound-copy", "5.0", Modality.AUDIO),
        item("sound-other", "5.1", Modality.AUDIO),
    ]
    index = DictIndex()
    assert links(tmp_path, index, items) == {
        "b": "a",
        "still-copy": "still",
        "sound-copy": "sound",
    }


def test_links_do_not_depend_on_the_order_of_indexing(tmp_path: Path) -> None:
    items = [item(f"{n:02d}", f"{n % 7}.{n // 7}") for n in range(20)]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    together = links(tmp_path / "one", DictIndex(), items)
    index = DictIndex()
    for start in (15, 5, 10, 0):
        found = links(tmp_path / "two", index, items[start : start + 5])
    assert found == together
    assert len(together) == 13


def test_a_copy_stands_alone_once_the_original_is_gone(tmp_path: Path) -> None:
    index = DictIndex()
    items = [item("a", "1.0"), item("b", "1.1")]
    assert links(tmp_path, index, items) == {"b": "a"}
    writer(tmp_path, index).remove(["a"])
    assert links(tmp_path, index, [items[1]]) == {}


def test_items_without_anything_readable_are_left_alone(tmp_path: Path) -> None:
    index = DictIndex()
    clips = [item("a", "1.0"), replace(item("b", "1.1"), media=())]
    assert links(tmp_path, index, clips) == {}
