"""Uploads on the disk: whole or not at all, and read by a scan as they were given."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ingest.item import Item
from ingest.scan import Scan
from sensorium.service.problems import ServiceError
from sensorium.service.upload_store import ABANDONED_SECONDS, UploadStore
from sensorium.workspace import Workspace
from support.media import plain, write_image


@pytest.fixture
def store(tmp_path: Path) -> UploadStore:
    return UploadStore(Workspace(tmp_path / "w", "d", create=True))


def put(store: UploadStore, item_id: str, data: bytes, **words: str) -> None:
    incoming = store.begin("png")
    try:
        incoming.write(data)
        incoming.finish(store.place(item_id), {"item_id": item_id, **words})
    finally:
        incoming.close()


def test_a_scan_reads_what_was_given(store: UploadStore, tmp_path: Path) -> None:
    data = write_image(tmp_path / "red.png", plain((220, 20, 30))).read_bytes()
    put(store, "mine/red", data, title="Rot", tags="a;b")
    (item,) = Scan(store.folder)
    assert isinstance(item, Item)
    assert (item.item_id, item.title, item.tags) == ("mine/red", "Rot", ("a", "b"))
    assert Path(item.media[0].uri).read_bytes() == data
    assert store.place("mine/red").parent == store.folder


def test_an_id_is_given_once(store: UploadStore) -> None:
    put(store, "a", b"1")
    with pytest.raises(ServiceError) as refused:
        put(store, "a", b"2")
    assert (refused.value.status, refused.value.code) == (409, "taken")
    assert (store.place("a") / "medium.png").read_bytes() == b"1"


def test_what_was_not_finished_leaves_nothing(store: UploadStore) -> None:
    incoming = store.begin("png")
    incoming.write(b"half")
    incoming.close()
    assert list(store.folder.iterdir()) == []
    assert list(store.folder.with_name("incoming").iterdir()) == []


def test_what_a_killed_service_left_is_removed_in_the_end(store: UploadStore) -> None:
    broken_off = store.begin("png")
    broken_off._file.close()
    left = list(store.folder.with_name("incoming").iterdir())
    fresh = store.begin("png")
    assert left[0].exists()
    old = time.time() - ABANDONED_SECONDS - 1
    os.utime(left[0], (old, old))
    store.begin("png").close()
    assert not left[0].exists()
    fresh.close()
