"""Pages over HTTP."""

from __future__ import annotations

from fastapi.testclient import TestClient


def test_a_page_says_why(client: TestClient) -> None:
    answer = client.get("/v1/recommendations/anna", params={"n": 5, "explain": True})
    assert answer.status_code == 200
    page = answer.json()
    assert len(page["items"]) == 5
    first = page["items"][0]
    assert first["reason"]["text"]
    assert sum(first["parts"].values()) == first["score"]
    assert page["trace"]


def test_parts_are_left_out_unless_asked_for(client: TestClient) -> None:
    page = client.get("/v1/recommendations/anna").json()
    assert page["trace"] is None
    assert page["items"][0]["parts"] is None
