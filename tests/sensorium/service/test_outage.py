"""Databases that go away, lock up or fill up while the service runs."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from rich.console import Console
from sqlalchemy import event

from ingest import database
from ingest.database import WorkspaceError, open_database
from ingest.event import Event
from ingest.event_log import EventLog
from sensorium.config import StoreConfig
from sensorium.feed import OUTAGE
from sensorium.service.app import create_app
from sensorium.service.problems import as_service_error
from sensorium.service.serving import Host
from support.library import CONFIG, library_of_vectors
from support.postgres import Server, postgres_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


def like(user_id: str, item_id: str) -> Event:
    return Event(user_id=user_id, item_id=item_id, event_type="like", occurred_at=datetime.now(UTC))


def answered_again(client: TestClient, path: str) -> int:
    """Ask until it is answered; give how many times it was not."""
    for count in range(100):
        if client.get(path).status_code == 200:
            return count
        time.sleep(0.1)
    pytest.fail(f"{path} was not answered for ten seconds after the database had come back")


def test_postgres_goes_away_and_comes_back(server: Server, tmp_path: Path) -> None:
    config = replace(CONFIG, store=StoreConfig(database_url=server))
    library = library_of_vectors(tmp_path / "w", 40, 4, config)
    library.fuse_anew(Console(stderr=True), quiet=True)
    host = Host(tmp_path / "w", config)
    host.refresh()
    log = host.library.workspace.event_log
    log.append([like("anna", "000"), like("anna", "004")])
    client = TestClient(create_app(host), raise_server_exceptions=False)
    before = client.get("/v1/recommendations/anna").json()
    assert before["items"][0]["title"].startswith("Title of")

    server.stop()
    during = client.get("/v1/recommendations/anna")
    assert during.status_code == 200
    page = during.json()
    assert OUTAGE in page["notes"]
    assert {pick["item_id"] for pick in page["items"]}.isdisjoint({"000", "004"})
    unknown = client.get("/v1/recommendations/ben")
    assert (unknown.status_code, unknown.json()["code"]) == (503, "workspace")
    assert int(unknown.headers["retry-after"]) > 0
    assert str(tmp_path) not in unknown.text
    assert ".s.PGSQL" not in unknown.text
    assert client.post("/v1/search", json={"like": ["000"]}).status_code == 503
    with pytest.raises(WorkspaceError):
        log.append([like("anna", "008")])
    assert "sensorium_database_up 0" in client.get("/metrics").text
    with pytest.raises(WorkspaceError):
        host.refresh()
    assert client.get("/health/ready").status_code == 200

    server.start()
    answered_again(client, "/v1/recommendations/ben")
    log.append([like("anna", "008")])
    after = client.get("/v1/recommendations/anna").json()
    assert OUTAGE not in after["notes"]
    assert "008" not in {pick["item_id"] for pick in after["items"]}
    assert not host.refresh()
    for opened in (library, host.library, host.serving.library):
        opened.workspace.engine.dispose()


def test_a_server_restarted_between_requests_costs_none(server: Server) -> None:
    engine = open_database(server)
    log = EventLog(engine)
    log.append([like("dora", "x")])
    server.stop()
    server.start()
    assert log.activity("dora") is not None
    engine.dispose()


def test_a_locked_database_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    log = EventLog(engine)
    log.append([like("anna", "a")])
    holder = sqlite3.connect(tmp_path / "catalogue.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(WorkspaceError) as raised:
        log.append([like("anna", "b")])
    assert as_service_error(raised.value).status == 503
    assert log.activity("anna") is not None, "readers go on"
    holder.execute("ROLLBACK")
    holder.close()
    log.append([like("anna", "b")])
    engine.dispose()


def test_a_full_disk_is_unavailable(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'catalogue.db'}")
    log = EventLog(engine)
    log.append([like("anna", "a")])

    @event.listens_for(engine, "connect")
    def _limit(connection: sqlite3.Connection, _record: object) -> None:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    engine.dispose()
    with pytest.raises(WorkspaceError, match="is full") as raised:
        log.append([like(f"user{n}", f"item{n}") for n in range(5_000)])
    assert as_service_error(raised.value).status == 503
    assert log.activity("anna") is not None, "readers go on"
    assert log.activity("user7") is None, "nothing is half written"
    engine.dispose()
