"""Searches over HTTP."""

from __future__ import annotations

from fastapi.testclient import TestClient


def test_words_find_what_the_library_holds(client: TestClient) -> None:
    answer = client.post("/v1/search", json={"text": "a recipe for soup", "n": 3})
    assert answer.status_code == 200
    found = answer.json()["items"]
    assert found[0]["item_id"] == "note"
    assert 0 <= found[0]["relevance"] <= 1


def test_an_item_finds_its_like(client: TestClient) -> None:
    answer = client.post("/v1/search", json={"like": ["red0"], "n": 4, "filter": "has_image"})
    assert {hit["item_id"][:3] for hit in answer.json()["items"]} == {"red"}
