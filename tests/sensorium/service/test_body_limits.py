"""Bodies: how large, and how slow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException
from starlette.types import Message

from sensorium.service.app import create_app
from sensorium.service.body_limits import Body
from sensorium.service.problems import MEDIA_TYPE
from sensorium.service.serving import Host
from support.library import CONFIG

LIMIT = 1_000


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[TestClient]:
    """An empty library behind small limits."""
    service = replace(CONFIG.service, max_body_bytes=LIMIT, max_upload_bytes=4 * LIMIT)
    host = Host(tmp_path / "w", replace(CONFIG, service=service))
    yield TestClient(create_app(host), raise_server_exceptions=False)
    host.stop()
    host.library.workspace.engine.dispose()


def test_a_body_that_says_it_is_too_large_is_not_read(bounded: TestClient) -> None:
    refused = bounded.post("/v1/search", content=b"x" * 5 * LIMIT)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert refused.headers["content-type"] == MEDIA_TYPE
    assert refused.headers["connection"] == "close"
    other = bounded.post("/v1/nothing", content=b"x" * (LIMIT + 1))
    assert other.status_code == 413


def test_a_form_is_large_where_forms_are_taken_and_nowhere_else(bounded: TestClient) -> None:
    for path, status in {"/v1/events": 413, "/v1/items": None, "/v1/itemsx": 413}.items():
        answer = bounded.post(path, files={"file": b"x" * 2 * LIMIT})
        assert (answer.status_code == 413) == (status == 413), path
    assert bounded.post("/v1/items", files={"file": b"x" * 5 * LIMIT}).status_code == 413


def test_a_body_of_unknown_length_is_cut_off(bounded: TestClient) -> None:
    sent = 0

    def parts() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += LIMIT
            yield b" " * LIMIT

    headers = {"Content-Type": "application/json"}
    refused = bounded.post("/v1/events", content=parts(), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "٣", "9" * 40])
def test_lengths_that_are_none_are_refused(bounded: TestClient, length: str) -> None:
    headers = [(b"content-length", length.encode())]
    refused = bounded.post("/v1/search", content=b"{}", headers=headers)
    assert refused.status_code in (400, 413)


def test_a_body_that_drips_is_given_up() -> None:
    async def drip() -> Message:
        await asyncio.sleep(0.03)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read(body: Body) -> None:
        for _ in range(100):
            await body.receive()

    began = time.monotonic()
    with pytest.raises(HTTPException) as caught:
        asyncio.run(read(Body(drip, LIMIT, seconds=0.2)))
    assert caught.value.status_code == 408
    assert time.monotonic() - began < 2


def test_who_waits_for_an_answer_is_not_hurried() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"x", "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def give() -> Message:
        if len(messages) == 1:
            await asyncio.sleep(0.1)
        return messages.pop(0)

    async def read() -> list[str]:
        body = Body(give, LIMIT, seconds=0.02)
        return [(await body.receive())["type"] for _ in range(2)]

    assert asyncio.run(read()) == ["http.request", "http.disconnect"]
