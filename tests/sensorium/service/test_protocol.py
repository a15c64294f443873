"""Heads of requests: how large, how slow, and two that disagree about where they end."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sensorium.service.protocol import bounded

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def echo(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} {len(await request.body())}")


async def slow(_request: Request) -> Response:
    await asyncio.sleep(0.8)
    return PlainTextResponse("late")


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"]), Route("/slow", slow)])
    config = uvicorn.Config(app, http=bounded(4_096, 0.5), ws="none", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join()
    listener.close()


def answer(address: tuple[str, int], *parts: bytes, pause: float = 0.0) -> bytes:
    """What comes back for bytes that are sent, until the connection ends or falls silent."""
    found = b""
    with socket.create_connection(address, timeout=5) as link:
        for part in parts:
            try:
                link.sendall(part)
            except OSError:
                break
            time.sleep(pause)
        link.settimeout(2)
        try:
            while data := link.recv(65_536):
                found += data
        except (TimeoutError, ConnectionResetError):
            pass
    return found


def test_requests_are_answered(address: tuple[str, int]) -> None:
    end = b"Connection: close\r\n\r\n"
    assert answer(address, HEAD + end).endswith(b"GET 0")
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
    assert answer(address, post + end, b"abc").endswith(b"POST 3")
    both = answer(address, HEAD + b"\r\n" + HEAD + end)
    assert both.count(b"HTTP/1.1 200") == 2


def test_a_body_that_comes_with_its_head_is_no_head(address: tuple[str, int]) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 20000\r\n\r\n"
    assert answer(address, head + b"x" * 20_000).endswith(b"POST 20000")


def test_an_answer_may_take_longer_than_a_head(address: tuple[str, int]) -> None:
    found = answer(address, b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert found.endswith(b"late")


@pytest.mark.parametrize("first", [b"", HEAD, b"\r\n"])
def test_a_head_that_never_ends_is_given_up(address: tuple[str, int], first: bytes) -> None:
    began = time.monotonic()
    with socket.create_connection(address, timeout=5) as link:
        if first:
            link.sendall(first)
        assert link.recv(100) == b""
    assert time.monotonic() - began < 4


def test_a_head_that_drips_is_given_up(address: tuple[str, int]) -> None:
    assert answer(address, HEAD, *[b"X: y\r\n"] * 12, pause=0.1) == b""


def test_a_head_that_is_too_large_is_refused(address: tuple[str, int]) -> None:
    parts = [HEAD, *[b"X-%d: " % n + b"y" * 1_000 + b"\r\n" for n in range(8)]]
    found = answer(address, *parts, pause=0.02)
    assert found.startswith(b"HTTP/1.1 431") or found == b""
    line = answer(address, b"GET /", *[b"a" * 1_000] * 8, pause=0.02)
    assert line.startswith(b"HTTP/1.1 431") or line == b""


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length : 4\r\n",
        b"Bad\x00Name: 1\r\n",
        b"Folded: a\r\n b: c\r\nContent-Length: x\r\n",
    ],
)
def test_lengths_that_disagree_smuggle_no_second_request(
    address: tuple[str, int], head: bytes
) -> None:
    smuggled = b"0\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
    found = answer(address, b"POST / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n" + smuggled)
    assert found.startswith(b"HTTP/1.1 400")
    assert found.count(b"HTTP/1.1") == 1


def test_what_cannot_be_read_is_told_as_a_problem(address: tuple[str, int]) -> None:
    head, _, body = answer(address, b"no http at all\r\n\r\n").partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert f"content-length: {len(body)}".encode() in head
    told = json.loads(body)
    assert (told["status"], told["code"]) == (400, "unreadable")
    assert "first line" in told["hint"]
