"""Items of a caller's choice, put in order for a person."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from ingest.event import Event
from sensorium.service.serving import Host


def test_items_stand_by_what_is_known_of_a_person(host: Host, client: TestClient) -> None:
    likes = [
        Event(user_id="anna", item_id=name, event_type="like", occurred_at=datetime.now(UTC))
        for name in ("green0", "green1")
    ]
    host.library.workspace.event_log.append(likes)
    ids = ["red2", "green2", "blue2", "elsewhere", "green2"]
    answer = client.post("/v1/rank", json={"user_id": "anna", "item_ids": ids, "explain": True})
    found = answer.json()
    assert found["unknown"] == ["elsewhere"]
    assert found["items"][0]["item_id"] == "green2"
    assert [item["position"] for item in found["items"]] == [0, 1, 2]
    for item in found["items"]:
        assert sum(item["parts"].values()) == pytest.approx(item["score"])
    turned = client.post("/v1/rank", json={"user_id": "anna", "item_ids": ids[::-1]}).json()
    assert turned["items"][0]["item_id"] == "green2"
    assert turned["items"][0]["parts"] is None


def test_where_nothing_is_known_the_order_stays(reader: TestClient) -> None:
    ids = ["red2", "blue2", "green2"]
    found = reader.post("/v1/rank", json={"user_id": "nobody", "item_ids": ids}).json()
    assert [item["item_id"] for item in found["items"]] == ids
    nothing = reader.post("/v1/rank", json={"user_id": "nobody", "item_ids": []}).json()
    assert nothing == {"items": [], "unknown": []}
