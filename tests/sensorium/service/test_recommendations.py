"""Pages over HTTP, for people whom the log knows and for visitors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from sensorium.feed import FeedRequest
from sensorium.service.recommendations import VISITOR, PastIn, history_of
from sensorium.service.serving import Host
from support.cli import sensorium


def test_a_page_says_why(client: TestClient) -> None:
    answer = client.get("/v1/recommendations/anna", params={"n": 5, "explain": True})
    assert answer.status_code == 200
    page = answer.json()
    assert page["view"] == "colour"
    assert len(page["items"]) == 5
    first = page["items"][0]
    assert first["reason"]["text"]
    assert sum(first["parts"].values()) == first["score"]
    assert page["trace"]


def test_parts_are_left_out_unless_asked_for(reader: TestClient) -> None:
    page = reader.get("/v1/recommendations/anna").json()
    assert page["trace"] is None
    assert page["items"][0]["parts"] is None


def test_a_ranker_that_tells_actions_apart_is_asked_for_their_chances(
    client: TestClient, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chances(_self: object, _state: object, items: NDArray[np.int64]) -> dict[str, Any]:
        return {"like": np.linspace(0.9, 0.1, len(items))}

    monkeypatch.setattr(type(host.serving.recommender.feed.ranker), "chances", chances)
    asked = {"user_id": "anna", "n": 3}
    for page in (
        client.get("/v1/recommendations/anna", params={"n": 3, "explain": True}).json(),
        client.post("/v1/recommendations", json={**asked, "explain": True}).json(),
    ):
        told = [pick["chances"]["like"] for pick in page["items"]]
        np.testing.assert_allclose(told, [0.9, 0.5, 0.1])
    plain = client.post("/v1/recommendations", json=asked).json()
    assert [pick["chances"] for pick in plain["items"]] == [None] * 3


def test_an_item_without_a_title_has_none_wherever_it_is_told_of(
    client: TestClient, host: Host
) -> None:
    page = client.get("/v1/recommendations/anna", params={"n": 50}).json()["items"]
    found = client.post("/v1/search", json={"like": ["green0"], "n": 50, "min_relevance": 0}).json()
    listed = client.get("/v1/items", params={"n": 50}).json()["items"]
    titles = {one["item_id"]: one["title"] for one in listed}
    assert len(titles) == len(page) == 18
    assert "" in titles.values()
    for one in (*page, *found["items"]):
        assert one["title"] == titles[one["item_id"]]


def test_a_visitor_gets_what_is_like_their_history(reader: TestClient) -> None:
    asked = {"history": [{"item_id": "green0"}, {"item_id": "green1"}], "n": 4}
    page = reader.post("/v1/recommendations", json=asked).json()
    assert page["user_id"] == ""
    names = [pick["item_id"] for pick in page["items"]]
    assert not {"green0", "green1"} & set(names)
    assert names[0].startswith("green")
    refused = [{"item_id": "green0", "event_type": "dislike"}]
    page = reader.post("/v1/recommendations", json={"history": refused, "n": 4}).json()
    assert not page["items"][0]["item_id"].startswith("green")
    assert any("liked nothing yet" in note for note in page["notes"])


def test_a_history_says_of_a_visitor_what_the_log_says_of_a_user(host: Host) -> None:
    past = [
        PastIn(item_id=name, event_type=kind, timestamp=f"2025-03-0{day}T12:00:00Z")
        for day, (name, kind) in enumerate([("red1", "like"), ("blue2", "skip")], 1)
    ]
    events = history_of(past[::-1])
    assert [event.item_id for event in events] == ["red1", "blue2"]
    host.library.workspace.event_log.append(
        [replace(event, user_id="bea", event_id="") for event in events]
    )
    recommender, moment = host.serving.recommender, datetime(2025, 3, 5, tzinfo=UTC)
    visitor = recommender.state(FeedRequest(user_id="", history=events, asked_at=moment))
    known = recommender.state(FeedRequest(user_id="bea", asked_at=moment))
    for name in ("weights", "seen", "refused", "interest", "exposure", "boost", "types"):
        np.testing.assert_array_equal(getattr(visitor, name), getattr(known, name))
    np.testing.assert_array_equal(visitor.liked.items, known.liked.items)
    np.testing.assert_array_equal(visitor.recent.times_us, known.recent.times_us)


def test_a_visitor_leaves_nothing_in_the_log(host: Host, client: TestClient) -> None:
    mark = host.library.workspace.event_log.mark("")
    client.post("/v1/recommendations", json={"history": [{"item_id": "red0"}]})
    log = host.library.workspace.event_log
    assert log.mark("") == mark
    assert not any(log.mark(VISITOR))


def test_items_can_be_excluded_and_filtered(reader: TestClient) -> None:
    asked: dict[str, Any] = {"user_id": "anna", "n": 50, "exclude": ["red0", "no such item"]}
    names = {
        pick["item_id"] for pick in reader.post("/v1/recommendations", json=asked).json()["items"]
    }
    assert "red0" not in names
    assert "red1" in names
    asked["filter"] = {"must": [{"key": "has_image", "match": {"value": False}}]}
    names = {
        pick["item_id"] for pick in reader.post("/v1/recommendations", json=asked).json()["items"]
    }
    assert names == {"clip", "tone", "note"}


def test_what_was_shown_is_recorded_where_asked_for(host: Host, client: TestClient) -> None:
    log = host.library.workspace.event_log
    client.get("/v1/recommendations/anna", params={"n": 3})
    assert log.tail("anna", 10) == []
    page = client.get("/v1/recommendations/anna", params={"n": 3, "record": True}).json()
    [shown] = log.tail("anna", 10)
    assert shown.recommendation_id == page["recommendation_id"]
    assert list(shown.impressions) == [pick["item_id"] for pick in page["items"]]


def test_interests_are_read_from_the_view_that_is_named(host: Host, client: TestClient) -> None:
    words = ("--by", "mood", "--words", "calm,wild", "--ablate", "proxies", "-k", "2")
    sensorium("cluster", *words, "-w", host.library.workspace.path, "--quiet")
    host.refresh()
    newest = client.get("/v1/recommendations/anna").json()
    assert newest["view"] == "mood"
    other = client.get("/v1/recommendations/anna", params={"view": "colour"}).json()
    assert other["view"] == "colour"
    recommenders = host.serving.recommenders
    assert recommenders.of("colour") is recommenders.of("colour")
    shelves = [recommenders.of(view).stock.shelf for view in ("colour", "mood")]
    assert shelves[0].vectors is shelves[1].vectors
    unknown = client.get("/v1/recommendations/anna", params={"view": "taste"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "view")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"user_id": "anna", "history": []},
        {"history": [], "record": True},
        {"history": [{"item_id": "red0", "timestamp": "soon"}]},
        {"history": [{"item_id": " "}]},
        {"user_id": "anna", "n": 0},
    ],
)
def test_what_cannot_be_asked_is_refused(reader: TestClient, asked: dict[str, Any]) -> None:
    answer = reader.post("/v1/recommendations", json=asked)
    assert answer.status_code == 422
    assert answer.json()["code"] in ("invalid", "bad_event")
