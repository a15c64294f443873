"""Where the library stands, over HTTP."""

from __future__ import annotations

from fastapi.testclient import TestClient

from sensorium.service.serving import Host


def test_a_library_says_what_it_holds(client: TestClient, host: Host) -> None:
    told = client.get("/v1/library").json()
    assert (told["items"], told["states"], told["quarantined"]) == (18, {"ready": 18}, {})
    assert (told["views"], told["generation"], told["building"]) == (["colour"], "g1", "")
    assert told["disk_bytes"] > 0
    assert "text" in told["made_by"]
    assert told["users"] == 0


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
    rest = client.get("/v1/quarantine", params={"n": 2, "cursor": first["next_cursor"]}).json()
    assert [file["item_id"] for file in rest["files"]] == ["red1"]
    assert rest["next_cursor"] is None
    assert client.get("/v1/library").json()["quarantined"] == {"corrupt": 3}
