"""What the service counts of itself, read as Prometheus reads it."""

from __future__ import annotations

import asyncio
import time

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Receive, Scope, Send

from sensorium.service.app import create_app
from sensorium.service.metrics import Measured, Metrics
from sensorium.service.serving import Host


def shown(client: TestClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every number by its name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def requests(route: str, method: str, status: int) -> tuple[str, tuple[tuple[str, str], ...]]:
    labels = (("method", method), ("route", route), ("status", str(status)))
    return "sensorium_requests_total", labels


def test_requests_are_counted_by_route_never_by_path(client: TestClient) -> None:
    for user in ("anna", "ben", "carla"):
        client.get(f"/v1/recommendations/{user}")
    client.get("/v1/recommendations/anna", params={"n": 0})
    for number in range(3):
        client.get(f"/no/such/{number}")
    client.request("BREW", "/v1/search")
    numbers = shown(client)
    page = "/v1/recommendations/{user_id}"
    assert numbers[requests(page, "GET", 200)] == 3
    assert numbers[requests(page, "GET", 422)] == 1
    assert numbers[requests("other", "GET", 404)] == 3
    assert not [key for key in numbers if "BREW" in str(key) or "/no/such" in str(key)]
    route = (("method", "GET"), ("route", page))
    assert numbers["sensorium_request_seconds_count", route] == 4
    assert numbers["sensorium_requests_in_flight", ()] == 1, "the one that asks"


def test_steps_of_pages_and_searches_are_timed(client: TestClient) -> None:
    client.get("/v1/recommendations/anna")
    client.post("/v1/search", json={"like": ["red0"]})
    numbers = shown(client)
    counted = {
        dict(labels)["work"] + " " + dict(labels)["step"]
        for (name, labels), value in numbers.items()
        if name == "sensorium_step_seconds_count" and value == 1
    }
    assert {"page state", "page sources", "page ranking", "page choice"} <= counted
    assert {"page description", "search encoding", "search search"} <= counted


def test_what_is_held_is_shown(client: TestClient, host: Host) -> None:
    client.get("/v1/recommendations/anna")
    numbers = shown(client)
    assert numbers["sensorium_items", ()] == len(host.serving.mirror)
    assert numbers["sensorium_ready", ()] == 1
    assert numbers["sensorium_refreshes", ()] == 1
    assert numbers["sensorium_database_up", ()] == 1
    assert 0 <= numbers["sensorium_state_age_seconds", ()] < 600
    assert numbers["sensorium_cache_bytes", (("cache", "mirror_items"),)] > 0
    limit = numbers["sensorium_cache_limit_bytes", (("cache", "user_states"),)]
    assert limit == host.config.user_state.cache_mib << 20
    limit = numbers["sensorium_cache_limit_bytes", (("cache", "query_words"),)]
    assert limit == host.config.service.words_cache_mib << 20
    assert numbers["process_resident_memory_bytes", ()] > 1 << 20


def test_other_parts_show_their_numbers(client: TestClient) -> None:
    states = {"queued": 2.0, "running": 1.0}
    client.app.state.metrics.show(  # type: ignore[attr-defined]
        "sensorium_shelves", "Shelves by state.", "state", lambda: states
    )
    assert shown(client)["sensorium_shelves", (("state", "queued"),)] == 2
    states["queued"] = 5
    assert shown(client)["sensorium_shelves", (("state", "queued"),)] == 5


def test_jobs_are_counted_by_state(client: TestClient) -> None:
    assert shown(client)["sensorium_jobs", (("state", "queued"),)] == 0
    assert client.post("/v1/jobs", json={"kind": "retry"}).status_code == 202
    numbers = shown(client)
    assert numbers["sensorium_jobs", (("state", "queued"),)] == 1
    assert numbers["sensorium_jobs", (("state", "failed"),)] == 0


def test_two_applications_count_apart(host: Host) -> None:
    one, other = (TestClient(create_app(host)) for _ in range(2))
    one.get("/health/live")
    assert requests("/health/live", "GET", 200) in shown(one)
    assert requests("/health/live", "GET", 200) not in shown(other)


def test_counting_costs_a_request_little(host: Host) -> None:
    async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        pass

    async def receive() -> dict[str, object]:
        return {}

    async def send(_message: object) -> None:
        pass

    measured = Measured(nothing, Metrics(host))
    scope: Scope = {"type": "http", "method": "GET", "path": "/"}

    async def least() -> float:
        spent = []
        for _ in range(500):
            started = time.perf_counter()
            await measured(scope, receive, send)
            spent.append(time.perf_counter() - started)
        return min(spent)

    assert asyncio.run(least()) < 1e-4
