"""Media of a request: bytes are counted while they are read, and files go with the request."""

from __future__ import annotations

import asyncio
import base64
import io
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from ingest.errors import DecodeError
from sensorium.service.bodies import TEXT_BYTES, read_form, read_json
from sensorium.service.fetching import Fetcher
from sensorium.service.problems import ServiceError
from sensorium.service.request_media import MediaLimits, given_media
from sensorium.service.search import SearchIn
from sensorium.service.serving import Host
from sensorium.service.settings import ServiceConfig

LIMITS = MediaLimits(media_bytes=1_000, fetcher=Fetcher(ServiceConfig()))


def test_files_are_there_until_the_end_whatever_happens() -> None:
    kept: list[Path] = []
    for ends in (lambda: None, lambda: 1 / 0):
        with suppress(ZeroDivisionError), given_media(LIMITS) as given:
            kept = [
                given.keep(io.BytesIO(b"abc"), "image"),
                given.keep_data(base64.b64encode(b"de").decode(), "audio"),
            ]
            assert [path.read_bytes() for path in kept] == [b"abc", b"de"]
            ends()
        assert not kept[0].parent.exists()


def test_all_media_together_are_limited() -> None:
    with given_media(LIMITS) as kept:
        kept.keep(io.BytesIO(b"x" * 600), "image")
        kept.keep_data(base64.b64encode(b"x" * 400).decode(), "image")
        with pytest.raises(ServiceError) as caught:
            kept.keep(io.BytesIO(b"x"), "image")
        assert (caught.value.status, caught.value.code) == (413, "too_large")
    with given_media(LIMITS) as kept, pytest.raises(ServiceError, match="1000 bytes"):
        kept.keep_data(base64.b64encode(b"x" * 1_001).decode(), "image")


def test_errors_do_not_name_the_folder() -> None:
    def refuse() -> None:
        with given_media(LIMITS) as kept:
            path = kept.keep(io.BytesIO(b"x"), "image")
            raise DecodeError("too_large", f"{path} has 1 bytes")

    with pytest.raises(DecodeError) as caught:
        refuse()
    assert caught.value.sentence == "image 1 has 1 bytes"


def request_of(chunks: list[bytes], headers: dict[str, str]) -> tuple[Request, list[int]]:
    """A request whose body comes in pieces, and how many of them were taken."""
    taken: list[int] = []
    rest = iter(chunks)

    async def receive() -> Any:
        taken.append(1)
        chunk = next(rest, b"")
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive), taken


def test_a_body_is_not_read_beyond_its_limit() -> None:
    headers = {"content-type": "application/json"}
    request, taken = request_of([b" " * TEXT_BYTES] * 50, headers)
    with pytest.raises(ServiceError) as caught:
        asyncio.run(read_json(request, SearchIn, 1_000))
    assert caught.value.status == 413
    assert len(taken) == 2


def test_a_form_is_not_read_beyond_its_limit() -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x"}
    request, taken = request_of([part, *[b"0" * TEXT_BYTES] * 50], headers)
    with pytest.raises(ServiceError) as caught:
        asyncio.run(read_form(request, 1_000, 8))
    assert caught.value.status == 413
    assert len(taken) == 3


def test_a_length_that_is_too_much_is_refused_unread() -> None:
    headers = {"content-type": "application/json", "content-length": str(1 << 40)}
    request, taken = request_of([b"{}"], headers)
    with pytest.raises(ServiceError):
        asyncio.run(read_json(request, SearchIn, 1_000))
    assert taken == []


def test_the_setting_limits_what_a_search_brings(host: Host, client: TestClient) -> None:
    host.config = replace(host.config, service=replace(host.config.service, media_bytes=10))
    answer = client.post("/v1/search", files={"image": b"x" * 11})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    encoded = base64.b64encode(b"x" * 11).decode()
    answer = client.post("/v1/search", json={"image": {"data": encoded}})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
