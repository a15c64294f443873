"""Folders, manifests and single files become items; what makes no sense is named, not lost."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.errors import DecodeError
from ingest.item import Item, Modality
from ingest.scan import RejectedRow, Scan
from support.media import write_image


def write(path: Path, data: bytes | str = b"bytes") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def split(found: Iterable[Item | RejectedRow]) -> tuple[dict[str, Item], list[RejectedRow]]:
    listed = list(found)
    items = [entry for entry in listed if isinstance(entry, Item)]
    return {item.item_id: item for item in items}, [
        entry for entry in listed if isinstance(entry, RejectedRow)
    ]


def test_a_folder_is_walked_in_order_with_ids_from_paths(tmp_path: Path) -> None:
    for name in ("b.mp4", "a/z.jpg", "a/deep/er/c.wav", "a.b.png"):
        write(tmp_path / name, name)
    items, rejected = split(Scan(tmp_path))
    assert list(items) == ["a.b", "b", "a/z", "a/deep/er/c"]
    assert not rejected
    (medium,) = items["a/z"].media
    assert medium.uri == str(tmp_path / "a/z.jpg")
    assert medium.modality is Modality.IMAGE
    assert medium.content_hash == hashlib.blake2b(b"a/z.jpg", digest_size=20).hexdigest()
    assert medium.size_bytes == 7
    assert medium.modified_ns == (tmp_path / "a/z.jpg").stat().st_mtime_ns


def test_files_that_share_a_stem_are_one_item(tmp_path: Path) -> None:
    write(tmp_path / "clip.MP4", "v")
    write(tmp_path / "clip.jpg", "i")
    write(tmp_path / "clip.png", "j")
    write(tmp_path / "clip.txt", "A red boat\nIt sails past a lighthouse.")
    write(tmp_path / "clip.json", json.dumps({"tags": ["sea"], "created_at": "2024-05-01"}))
    write(tmp_path / "clip.en.mp4", "other")
    items, rejected = split(Scan(tmp_path))
    assert not rejected
    assert set(items) == {"clip", "clip.en"}
    item = items["clip"]
    assert [medium.uri[-4:] for medium in item.media] == [".MP4", ".jpg", ".png"]
    assert (item.title, item.text) == ("A red boat", "It sails past a lighthouse.")
    assert item.tags == ("sea",)
    assert item.created_at == datetime(2024, 5, 1, tzinfo=UTC)


def test_the_columns_of_a_json_win_over_a_txt_and_may_name_the_item(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4")
    write(tmp_path / "a.txt", "From the text")
    write(tmp_path / "a.json", json.dumps({"title": "From the columns", "item_id": "x1"}))
    items, _ = split(Scan(tmp_path))
    assert items["x1"].title == "From the columns"


def test_words_alone_are_an_item(tmp_path: Path) -> None:
    write(tmp_path / "note.txt", "Only words")
    write(tmp_path / "row.json", json.dumps({"title": "A row", "attrs": {"n": 3}}))
    write(tmp_path / "package.json", json.dumps({"name": "something else"}))
    scan = Scan(tmp_path)
    items, rejected = split(scan)
    assert (items["note"].title, items["note"].media) == ("Only words", ())
    assert items["row"].attrs == {"n": 3}
    assert set(items) == {"note", "row"}
    assert scan.skipped == {".json": 1}
    assert not rejected


def test_unknown_kinds_and_hidden_names_are_skipped_and_counted(tmp_path: Path) -> None:
    for name in ("README", "a.xyz", "b.xyz", ".DS_Store", ".cache/a.jpg"):
        write(tmp_path / name)
    scan = Scan(tmp_path)
    assert list(scan) == []
    assert scan.skipped == {"no extension": 1, ".xyz": 2}


def test_empty_media_are_items_and_unreadable_ones_are_rejected(tmp_path: Path) -> None:
    write(tmp_path / "empty.jpg", b"")
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.wav")
    write(tmp_path / "junk.txt", bytes(range(256)))
    items, rejected = split(Scan(tmp_path))
    assert set(items) == {"empty"}
    assert {(Path(row.source).name, row.code) for row in rejected} == {
        ("gone.mp4", "missing"),
        ("pipe.wav", "missing"),
        ("junk.txt", "mismatch"),
    }


def test_a_broken_sidecar_is_named_and_its_medium_kept(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4")
    write(tmp_path / "a.json", "{not json")
    items, rejected = split(Scan(tmp_path))
    assert set(items) == {"a"}
    assert [row.code for row in rejected] == ["bad_metadata"]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "a/b.jpg")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a/b.jpg")
    items, _ = split(Scan(tmp_path))
    assert set(items) == {"a/b", "link"}


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg")
    asked = []

    def known(uri: str, size_bytes: int, modified_ns: int) -> str | None:
        asked.append((uri, size_bytes, modified_ns))
        return "remembered"

    items, _ = split(Scan(tmp_path, known))
    assert items["a"].media[0].content_hash == "remembered"
    assert asked == [(str(path), 5, path.stat().st_mtime_ns)]


def test_one_file_is_one_item(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "not taken along")
    items, _ = split(Scan(write(tmp_path / "a.jpg")))
    assert [len(items["a"].media), items["a"].title] == [1, ""]


@pytest.mark.parametrize(("name", "code"), [("nowhere", "missing"), ("a.xyz", "unsupported")])
def test_a_source_that_cannot_be_read_is_an_error(tmp_path: Path, name: str, code: str) -> None:
    write(tmp_path / "a.xyz")
    with pytest.raises(DecodeError) as caught:
        list(Scan(tmp_path / name))
    assert caught.value.code == code


ROWS: list[dict[str, object]] = [
    {
        "item_id": "one",
        "uri": "media/a.jpg",
        "title": "A title",
        "text": "Words",
        "tags": ["x", "y"],
        "created_at": "2024-01-02T03:04:05+01:00",
        "creator_id": "ann",
        "lang": "en",
        "attrs": {"likes": 3, "hot": True, "place": "Rome"},
    },
    {"item_id": "two", "title": "Words alone"},
    {"uri": "media/b.mp4"},
]


def as_csv(rows: list[dict[str, object]]) -> str:
    columns = list(ROWS[0])
    cells = [
        ['"' + str(_cell(row.get(name, ""))).replace('"', '""') + '"' for name in columns]
        for row in rows
    ]
    return "\n".join([",".join(columns), *(",".join(row) for row in cells)]) + "\n"


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value


def write_manifest(path: Path, rows: list[dict[str, object]]) -> Path:
    if path.suffix == ".csv":
        return write(path, as_csv(rows))
    if path.suffix == ".jsonl":
        return write(path, "\n".join(json.dumps(row) for row in rows))
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("name", ["m.jsonl", "m.csv", "m.parquet"])
def test_manifests_of_every_kind_give_the_same_items(tmp_path: Path, name: str) -> None:
    write(tmp_path / "media/a.jpg", "a")
    write(tmp_path / "media/b.mp4", "b")
    items, rejected = split(Scan(write_manifest(tmp_path / name, ROWS)))
    assert not rejected
    assert list(items) == ["one", "two", "media/b"]
    item = items["one"]
    assert item.media[0].uri == str(tmp_path / "media/a.jpg")
    assert (item.title, item.text, item.tags) == ("A title", "Words", ("x", "y"))
    assert item.created_at == datetime(2024, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert (item.creator_id, item.lang) == ("ann", "en")
    assert item.attrs == {"likes": 3, "hot": True, "place": "Rome"}
    assert items["media/b"].media[0].modality is Modality.VIDEO


def test_a_row_may_name_several_media(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", "a")
    write(tmp_path / "b", "b")
    media = ["a.mp4", {"uri": "b", "kind": "audio"}]
    path = write_manifest(tmp_path / "m.jsonl", [{"item_id": "x", "media": media}])
    items, _ = split(Scan(path))
    assert [medium.modality for medium in items["x"].media] == ["video", "audio"]


def test_bad_rows_are_rejected_with_line_and_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg")
    lines = [
        '{"item_id": "good", "uri": "a.jpg"}',
        "{broken",
        '["a list"]',
        '{"item_id": "gone", "uri": "missing.jpg"}',
        '{"item_id": "odd", "uri": "a.jpg", "created_at": "yesterday"}',
        '{"item_id": "nothing"}',
        '{"item_id": "good", "title": "again"}',
        '{"item_id": "t", "title": "x", "attrs": {"deep": {"er": 1}}}',
        "",
        '{"item_id": "last", "title": "x"}',
    ]
    items, rejected = split(Scan(write(tmp_path / "m.jsonl", "\n".join(lines))))
    assert list(items) == ["good", "last"]
    assert [(row.line, row.code) for row in rejected] == [
        (2, "bad_metadata"),
        (3, "bad_metadata"),
        (4, "missing"),
        (5, "bad_metadata"),
        (6, "bad_metadata"),
        (7, "bad_metadata"),
        (8, "bad_metadata"),
    ]
    assert "created_at" in rejected[3].reason
    assert "yesterday" in rejected[3].reason


def test_a_csv_row_with_too_many_cells_is_rejected_by_its_line(tmp_path: Path) -> None:
    text = 'item_id,title\na,"two\nlines"\nb,x,surplus\nc,fine\n'
    items, rejected = split(Scan(write(tmp_path / "m.csv", text)))
    assert items["a"].title == "two lines"
    assert set(items) == {"a", "c"}
    assert [row.line for row in rejected] == [4]


def test_a_parquet_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DecodeError) as caught:
        list(Scan(write(tmp_path / "m.parquet", b"no parquet")))
    assert caught.value.code == "bad_metadata"


def test_any_file_system_of_fsspec_is_a_source(tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    still = write_image(tmp_path / "a.png", 1).read_bytes()
    memory.pipe("/scan/a.png", still)
    memory.pipe("/scan/sub/b.txt", b"Words")
    memory.pipe("/scan/m.jsonl", b'{"item_id": "row", "uri": "a.png"}')
    items, rejected = split(Scan("memory://scan"))
    assert not rejected
    assert set(items) == {"a", "sub/b"}
    (medium,) = items["a"].media
    assert medium.content_hash == hashlib.blake2b(still, digest_size=20).hexdigest()
    rows, _ = split(Scan("memory://scan/m.jsonl"))
    assert rows["row"].media[0].content_hash == medium.content_hash
    local, _ = split(Scan(f"file://{tmp_path}"))
    assert local["a"].media[0].uri == str(tmp_path / "a.png")


def below(folder: Path) -> Callable[[str], bool]:
    return lambda uri: Path(uri).resolve().is_relative_to(folder)


def test_rows_and_links_that_lead_out_are_rejected_before_they_are_looked_at(
    tmp_path: Path,
) -> None:
    secret = write(tmp_path / "secret.txt", "secret")
    root = tmp_path / "media"
    write(root / "a.png")
    (root / "link.txt").symlink_to(secret)
    rows = [
        {"item_id": name, "uri": uri}
        for name, uri in {
            "in": "a.png",
            "up": "../secret.txt",
            "whole": str(secret),
            "file": f"file://{secret}",
            "net": "http://169.254.169.254/latest/meta-data.txt",
            "chain": "simplecache::http://169.254.169.254/a.txt",
            "memory": "memory://a.png",
        }.items()
    ]
    write(root / "rows.jsonl", "\n".join(map(json.dumps, rows)))
    items, rejected = split(Scan(root / "rows.jsonl", permits=below(root)))
    assert list(items) == ["in"]
    assert {row.code for row in rejected} == {"outside"}
    assert len(rejected) == 6
    items, rejected = split(Scan(root, permits=below(root)))
    assert list(items) == ["a"]
    assert [row.source for row in rejected] == [str(root / "link.txt")]
    with pytest.raises(DecodeError) as caught:
        iter(Scan(secret, permits=below(root)))
    assert caught.value.code == "outside"
