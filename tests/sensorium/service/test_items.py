"""Items over HTTP: every one once, whatever its state; and nothing left of one taken down."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ingest.item import Item
from ray_jobs.manifest import Indexed
from sensorium.service.app import create_app
from sensorium.service.serving import Host
from support.cli import sensorium
from support.library import CONFIG
from support.media import plain, write_image

EVERYTHING = sorted(
    [f"{colour}{n}" for colour in ("red", "green", "blue") for n in range(5)]
    + ["clip", "tone", "note"]
)


def walked(client: TestClient, **asked: Any) -> list[dict[str, Any]]:
    """Every item of a list, in pages of 4."""
    met: list[dict[str, Any]] = []
    while True:
        answer = client.get("/v1/items", params={"n": 4, **asked})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["items"]) <= 4
        met += answer.json()["items"]
        asked["cursor"] = answer.json()["next_cursor"]
        if asked["cursor"] is None:
            return met


def ids(client: TestClient, **asked: Any) -> list[str]:
    return [item["item_id"] for item in walked(client, **asked)]


@pytest.fixture
def states(host: Host) -> None:
    """One item that nobody has looked at, one that could not be read, one half read."""
    workspace = host.library.workspace
    active = workspace.active
    assert active is not None
    with workspace.engine.begin() as connection:
        for name in ("a/pending", "broken"):
            item = Item(item_id=name, media=(), title=name)
            workspace.catalogue.put(connection, {name: (item, ["x"])}, "made", 9)
        marks = [
            Indexed(item_id=name, digest="d", state=state, modality_weights={})
            for name, state in (("broken", "quarantined"), ("red2", "partial"))
        ]
        workspace.manifest.mark_indexed(connection, active.name, marks)


def test_every_item_is_listed_once(client: TestClient) -> None:
    items = walked(client)
    assert [item["item_id"] for item in items] == EVERYTHING
    of = {item["item_id"]: item for item in items}
    assert {item["state"] for item in items} == {"ready"}
    assert of["clip"]["kind"] == "video"
    assert of["clip"]["duration_seconds"] > 0
    assert of["red0"]["duration_seconds"] is None
    assert of["red0"]["has_thumbnail"]
    assert not of["tone"]["has_thumbnail"]
    assert of["red0"]["media"][0]["kind"] == "image"
    assert of["note"]["text"]
    assert sum(of["clip"]["modality_weights"].values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.usefixtures("states")
def test_items_are_listed_by_state(client: TestClient) -> None:
    assert ids(client) == sorted([*EVERYTHING, "a/pending", "broken"])
    assert ids(client, state="pending") == ["a/pending"]
    assert ids(client, state="quarantined") == ["broken"]
    assert ids(client, state="partial") == ["red2"]
    assert ids(client, state="ready") == [name for name in EVERYTHING if name != "red2"]
    assert client.get("/v1/items/a/pending").json()["state"] == "pending"
    assert client.get("/v1/items", params={"state": "odd"}).status_code == 422


@pytest.mark.usefixtures("states")
def test_items_that_pass_a_filter_are_listed(client: TestClient) -> None:
    stills = [name for name in EVERYTHING if name[-1].isdigit()]
    assert ids(client, filter="has_image") == stills
    assert ids(client, filter="has_image", state="ready") == [n for n in stills if n != "red2"]
    assert ids(client, filter="has_image", state="partial") == ["red2"]
    assert ids(client, filter="has_image", state="pending") == []
    assert ids(client, filter=" ") == ids(client)
    wrong = client.get("/v1/items", params={"filter": "colour =="})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "filter")


def test_items_that_come_between_two_pages_do_not_move_the_others(
    client: TestClient, host: Host
) -> None:
    first = client.get("/v1/items", params={"n": 5}).json()
    workspace = host.library.workspace
    with workspace.engine.begin() as connection:
        for name in ("a-first", "zz-last"):
            item = Item(item_id=name, media=(), title=name)
            workspace.catalogue.put(connection, {name: (item, ["x"])}, "made", 9)
    rest = client.get("/v1/items", params={"n": 50, "cursor": first["next_cursor"]}).json()
    met = [item["item_id"] for item in first["items"] + rest["items"]]
    assert met == [*EVERYTHING, "zz-last"]
    other = client.get("/v1/users", params={"cursor": first["next_cursor"]})
    assert (other.status_code, other.json()["code"]) == (422, "cursor")


def test_an_item_is_told_whole(client: TestClient) -> None:
    clip = client.get("/v1/items/clip").json()
    assert clip["segments"]
    assert clip["segments"][0]["start_seconds"] == 0
    red = client.get("/v1/items/red0").json()
    assert red["clusters"] == {"colour": "red"}
    assert red["made_by"]
    missing = client.get("/v1/items/photos/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_a_thumbnail_is_sent_once(client: TestClient) -> None:
    answer = client.get("/v1/items/red0/thumbnail")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content[:2] == b"\xff\xd8"
    assert "max-age" in answer.headers["cache-control"]
    again = client.get(
        "/v1/items/red0/thumbnail", headers={"If-None-Match": f'"x", W/{answer.headers["etag"]}'}
    )
    assert (again.status_code, again.content) == (304, b"")
    for name in ("tone", "nothing"):
        assert client.get(f"/v1/items/{name}/thumbnail").status_code == 404


def test_an_item_taken_down_is_nowhere(client: TestClient, host: Host) -> None:
    workspace = host.library.workspace
    [key] = [medium.content_key for medium in workspace.catalogue.get(["red1"])["red1"].media]
    before = host.serving

    answer = client.delete("/v1/items/red1")

    assert answer.status_code == 200, answer.text
    receipt = answer.json()
    assert receipt["removed"] == {
        "vectors": 1,
        "places in views": 1,
        "files": 0,
        "titles": 0,
        "relations": 0,
        "items": 1,
        "thumbnails": 1,
        "native vectors": 1,
        "marks": 1,
        "failures": 0,
    }
    assert Path(receipt["left"][0]).name == "red1.png"
    assert host.serving is not before
    assert ids(client) == [name for name in EVERYTHING if name != "red1"]
    assert "red1" not in ids(client, filter="has_image")
    assert client.get("/v1/items/red1").status_code == 404
    assert workspace.manifest.thumbnails([key]) == {}
    found = client.post("/v1/search", json={"like": ["red0"], "n": 50}).json()["items"]
    assert "red1" not in [hit["item_id"] for hit in found]
    page = client.get("/v1/recommendations/anna", params={"n": 50}).json()["items"]
    assert len(page) == len(EVERYTHING) - 1
    assert client.delete("/v1/items/red1").status_code == 404
    # Nothing is left to be found again: the store opens as it was left.
    again = Host(workspace.path, CONFIG)
    assert again.refresh()
    assert len(again.serving.mirror) == len(EVERYTHING) - 1
    again.library.workspace.engine.dispose()


def test_nothing_is_taken_down_while_an_index_run_writes(client: TestClient, host: Host) -> None:
    with host.library.workspace.exclusive():
        answer = client.delete("/v1/items/red0")
    assert (answer.status_code, answer.json()["code"]) == (409, "held")
    assert answer.headers["retry-after"]
    assert client.get("/v1/items/red0").status_code == 200


def test_copies_of_an_item_that_goes_keep_what_they_share(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    media = workspace / "uploads"
    write_image(media / "a.png", plain((220, 20, 30)))
    for name in ("b", "c"):
        shutil.copy(media / "a.png", media / f"{name}.png")
    sensorium("index", media, "-w", workspace, "--local", "--quiet")
    host = Host(workspace, CONFIG)
    host.refresh()
    client = TestClient(create_app(host), raise_server_exceptions=False)
    assert [item["duplicate_of"] for item in walked(client)] == [None, "a", "a"]
    receipt = client.delete("/v1/items/a").json()
    assert (receipt["removed"]["files"], receipt["left"]) == (1, [])
    assert not (media / "a.png").exists()
    assert receipt["removed"]["native vectors"] == 0
    assert [item["duplicate_of"] for item in walked(client)] == [None, "b"]
    assert client.get("/v1/items/b/thumbnail").status_code == 200
    for name in ("b", "c"):
        last = client.delete(f"/v1/items/{name}").json()
    assert last["removed"]["native vectors"] == 1
    assert walked(client) == []
    empty = client.get("/v1/recommendations/anna")
    assert (empty.status_code, empty.json()["code"]) == (409, "empty")
    host.library.workspace.engine.dispose()
