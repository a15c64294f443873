"""A real Milvus server: what holds for Lite holds there, and it may go away and come back empty.

The server is the wheel ``milvus``, made ready in ``build/milvus`` by ``scripts/milvus_server.py``;
``SENSORIUM_TEST_MILVUS_FOLDER`` names another place.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from retrieval.base import IndexUnavailableError
from sensorium.config import StoreConfig
from sensorium.library import Library
from sensorium.service.app import create_app
from sensorium.service.serving import Host
from support.cli import sensorium
from support.library import CONFIG
from support.media import plain, write_image
from support.milvus import MilvusServer, milvus_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    with milvus_server(tmp_path_factory.mktemp("milvus")) as server:
        yield server


def test_the_cases_of_lite_hold_on_a_server(server: MilvusServer) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "server", "tests/retrieval/test_milvus.py"],
        cwd=ROOT,
        env={**os.environ, "SENSORIUM_TEST_MILVUS": server.uri, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4_000:]
    assert "skipped" not in done.stdout.splitlines()[-1], done.stdout[-1_000:]


def test_the_mirror_answers_while_the_server_is_away(server: MilvusServer, tmp_path: Path) -> None:
    media, workspace = tmp_path / "media", tmp_path / "w"
    for name, shade in {"red": (220, 20, 30), "green": (20, 200, 40)}.items():
        write_image(media / f"{name}.png", plain(shade))
    words = (media, "-w", workspace, "--milvus", server.uri, "--local", "--quiet")
    sensorium("index", *words)
    config = replace(CONFIG, store=StoreConfig(milvus_uri=server.uri))
    host = Host(workspace, config)
    host.refresh()
    client = TestClient(create_app(host), raise_server_exceptions=False)
    asked = {"like": ["red"], "n": 5}
    assert _found(client, asked) == {"green"}

    server.stop()
    assert _found(client, asked) == {"green"}
    assert client.get("/v1/recommendations/anna").status_code == 200
    assert not host.refresh(), "nothing has changed, so nothing is opened"
    write_image(media / "blue.png", plain((20, 40, 220)))
    failed = sensorium("index", *words, code=1)
    assert "the Milvus server at" in failed.stderr
    assert "check the address, the token, and that the server runs" in failed.stderr
    assert _found(client, asked) == {"green"}
    with pytest.raises(IndexUnavailableError):
        Library(workspace, config, create=False)._open_store(host.serving.generation)

    server.start()
    sensorium("index", *words)
    assert host.refresh()
    assert _found(client, asked) == {"green", "blue"}
    for opened in (host.library, host.serving.library):
        opened.workspace.engine.dispose()


def _found(client: TestClient, asked: dict[str, object]) -> set[str]:
    answer = client.post("/v1/search", json=asked)
    assert answer.status_code == 200, answer.text
    return {hit["item_id"] for hit in answer.json()["items"]}
