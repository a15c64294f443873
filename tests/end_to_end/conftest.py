"""A service that somebody attacks, with keys."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sensorium.service.app import create_app
from sensorium.service.keys import KeyStore, Scope
from sensorium.service.serving import Host
from sensorium.service.settings import ServiceConfig
from support.attacked import Service
from support.colours import shared_colours
from support.library import CONFIG


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a view by colour; never opened by a test."""
    return shared_colours(tmp_path_factory)


@pytest.fixture(scope="session")
def service(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The library, asked with keys."""
    folder = Path(shutil.copytree(workspace, tmp_path_factory.mktemp("served") / "w"))
    host = Host(folder, replace(CONFIG, service=ServiceConfig()))
    host.refresh()
    store = KeyStore(host.library.workspace.engine)
    made = {scope.name.lower(): store.create(scope)[1] for scope in Scope}
    made["anna"] = store.create(Scope.WRITE, user_id="anna")[1]
    app = create_app(host)
    client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    yield Service(app, client, {name: {"X-API-Key": key} for name, key in made.items()})
    host.stop()
    host.library.workspace.engine.dispose()
