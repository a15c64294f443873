"""Items that arrive over HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sensorium.service.serving import Host
from sensorium.service.upload_store import UploadStore
from support.media import plain, write_image


@pytest.fixture
def red(tmp_path: Path) -> bytes:
    return write_image(tmp_path / "red.png", plain((220, 20, 30))).read_bytes()


def send(client: TestClient, name: str, data: bytes, **words: str) -> Any:
    return client.post("/v1/items", files={"file": (name, data)}, data=words)


def words_of(host: Host, item_id: str) -> dict[str, str]:
    place = UploadStore(host.library.workspace).place(item_id)
    words: dict[str, str] = json.loads((place / "medium.json").read_text())
    return words


def test_an_upload_is_on_the_disk_and_waits_for_a_job(
    client: TestClient, host: Host, red: bytes
) -> None:
    answer = send(client, "../../etc/A red one.PNG", red, text="so red", tags="a;b")
    assert answer.status_code == 202, answer.text
    item_id, job_id = answer.json()["item_id"], answer.json()["job_id"]
    place = UploadStore(host.library.workspace).place(item_id)
    assert (place / "medium.png").read_bytes() == red
    expected = {"item_id": item_id, "title": "A red one", "text": "so red", "tags": "a;b"}
    assert words_of(host, item_id) == expected
    job = client.get(f"/v1/jobs/{job_id}").json()
    assert (job["kind"], job["state"]) == ("index", "queued")
    assert job["request"]["source"] == str(place.parent)


def test_uploads_share_a_job_that_waits(client: TestClient, red: bytes) -> None:
    answers = [send(client, "a.png", red, item_id=f"mine/{n}").json() for n in range(3)]
    assert [answer["item_id"] for answer in answers] == ["mine/0", "mine/1", "mine/2"]
    assert len({answer["job_id"] for answer in answers}) == 1
    assert send(client, "a.png", red, item_id="mine/1").status_code == 409


def test_the_order_of_fields_makes_no_difference(client: TestClient, host: Host) -> None:
    body = (
        b'--e\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nwords\r\n'
        b'--e\r\nContent-Disposition: form-data; name="item_id"\r\n\r\nlast\r\n--e--\r\n'
    )
    kind = {"content-type": "multipart/form-data; boundary=e"}
    assert client.post("/v1/items", content=body, headers=kind).json()["item_id"] == "last"
    assert words_of(host, "last")["title"] == "a"


@pytest.mark.parametrize(
    ("name", "words", "status", "code"),
    [
        ("a.exe", {}, 415, "unsupported"),
        ("a.jsonl", {}, 415, "unsupported"),
        ("noextension", {}, 415, "unsupported"),
        ("a.png", {"item_id": "../a"}, 422, "invalid"),
        ("a.png", {"item_id": "a//b"}, 422, "invalid"),
        ("a.png", {"item_id": "x" * 201}, 422, "invalid"),
        ("a.png", {"title": "x" * 5_000}, 422, "invalid"),
        ("a.png", {"colour": "red"}, 422, "invalid"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    client: TestClient, host: Host, name: str, words: dict[str, str], status: int, code: str
) -> None:
    answer = send(client, name, b"data", **words)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    path = host.library.workspace.path
    left = [*path.glob("uploads/*"), *path.glob("incoming/*")]
    assert left == []


def test_bodies_that_are_no_form_are_refused(client: TestClient) -> None:
    assert client.post("/v1/items", json={}).status_code == 415
    kind = {"content-type": "multipart/form-data; boundary=e"}
    answer = client.post("/v1/items", content=b"--e\r\nhalf", headers=kind)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    answer = client.post("/v1/items", content=b"--e--\r\n", headers=kind)
    assert answer.status_code == 422


def test_a_file_above_the_limit_is_refused(client: TestClient, host: Host, red: bytes) -> None:
    limit = len(red) - 1
    host.config = replace(host.config, service=replace(host.config.service, upload_bytes=limit))
    answer = send(client, "a.png", red)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert list(host.library.workspace.path.glob("incoming/*")) == []
    assert send(client, "a.png", red[:limit]).status_code == 202
