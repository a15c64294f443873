"""People over HTTP: who is known, what they say, and nothing of them once they are erased."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from sensorium.albums import Albums
from sensorium.service.serving import Host

LEAVER = "somebody/who leaves"


def likes(client: TestClient, user_id: str, *item_ids: str) -> None:
    rows = [{"user_id": user_id, "item_id": one, "event_type": "like"} for one in item_ids]
    assert client.post("/v1/events", json={"events": rows}).json()["accepted"] == len(rows)


def test_people_are_listed_a_page_at_a_time(client: TestClient) -> None:
    for user_id in ("anna", "ben", "zoë", LEAVER):
        likes(client, user_id, "red0")
    client.patch("/v1/users/carl/interests", json={"name": "red", "factor": 0})
    met, cursor = list[str](), None
    while True:
        asked = {"n": 2, **({"cursor": cursor} if cursor else {})}
        answer = client.get("/v1/users", params=asked).json()
        met += [user["user_id"] for user in answer["users"]]
        if (cursor := answer["next_cursor"]) is None:
            break
    assert met == ["anna", "ben", "carl", LEAVER, "zoë"]
    wrong = client.get("/v1/users", params={"cursor": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "cursor")
    assert client.get("/v1/users", params={"n": 1_001}).status_code == 422


def test_a_person_is_told_with_interests_and_deeds(client: TestClient) -> None:
    likes(client, LEAVER, "red0", "red1", "blue0")
    told = client.get(f"/v1/users/{LEAVER}").json()
    assert (told["user_id"], told["view"], told["events"], told["liked"]) == (
        LEAVER, "colour", 3, 3,
    )  # fmt: skip
    assert told["interests"][0]["name"] == "red"
    assert told["recent"][0]["item_id"] == "blue0"
    assert told["recent"][0]["interest"] == "blue"
    nobody = client.get("/v1/users/nobody")
    assert (nobody.status_code, nobody.json()["events"]) == (200, 0)
    missing = client.get("/v1/users/nobody", params={"view": "mood"})
    assert (missing.status_code, missing.json()["code"]) == (404, "view")


def test_what_somebody_says_of_an_interest_counts_at_once(client: TestClient) -> None:
    likes(client, "anna", "red0")
    path = "/v1/users/anna/interests"
    said = client.patch(path, json={"name": "red", "factor": 0}).json()
    for told in (said, client.get(path).json()):  # Sums fade from one moment to the next.
        factors = {one["name"]: one["factor"] for one in told["interests"]}
        assert factors == {"red": 0, "green": 1, "blue": 1}
    page = client.get("/v1/recommendations/anna", params={"n": 50}).json()["items"]
    assert page
    assert not [pick["item_id"] for pick in page if pick["item_id"].startswith("red")]
    back = client.patch(path, json={"name": "red", "factor": 1}).json()
    assert {one["factor"] for one in back["interests"]} == {1}
    unknown = client.patch(path, json={"name": "crimson", "factor": 1})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "view")
    assert client.patch(path, json={"name": "red", "factor": 11}).status_code == 422
    assert client.patch(path, json={"name": "red", "factor": 1, "x": 1}).status_code == 422
    unnamed = client.patch("/v1/users/%20/interests", json={"name": "red", "factor": 0})
    assert (unnamed.status_code, unnamed.json()["code"]) == (422, "preference")


def test_interests_of_another_view_are_told_by_its_name(client: TestClient, host: Host) -> None:
    from rich.console import Console

    from sensorium.albums import ClusterRequest

    likes(client, "anna", "red0")
    request = ClusterRequest(by="tone", words=("warm", "cold"), ablate=("proxies",), num_clusters=2)
    Albums(host.library).create(request, Console(quiet=True), lambda _stage, _share: None)
    other = client.get("/v1/users/anna/interests", params={"view": "tone"}).json()
    assert (other["view"], len(other["interests"])) == ("tone", 2)
    assert client.get("/v1/users/anna/interests").json()["view"] == "colour"


def test_nothing_of_somebody_is_left_in_the_service_once_they_are_erased(
    client: TestClient, host: Host
) -> None:
    likes(client, LEAVER, "red0", "red1")
    likes(client, "stays", "blue0")
    key = {"Idempotency-Key": f"of {LEAVER}".replace(" ", "-")}
    said = {"user_id": LEAVER, "item_id": "red2", "event_type": "like", "event_id": LEAVER}
    client.post("/v1/events", json=said, headers=key)
    client.patch(f"/v1/users/{LEAVER}/interests", json={"name": "blue", "factor": 0})
    client.get(f"/v1/recommendations/{LEAVER}")
    before = host.serving
    assert len(before.recommender.states) == 1

    answer = client.delete(f"/v1/users/{LEAVER}")

    assert answer.status_code == 200
    receipt = answer.json()
    assert (receipt["clean"], receipt["found"]) == (True, {})
    assert receipt["removed"]["events"] == 3
    assert receipt["removed"]["preferences"] == 1
    assert receipt["removed"]["kept answers"] == 1
    assert receipt["removed"]["states at hand"] == 1
    assert client.get(f"/v1/users/{LEAVER}").json()["events"] == 0
    assert [user["user_id"] for user in client.get("/v1/users").json()["users"]] == ["stays"]
    states, counts = host.serving.recommender.states, host.serving.recommender.counts
    assert len(states) == 0
    shelf = host.serving.recommender.stock.shelf
    liked = counts.standings.now.liked
    assert [shelf.item_ids[number] for number in liked.nonzero()[0]] == ["blue0"]
    again = client.delete(f"/v1/users/{LEAVER}").json()
    assert set(again["removed"].values()) == {0}


def test_an_erasure_of_another_process_shows(client: TestClient, host: Host) -> None:
    from sensorium.people import erase

    likes(client, LEAVER, "red0")
    host.refresh()
    before = host.serving
    erase(host.library.workspace, LEAVER)
    assert host.refresh()
    assert host.serving is not before
    assert host.serving.encoders is before.encoders


@pytest.mark.parametrize("path", ["/v1/users/x/interests", "/v1/users/x", "/v1/users"])
def test_people_are_known_before_anything_is_indexed(path: str, tmp_path: object) -> None:
    from pathlib import Path

    from sensorium.service.app import create_app
    from support.library import CONFIG

    host = Host(Path(str(tmp_path)) / "w", CONFIG)
    host.refresh()
    assert TestClient(create_app(host)).get(path).status_code == 200
    host.library.workspace.engine.dispose()
