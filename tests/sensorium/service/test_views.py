"""Albums over HTTP: shown, edited, and refused while somebody else writes."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from sensorium.service.serving import Host

COLOUR = "/v1/views/colour"


def names(view: dict[str, Any]) -> dict[str, int]:
    return {cluster["name"]: cluster["cluster_id"] for cluster in view["clusters"]}


def members(client: TestClient, cluster_id: int, n: int = 50) -> list[dict[str, Any]]:
    found, cursor = [], None
    while True:
        params = {"n": n} if cursor is None else {"n": n, "cursor": cursor}
        page = client.get(f"{COLOUR}/clusters/{cluster_id}/items", params=params).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_a_view_is_shown_with_its_clusters(client: TestClient) -> None:
    (listed,) = client.get("/v1/views").json()["views"]
    view = client.get(COLOUR).json()
    assert (listed["name"], listed["aspect"], listed["num_clusters"]) == ("colour", "colour", 3)
    assert listed["size"] == view["size"] == sum(one["size"] for one in view["clusters"]) == 18
    assert set(names(view)) == {"red", "green", "blue"}
    assert sum(one["share"] for one in view["clusters"]) == pytest.approx(1)
    red = next(one for one in view["clusters"] if one["name"] == "red")
    assert {item[:3] for item in red["typical"]} >= {"red"}


def test_pages_of_members_join_to_the_whole_surest_first(client: TestClient) -> None:
    for cluster in client.get(COLOUR).json()["clusters"]:
        whole = members(client, cluster["cluster_id"])
        assert len(whole) == cluster["size"]
        assert members(client, cluster["cluster_id"], n=2) == whole
        confidence = [one["confidence"] for one in whole]
        assert confidence == sorted(confidence, reverse=True)
        assert [one["item_id"] for one in whole][: len(cluster["typical"])] == cluster["typical"]
        pictures = {one["item_id"]: one["has_thumbnail"] for one in whole}
        kinds = {one["item_id"]: one["kind"] for one in whole}
        assert all(pictures[key] == (kind in ("image", "video")) for key, kind in kinds.items())


def test_an_edit_shows_at_once(client: TestClient, host: Host) -> None:
    number = names(client.get(COLOUR).json())["red"]
    renamed = client.patch(f"{COLOUR}/clusters/{number}", json={"name": "crimson"}).json()
    assert names(renamed)["crimson"] == number
    interests = host.serving.recommender.stock.shelf.interests
    assert interests is not None
    assert "crimson" in interests.names


def test_an_item_is_pinned_and_let_go(client: TestClient) -> None:
    asked = {"item_id": "green0", "cluster": "red"}
    pinned = client.post(f"{COLOUR}/pin", json=asked).json()
    red = next(one for one in pinned["clusters"] if one["name"] == "red")
    assert red["pinned"] == 1
    assert {one["item_id"]: one["pinned"] for one in members(client, red["cluster_id"])}["green0"]
    loose = client.post(f"{COLOUR}/unpin", json={"item_id": "green0"})
    assert sum(one["pinned"] for one in loose.json()["clusters"]) == 0
    again = client.post(f"{COLOUR}/unpin", json={"item_id": "green0"})
    assert (again.status_code, again.json()["code"]) == (422, "view")


def test_clusters_are_merged_by_name_or_number_and_split(client: TestClient) -> None:
    known = names(client.get(COLOUR).json())
    asked = {"clusters": ["red", known["blue"]], "name": "both"}
    merged = client.post(f"{COLOUR}/merge", json=asked).json()
    assert set(names(merged)) == {"both", "green"}
    assert names(merged)["both"] == known["red"]
    parts = client.post(f"{COLOUR}/split", json={"cluster": "both", "parts": 2}).json()
    assert len(parts["clusters"]) == 3
    assert parts["size"] == 18


def test_a_view_is_deleted(client: TestClient) -> None:
    assert client.delete(COLOUR).status_code == 204
    assert client.get(COLOUR).status_code == 404
    assert client.get("/v1/views").json() == {"views": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/views/none", None, 404),
        ("GET", f"{COLOUR}/clusters/99/items", None, 404),
        ("PATCH", f"{COLOUR}/clusters/99", {"name": "x"}, 404),
        ("PATCH", f"{COLOUR}/clusters/1", {"name": "x" * 100}, 422),
        ("POST", f"{COLOUR}/merge", {"clusters": ["red", "pink"]}, 404),
        ("POST", f"{COLOUR}/merge", {"clusters": ["red", "red"]}, 422),
        ("POST", f"{COLOUR}/pin", {"item_id": "none", "cluster": "red"}, 422),
        ("POST", f"{COLOUR}/split", {"cluster": "red", "parts": 1}, 422),
        ("DELETE", "/v1/views/none", None, 404),
    ],
)
def test_what_is_not_there_or_cannot_be_is_told(
    client: TestClient, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    assert client.request(method, path, json=body).status_code == status


def test_edits_are_put_off_while_somebody_writes(client: TestClient, host: Host) -> None:
    with host.library.workspace.exclusive():
        answer = client.patch(f"{COLOUR}/clusters/1", json={"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "held")
    assert int(answer.headers["retry-after"]) > 0


def test_bundled_aspects_are_listed(client: TestClient) -> None:
    listed = {one["name"]: one["words"] for one in client.get("/v1/aspects").json()["aspects"]}
    assert "red" in listed["colour"]
    assert len(listed) > 50
