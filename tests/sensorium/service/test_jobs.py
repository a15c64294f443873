"""Jobs over HTTP: what may be asked for, and how one is followed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from sensorium.service.jobs import Jobs
from sensorium.service.serving import Host


def jobs_of(client: TestClient) -> Jobs:
    app = client.app
    assert isinstance(app, FastAPI)
    jobs: Jobs = app.state.jobs
    return jobs


def test_a_source_that_was_indexed_before_is_queued(client: TestClient, host: Host) -> None:
    (source,) = host.library.workspace.catalogue.sources()
    answer = client.post("/v1/jobs", json={"kind": "index", "source": source})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['job_id']}"
    assert (job["state"], job["progress"]) == ("queued", {"share": None, "words": ""})
    assert job["request"] == {"source": source, "prune": False, "reembed": False}
    assert client.get(f"/v1/jobs/{job['job_id']}").json() == job
    cancelled = client.post(f"/v1/jobs/{job['job_id']}/cancel").json()
    assert cancelled["state"] == "cancelled"
    assert cancelled["finished_at"]


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"kind": "index", "source": "/etc"}, 403, "outside_roots"),
        ({"kind": "index", "source": "a\0b"}, 422, "invalid"),
        ({"kind": "index"}, 422, "invalid"),
        ({"kind": "dance"}, 422, "invalid"),
        ({"kind": "cluster", "by": "brand of car"}, 422, "aspect"),
        ({"kind": "cluster", "by": "x", "words": ["one"]}, 422, "aspect"),
        ({"kind": "cluster", "by": "mood", "filter": "shape =="}, 422, "filter"),
        ({"kind": "cluster", "by": "mood", "name": "a/b"}, 422, "view"),
        ({"kind": "cluster", "by": "colour"}, 409, "taken"),
        ({"kind": "train", "model": "everything"}, 422, "invalid"),
        ({"kind": "retry", "colour": 1}, 422, "invalid"),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(
    client: TestClient, asked: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post("/v1/jobs", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_a_folder_of_the_settings_may_be_indexed(client: TestClient, host: Host) -> None:
    from dataclasses import replace

    folder = host.library.workspace.path.parent
    asked = {"kind": "index", "source": str(folder)}
    assert client.post("/v1/jobs", json=asked).status_code == 403
    service = replace(host.config.service, roots=(str(folder),))
    host.config = replace(host.config, service=service)
    assert client.post("/v1/jobs", json=asked).status_code == 202
    asked["source"] = str(folder / "nowhere")
    assert client.post("/v1/jobs", json=asked).json()["code"] == "missing"


def test_jobs_are_listed_latest_first(client: TestClient) -> None:
    made = [client.post("/v1/jobs", json={"kind": "retry"}).json()["job_id"] for _ in range(3)]
    page = client.get("/v1/jobs", params={"n": 2}).json()
    assert [job["job_id"] for job in page["jobs"]] == made[:0:-1]
    page = client.get("/v1/jobs", params={"n": 2, "cursor": page["next_cursor"]}).json()
    assert [job["job_id"] for job in page["jobs"]] == made[:1]
    assert page["next_cursor"] is None


def test_an_unknown_job_is_not_found(client: TestClient) -> None:
    for path in ("/v1/jobs/x", "/v1/jobs/x/events"):
        assert client.get(path).status_code == 404
    assert client.post("/v1/jobs/x/cancel").status_code == 404


def test_a_job_is_followed_to_its_end(client: TestClient) -> None:
    job_id = client.post("/v1/jobs", json={"kind": "retry"}).json()["job_id"]
    store = jobs_of(client).store
    store.start_next()
    store.tell(job_id, 0.25, "1 of 4 files")
    events = []
    with client.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        # The client hears a stream once it has ended.
        lines = [line for line in stream.iter_lines() if line] if _end(store, job_id) else []
    for name, data in zip(lines[::2], lines[1::2], strict=True):
        events.append((name, json.loads(data.removeprefix("data: "))))
    assert events[-1][0] == "event: end"
    assert events[-1][1]["state"] == "done"
    assert events[-1][1]["result"] == {"items": 0}


def _end(store: Any, job_id: str) -> bool:
    store.finish(job_id, {"items": 0})
    return True


def test_a_listener_that_goes_away_leaves_nothing_behind(client: TestClient) -> None:
    job_id = client.post("/v1/jobs", json={"kind": "retry"}).json()["job_id"]
    path = f"/v1/jobs/{job_id}/events"
    heard: list[bytes] = []

    async def listen() -> set[asyncio.Task[Any]]:
        gone = asyncio.Event()
        asked: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": b""}]

        async def receive() -> MutableMapping[str, Any]:
            if asked:
                return asked.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message.get("body"):
                heard.append(message["body"])
                gone.set()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        async with asyncio.timeout(20):
            await client.app(scope, receive, send)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(listen()) == set()
    assert heard[0].startswith(b"event: progress")


def test_uploads_may_always_be_indexed(client: TestClient, host: Host) -> None:
    folder = Path(host.library.workspace.path) / "uploads"
    folder.mkdir()
    answer = client.post("/v1/jobs", json={"kind": "index", "source": str(folder)})
    assert answer.status_code == 202
