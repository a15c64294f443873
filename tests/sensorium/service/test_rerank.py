"""Documents by relevance to a query."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

DOCUMENTS = ["A stew of lentils, carrots and cumin", "Interest rates rose by a quarter"]


def test_documents_stand_by_relevance(reader: TestClient) -> None:
    asked: dict[str, Any] = {"query": "a recipe for soup", "documents": DOCUMENTS[::-1]}
    answer = reader.post("/v1/rerank", json=asked).json()
    assert [one["index"] for one in answer["results"]] == [1, 0]
    scores = [one["relevance_score"] for one in answer["results"]]
    assert 1 >= scores[0] > scores[1] >= 0
    assert "document" not in answer["results"][0]
    assert answer["usage"]["total_tokens"] > 10


def test_items_are_documents_by_their_stored_vectors(reader: TestClient) -> None:
    query = "a recipe for soup"
    documents = [DOCUMENTS[1], {"item_id": "tone"}, {"item_id": "note"}, {"text": DOCUMENTS[0]}]
    asked = {"query": query, "documents": documents, "top_n": 2, "return_documents": True}
    answer = reader.post("/v1/rerank", json=asked).json()
    assert len(answer["results"]) == 2
    found = {one["index"]: one for one in answer["results"]}
    assert found[2]["document"] == {"item_id": "note"}
    hits = reader.post("/v1/search", json={"text": query, "n": 1}).json()["items"]
    assert found[2]["relevance_score"] == pytest.approx(hits[0]["relevance"], abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"documents": []}, 422),
        ({"documents": [{"text": "x", "item_id": "y"}]}, 422),
        ({"documents": [{"item_id": "nobody"}]}, 422),
        ({"query": ""}, 422),
        ({"model": "rerank-v3"}, 404),
        ({"documents": ["x" * 90_000] * 12}, 413),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    reader: TestClient, changes: dict[str, Any], status: int
) -> None:
    answer = reader.post("/v1/rerank", json={"query": "x", "documents": ["y"], **changes})
    assert answer.status_code == status
