"""Where the library stands, over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient

from ray_jobs.manifest import Manifest
from sensorium.service.serving import Host


def test_a_library_says_what_it_holds(client: TestClient, host: Host) -> None:
    told = client.get("/v1/library").json()
    assert (told["items"], told["states"], told["quarantined"]) == (18, {"ready": 18}, {})
    assert (told["views"], told["generation"], told["building"]) == (["colour"], "g1", "")
    assert told["disk_bytes"] > 0
    assert "text" in told["made_by"]
    assert told["users"] == 0


def test_disk_space_is_measured_at_most_every_few_seconds(client: TestClient, host: Host) -> None:
    workspace = host.library.workspace
    first = client.get("/v1/library").json()["disk_bytes"]
    (workspace.path / "more").write_bytes(bytes(100_000))
    assert client.get("/v1/library").json()["disk_bytes"] == first
    workspace._measured = (time.monotonic(), first)
    assert client.get("/v1/library").json()["disk_bytes"] >= first + 100_000


def test_a_library_of_an_older_version_gets_the_columns_that_it_lacks(host: Host) -> None:
    workspace = host.library.workspace
    with workspace.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE quarantine DROP COLUMN failed_at")
        connection.exec_driver_sql(
            "INSERT INTO quarantine (content_hash, decode_digest, uri, code, message, attempts, "
            "released) VALUES ('h', ?, '/a.png', 'corrupt', 'broken', 1, 0)",
            (workspace.manifest.decode_digest,),
        )
    again = Manifest(workspace.engine, workspace.manifest.decode_digest)
    assert again.quarantined()["h"].failed_at is None
    with workspace.engine.begin() as connection:
        again.fail(connection, "h", "/a.png", ("corrupt", "broken"))
    assert again.quarantined()["h"].failed_at is not None


def test_quarantined_files_are_told_a_page_at_a_time(client: TestClient, host: Host) -> None:
    workspace = host.library.workspace
    items = workspace.catalogue.get(["red0", "red1", "green0"])
    with workspace.engine.begin() as connection:
        for item in items.values():
            medium = item.media[0]
            cause = ("corrupt", f"{item.item_id} is broken")
            workspace.manifest.fail(connection, medium.content_key, medium.uri, cause)
    first = client.get("/v1/quarantine", params={"n": 2}).json()
    assert [file["item_id"] for file in first["files"]] == ["green0", "red0"]
    assert first["files"][0]["message"] == "green0 is broken"
    assert first["files"][0]["uri"].endswith("green0.png")
    failed_at = datetime.fromisoformat(first["files"][0]["failed_at"])
    assert abs(datetime.now(UTC) - failed_at) < timedelta(minutes=5)
    rest = client.get("/v1/quarantine", params={"n": 2, "cursor": first["next_cursor"]}).json()
    assert [file["item_id"] for file in rest["files"]] == ["red1"]
    assert rest["next_cursor"] is None
    assert client.get("/v1/library").json()["quarantined"] == {"corrupt": 3}
