"""A library over HTTP, in this process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sensorium.service.app import create_app
from sensorium.service.serving import Host
from support.colours import shared_colours
from support.library import CONFIG


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a view by colour; never opened by a test."""
    return shared_colours(tmp_path_factory)


@pytest.fixture
def host(indexed: Path, tmp_path: Path) -> Iterator[Host]:
    """The same for a test that changes it, opened."""
    host = Host(Path(shutil.copytree(indexed, tmp_path / "w")), CONFIG)
    host.refresh()
    yield host
    host.stop()
    host.library.workspace.engine.dispose()


@pytest.fixture(scope="session")
def reader(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Asks a copy that all tests share, for what changes nothing; its workers stay."""
    path = tmp_path_factory.mktemp("reader") / "w"
    host = Host(Path(shutil.copytree(indexed, path)), CONFIG)
    host.refresh()
    yield TestClient(create_app(host), raise_server_exceptions=False)
    host.stop()
    host.library.workspace.engine.dispose()


@pytest.fixture
def client(host: Host) -> TestClient:
    """Asks it; the thread that looks for changes is not started."""
    return TestClient(create_app(host), raise_server_exceptions=False)
