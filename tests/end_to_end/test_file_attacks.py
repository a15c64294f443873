"""What somebody might try through files, folders, manifests and addresses of media."""

from __future__ import annotations

import base64
import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sensorium.service.job_work import do
from support.attacked import Service
from support.broken import BREAKAGES
from support.library import CONFIG


@pytest.mark.parametrize(
    "fields",
    [
        {"item_id": "../../../etc/cron.d/x"},
        {"item_id": "/etc/passwd"},
        {"item_id": "a/../../b"},
        {"item_id": "a\0b"},
        {"item_id": "<img src=x onerror=alert(1)>"},
        {"item_id": "x" * 300},
    ],
)
def test_an_upload_is_called_nothing_that_leads_elsewhere(
    service: Service, fields: dict[str, str]
) -> None:
    files = {"file": ("a.txt", b"words")}
    answer = service.client.post(
        "/v1/items", data=fields, files=files, headers=service.keys["write"]
    )
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "name",
    ["../../evil.txt", "/etc/passwd.txt", "..\\..\\evil.txt", "<b>x</b>.txt", "a\u202egpj.txt"],
)
def test_the_name_of_an_uploaded_file_names_no_file_here(service: Service, name: str) -> None:
    answer = service.client.post(
        "/v1/items", files={"file": (name, b"words")}, headers=service.keys["write"]
    )
    assert answer.status_code == 202
    workspace = service.app.state.host.library.workspace
    stored = [file for file in workspace.uploads.rglob("*") if file.is_file()]
    assert {file.name for file in stored} == {"medium.txt", "medium.json"}
    assert not (workspace.path / "evil.txt").exists()


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.py", "a.pkl", "a.json", "a", "a.txt.exe"])
def test_only_media_are_taken_in(service: Service, name: str) -> None:
    answer = service.client.post(
        "/v1/items", files={"file": (name, b"words", "text/html")}, headers=service.keys["write"]
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported")


def indexed_by_a_job(workspace: Path, source: Path, root: Path, tmp_path: Path) -> dict[str, Any]:
    """What a run reports that the service does for a client."""
    place = Path(shutil.copytree(workspace, tmp_path / "w"))
    config = replace(CONFIG, service=replace(CONFIG.service, roots=(str(root),)))
    asked = {"source": str(source), "prune": False, "reembed": False}
    return do(place, config, "index", asked, lambda _share, _words: None)


def test_a_manifest_of_a_client_reads_no_other_file_and_knocks_nowhere(
    workspace: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    with socket.create_server(("127.0.0.1", 0)) as inner:
        inner.settimeout(0.2)
        address = f"http://127.0.0.1:{inner.getsockname()[1]}/a.txt"
        uris = ["../secret.txt", str(tmp_path / "secret.txt"), "link.txt", address]
        uris += [f"simplecache::{address}", "/etc/hostname", f"file://{tmp_path}/secret.txt"]
        rows = [
            {"item_id": f"row{number}", "uri": uri, "modality": "text"}
            for number, uri in enumerate(uris)
        ]
        rows.append({"item_id": "plain", "text": "words"})
        (root / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
        report = indexed_by_a_job(workspace, root / "rows.jsonl", root, tmp_path)
        with pytest.raises(TimeoutError):
            inner.accept()
    assert report["items"] == 1
    assert len(report["rejected"]) == len(uris)
    assert all("may be read" in row["reason"] for row in report["rejected"])


def test_a_link_in_a_folder_of_a_client_is_not_followed_out(
    workspace: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "fine.txt").write_text("words")
    report = indexed_by_a_job(workspace, root, root, tmp_path)
    assert report["items"] == 1
    assert [row["where"] for row in report["rejected"]] == [str(root / "link.txt")]


def test_a_picture_that_unpacks_to_gigabytes_is_set_aside(workspace: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    make = BREAKAGES["bomb"][1]
    make(root / "bomb.png", 0)
    assert (root / "bomb.png").stat().st_size < 1_000_000
    report = indexed_by_a_job(workspace, root, root, tmp_path)
    assert report["quarantined"] == {"too_many_pixels": 1}


@pytest.mark.parametrize(
    "source", ["/etc", "http://169.254.169.254/", "file:///etc", "~", "s3://a/b"]
)
def test_a_job_indexes_nothing_beyond_the_roots(service: Service, source: str) -> None:
    body = {"kind": "index", "source": source}
    answer = service.client.post("/v1/jobs", json=body, headers=service.keys["admin"])
    assert (answer.status_code, answer.json()["code"]) == (403, "outside_roots")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]",
     "localhost", "169.254.169.254", "10.0.0.1", "[64:ff9b::7f00:1]", "metadata.google.internal"],
)  # fmt: skip
def test_an_address_of_media_knocks_nowhere(service: Service, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as inner:
        inner.settimeout(0.05)
        for scheme in ("http", "https", "file", "gopher"):
            url = f"{scheme}://{host}:{inner.getsockname()[1]}/a.png"
            answer = service.client.post(
                "/v1/search", json={"image": {"url": url}}, headers=service.keys["admin"]
            )
            assert (answer.status_code, answer.json()["code"]) == (422, "url_not_allowed")
        with pytest.raises(TimeoutError):
            inner.accept()


def test_a_picture_to_search_by_that_unpacks_to_gigabytes_is_refused(
    service: Service, tmp_path: Path
) -> None:
    make = BREAKAGES["bomb"][1]
    make(tmp_path / "bomb.png", 0)
    data = base64.b64encode((tmp_path / "bomb.png").read_bytes()).decode()
    answer = service.client.post(
        "/v1/search", json={"image": {"data": data}}, headers=service.keys["read"]
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_pixels")
