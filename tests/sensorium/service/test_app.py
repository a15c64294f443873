"""The application as a client meets it: ids, headers, problems, health."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fastapi.testclient import TestClient

from sensorium.service.app import create_app
from sensorium.service.middleware import SAFE_HEADERS
from sensorium.service.problems import MEDIA_TYPE
from sensorium.service.serving import Host
from support.library import CONFIG


def test_every_answer_has_an_id_and_the_safe_headers(client: TestClient) -> None:
    answer = client.get("/health/live")
    assert answer.status_code == 200
    assert len(answer.headers["x-request-id"]) == 32
    for name, value in SAFE_HEADERS.items():
        assert answer.headers[name] == value


def test_an_id_of_the_caller_is_kept_unless_it_could_forge_a_log(client: TestClient) -> None:
    kept = client.get("/health/live", headers={"X-Request-ID": "mine-7"})
    assert kept.headers["x-request-id"] == "mine-7"
    forged = client.get("/health/live", headers={"X-Request-ID": "a b%0aroot"})
    assert forged.headers["x-request-id"] != "a b%0aroot"


def test_errors_are_problems(client: TestClient) -> None:
    unfitting = client.post("/v1/search", json={"text": "red", "n": 0})
    assert unfitting.status_code == 422
    assert unfitting.headers["content-type"] == MEDIA_TYPE
    told = unfitting.json()
    assert told["code"] == "invalid"
    assert told["errors"][0]["where"] == "body/n"
    assert told["request_id"] == unfitting.headers["x-request-id"]
    wrong = client.get("/v1/recommendations/anna", params={"filter": "shape =="})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "filter")
    assert wrong.json()["hint"]
    missing = client.get("/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    method = client.put("/v1/search")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert client.put("/v1/items").headers["allow"] == "GET, POST"
    assert client.put("/v1/users/anna/interests").headers["allow"] == "GET, PATCH"
    mistaken = client.delete("/v1/users/anna/events")  # Not somebody of this name.
    assert (mistaken.status_code, mistaken.headers["allow"]) == (405, "GET")


def test_the_specification_says_how_to_show_a_key(client: TestClient) -> None:
    told = client.get("/openapi.json").json()
    schemes = told["components"]["securitySchemes"]
    assert schemes["key"] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    assert schemes["bearer"] == {"type": "http", "scheme": "bearer"}
    assert told["paths"]["/v1/items"]["get"]["security"] == [{"key": []}, {"bearer": []}]
    assert "security" not in told["paths"]["/health/live"]["get"]


def test_a_fault_of_ours_is_told_without_detail(client: TestClient, host: Host) -> None:
    host._serving = object()  # type: ignore[assignment]
    answer = client.get("/v1/recommendations/anna")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "object" not in answer.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"] != ""
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_whatever_the_specification_refers_to_is_there(client: TestClient) -> None:
    told = client.get("/openapi.json").text
    known = set(json.loads(told)["components"]["schemas"])
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', told))
    assert referred <= known
    assert {"SearchIn", "MediaIn", "EmbeddingsIn"} <= referred


def test_operations_have_short_names_of_their_own(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"].values()
    names = [operation["operationId"] for methods in paths for operation in methods.values()]
    assert len(set(names)) == len(names)
    assert {"search", "recommend", "tell", "embed"} <= set(names)


def test_it_is_ready_once_the_library_has_been_opened(tmp_path: Path) -> None:
    host = Host(tmp_path / "w", CONFIG)
    client = TestClient(create_app(host))
    waiting = client.get("/health/ready")
    assert waiting.status_code == 503
    assert int(waiting.headers["retry-after"]) > 0
    assert client.get("/health/live").status_code == 200
    early = client.post("/v1/search", json={"text": "red"})
    assert (early.status_code, early.json()["code"]) == (503, "opening")
    assert int(early.headers["retry-after"]) > 0
    host.refresh()
    assert client.get("/health/ready").status_code == 200
    empty = client.get("/v1/recommendations/anna")
    assert (empty.status_code, empty.json()["code"]) == (409, "empty")
    host.library.workspace.engine.dispose()
