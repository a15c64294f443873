"""A library of made items whose native vectors are in the cache: nothing was decoded or encoded."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from encoders.base import Embedding, unit
from ingest.decoded import Decoded
from ingest.item import Item, Medium, Modality
from ray_jobs.recipe import content_hashes, words_hash
from sensorium.assemble import with_family
from sensorium.config import Config, RunConfig
from sensorium.library import Library
from sensorium.service.settings import ServiceConfig
from support.shared import made_once

CONFIG = with_family(
    Config(service=ServiceConfig(allowed_hosts=("testserver",)), run=RunConfig(decode_workers=1)),
    "bundled",
)


def library_of_vectors(
    folder: Path, num_items: int, num_groups: int, config: Config = CONFIG
) -> Library:
    """Make a workspace of titled pictures in groups that look and read alike.

    Args:
        folder: of the workspace.
        num_items: items, named ``000`` on; an item's group is its number modulo ``num_groups``.
        num_groups: groups.
        config: the settings.
    """
    random = np.random.default_rng(0)
    library = Library(folder, config, create=True)
    looks, reads = (random.normal(size=(num_groups, width)) for width in (512, 384))
    items = [_item(f"{number:03}") for number in range(num_items)]
    named = {item.item_id: (item, content_hashes(item)) for item in items}
    workspace = library.workspace
    with workspace.engine.begin() as connection:
        assert workspace.catalogue.put(connection, named, "made", 1) == {}
        for number, item in enumerate(items):
            group = number % num_groups
            parts = {
                item.media[0].content_key: ("frames", Modality.IMAGE, looks[group]),
                words_hash(item.words): ("text", Modality.TEXT, reads[group]),
            }
            for key, (source, modality, centre) in parts.items():
                vector = unit(centre + random.normal(size=len(centre)))
                digest = library.family.fingerprints[source].digest
                made = [_embedding(source, modality, digest, vector)]
                workspace.cache.put(connection, key, workspace.manifest.decode_digest, made)
                workspace.manifest.done(connection, Decoded(content_hash=key), [digest])
    return library


def copy_fused(
    factory: pytest.TempPathFactory, folder: Path, num_items: int, num_groups: int
) -> Path:
    """Put a copy of such a library, fused with equal shares, into a folder, and give the folder.

    Args:
        factory: of the test session, in which it is made once.
        folder: of the copy; it may be there, but empty.
        num_items: see ``library_of_vectors``.
        num_groups: see there.
    """

    def make(place: Path) -> None:
        library = library_of_vectors(place / "w", num_items, num_groups)
        library.fuse_anew(Console(quiet=True), quiet=True)
        library.workspace.engine.dispose()

    made = made_once(factory, f"fused-{num_items}-{num_groups}", make)
    return Path(shutil.copytree(made / "w", folder, dirs_exist_ok=True))


def _item(name: str) -> Item:
    medium = Medium(
        uri=f"/made/{name}.png", modality=Modality.IMAGE, content_hash=f"h{name}", size_bytes=1
    )
    return Item(item_id=name, media=(medium,), title=f"Title of {name}")


def _embedding(
    source: str, modality: Modality, fingerprint: str, vector: NDArray[np.float32]
) -> Embedding:
    return Embedding(
        modality=modality,
        source=source,
        fingerprint=fingerprint,
        vector=vector,
        segment_vectors=np.zeros((0, len(vector)), np.float32),
        segment_bounds=np.zeros((0, 2)),
    )
