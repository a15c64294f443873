"""Files of items over HTTP: whole and in part, with types that browsers may trust."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ingest.item import Item, Medium, Modality
from sensorium.service.media import media_type_of
from sensorium.service.serving import Host

CLIP = "/v1/items/clip/media/0"


def path_of(host: Host, item_id: str) -> Path:
    return Path(host.library.workspace.catalogue.get([item_id])[item_id].uri)


def test_a_file_comes_whole(host: Host, client: TestClient) -> None:
    answer = client.get(CLIP)
    assert answer.status_code == 200
    assert answer.content == path_of(host, "clip").read_bytes()
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"] == "inline; filename*=utf-8''clip.mp4"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("asked", ["0-99", "100-", "-50", "7-7", "0-999999999"])
def test_a_part_of_it(host: Host, client: TestClient, asked: str) -> None:
    content = path_of(host, "clip").read_bytes()
    first, _, last = asked.partition("-")
    start = int(first) if first else len(content) - int(last)
    end = min(int(last), len(content) - 1) if first and last else len(content) - 1
    answer = client.get(CLIP, headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.content == content[start : end + 1]
    assert answer.headers["content-range"] == f"bytes {start}-{end}/{len(content)}"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("bytes=999999999-", 416),
        ("bytes=-0", 416),
        ("bytes=5-2", 400),
        ("bytes=a-b", 400),
        ("lines=0-1", 400),
        ("bytes=" + "9" * 5_000 + "-", 400),
    ],
)
def test_a_range_that_is_not_there(client: TestClient, asked: str, status: int) -> None:
    answer = client.get(CLIP, headers={"Range": asked})
    assert (answer.status_code, answer.json()["code"]) == (status, "range")
    if status == 416:
        assert answer.headers["content-range"].startswith("bytes */")


@pytest.mark.parametrize(
    ("name", "modality", "content", "expected"),
    [
        ("a.txt", Modality.TEXT, b"<html><script>1</script>", ("text/plain; charset=utf-8", True)),
        ("a.svg", Modality.IMAGE, b"<svg/>", ("application/octet-stream", False)),
        ("a.html", Modality.VIDEO, b"<html/>", ("application/octet-stream", False)),
        ("a.jpg", Modality.IMAGE, b"<html/>", ("application/octet-stream", False)),
        ("a.JPG", Modality.IMAGE, b"\xff\xd8\xff\xe0", ("image/jpeg", True)),
        ("a.mov", Modality.VIDEO, b"\0\0\0\x14ftypqt  ", ("video/quicktime", True)),
        ("a.mp3", Modality.AUDIO, b"ID3\x04", ("audio/mpeg", True)),
    ],
)
def test_only_what_is_what_its_name_says_is_shown_in_place(
    tmp_path: Path, name: str, modality: Modality, content: bytes, expected: tuple[str, bool]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    medium = Medium(uri=str(path), modality=modality, content_hash="h", size_bytes=len(content))
    assert media_type_of(medium) == expected


def test_a_remote_file_is_passed_on(host: Host, client: TestClient) -> None:
    import fsspec

    with fsspec.open("memory://far/away.png", "wb") as stream:
        stream.write(b"\x89PNG\r\n\x1a\n" + b"x" * 2_000_000)
    medium = Medium(
        uri="memory://far/away.png", modality=Modality.IMAGE, content_hash="h", size_bytes=1
    )
    catalogue = host.library.workspace.catalogue
    with host.library.workspace.engine.begin() as connection:
        item = Item(item_id="far/away", media=(medium,))
        catalogue.put(connection, {"far/away": (item, [])}, "made", 9)
    answer = client.get("/v1/items/far/away/media/0", headers={"Range": "bytes=0-5"})
    assert (answer.status_code, len(answer.content)) == (200, 2_000_008)
    assert answer.headers["content-type"] == "image/png"


def test_a_picture_that_became_a_drawing_with_scripts_is_not_shown(
    host: Host, client: TestClient
) -> None:
    path = path_of(host, "red0")
    before = path.read_bytes()
    try:
        path.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>')
        answer = client.get("/v1/items/red0/media/0")
    finally:
        path.write_bytes(before)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_what_is_not_there(host: Host, client: TestClient) -> None:
    for path in ("nobody/media/0", "clip/media/1", "..%2F..%2Fetc%2Fpasswd/media/0"):
        answer = client.get(f"/v1/items/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    here = path_of(host, "green0")
    away = here.rename(here.with_suffix(".away"))
    try:
        gone = client.get("/v1/items/green0/media/0")
    finally:
        away.rename(here)
    assert (gone.status_code, gone.json()["code"]) == (404, "missing")
    assert str(here.parent) not in gone.text
