"""What somebody might try against the service, and what answers; the table of docs/security.md."""

from __future__ import annotations

import json
import logging
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from sensorium.service.access import COMMON, USER_FIELD
from sensorium.service.gate import OPEN_FOLDER, OPEN_PATHS
from sensorium.service.logs import LineFormatter
from support.attacked import Service
from support.cli import environment, start

PERSONS = re.compile(r"user|person|anna|who", re.IGNORECASE)


def routes(app: FastAPI) -> list[APIRoute]:
    return [route for route in _all(app.routes) if isinstance(route, APIRoute)]


def _all(found: Any) -> Iterator[Any]:
    for route in found:
        yield route
        yield from _all(getattr(getattr(route, "original_router", None), "routes", ()))


def test_every_route_says_what_a_caller_needs(service: Service) -> None:
    known = set(service.app.openapi()["paths"])
    listed = routes(service.app)
    assert known <= {route.path.replace(":path}", "}") for route in listed}
    for route in listed:
        needs = [d.call for d in route.dependant.dependencies if d.call is not None]
        guarded = any("needs.<locals>" in call.__qualname__ for call in needs)
        open_to_all = route.path in OPEN_PATHS or route.path.startswith(OPEN_FOLDER)
        assert guarded != open_to_all, route.path


def test_every_path_asks_for_a_key(service: Service) -> None:
    for path, methods in service.app.openapi()["paths"].items():
        url = re.sub(r"\{[^}]*\}", "x", path)
        for method in methods:
            answer = service.client.request(method.upper(), url)
            expected = (200,) if path in OPEN_PATHS else (401, 429)
            assert answer.status_code in expected, (method, path)


def test_people_are_called_by_one_name_everywhere(service: Service) -> None:
    """The check of a user's key looks for this name in paths, queries and bodies."""
    for path, methods in service.app.openapi()["paths"].items():
        for spec in methods.values():
            given = [one["name"] for one in spec.get("parameters", [])]
            named = [name for name in given if PERSONS.search(name)]
            assert set(named) <= {USER_FIELD}, path
            body = json.dumps(spec.get("requestBody", {}))
            if any(path == place or path.startswith(f"{place}/") for place in COMMON):
                assert USER_FIELD not in given, path
                assert "user_id" not in body, path


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/recommendations/ben", None),
        ("GET", "/v1/users/ben", None),
        ("GET", "/v1/users/ben/interests", None),
        ("GET", "/v1/users/ben/events", None),
        ("GET", "/v1/users", None),
        ("GET", "/v1/users/anna/../ben", None),
        ("GET", "/v1/users/ANNA", None),
        ("GET", "/v1/recommendations/anna?user_id=ben", None),
        ("PATCH", "/v1/users/ben/interests", {"name": "red", "factor": 0}),
        ("POST", "/v1/events", {"user_id": "ben", "item_id": "a", "event_type": "like"}),
        ("POST", "/v1/events", {"item_id": "a", "event_type": "like"}),
        ("POST", "/v1/events", {"events": [{"user_id": "anna"}, {"user_id": "ben"}]}),
        ("POST", "/v1/events", {"user_id": "anna", "context": {"user_id": "ben"}}),
        ("POST", "/v1/events", {"user_id": ["anna"], "item_id": "a", "event_type": "like"}),
        ("DELETE", "/v1/users/anna", None),
        ("DELETE", "/v1/items/red0", None),
        ("GET", "/v1/nothing", None),
    ],
)
def test_the_key_of_one_user_is_of_no_use_against_another(
    service: Service, method: str, path: str, body: Any
) -> None:
    headers = service.keys["anna"]
    answer = service.client.request(method, path, json=body, headers=headers)
    assert answer.status_code in (403, 404)
    assert "ben" not in answer.text.replace("/v1/users/ben", "")


def test_the_key_of_a_user_works_for_that_user(service: Service) -> None:
    ask, headers = service.client, service.keys["anna"]
    for path in ("/v1/users/anna", "/v1/users/anna/interests", "/v1/recommendations/anna"):
        assert ask.get(path, headers=headers).status_code == 200, path
    assert ask.get("/v1/items", headers=headers).status_code == 200
    row = {"user_id": "anna", "item_id": "red0", "event_type": "click"}
    assert ask.post("/v1/events", json=row, headers=headers).json()["accepted"] == 1


def test_a_key_that_reads_neither_writes_nor_erases(service: Service) -> None:
    ask = service.client
    row = {"user_id": "anna", "item_id": "red0", "event_type": "click"}
    assert ask.post("/v1/events", json=row, headers=service.keys["read"]).status_code == 403
    for name in ("read", "write"):
        refused = ask.delete("/v1/users/anna", headers=service.keys[name])
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_guessing_a_key_tells_nothing_by_its_answer_or_its_time(service: Service) -> None:
    right = service.keys["read"]["X-API-Key"]
    wrong = right[:-1] + ("A" if right[-1] != "A" else "B")
    unknown = "sns_" + "0" * 16 + right[20:]
    store = service.app.state.access.keys
    told = {
        json.dumps({**answer.json(), "request_id": ""})
        for key in (wrong, unknown, "nonsense")
        for answer in [service.client.get("/v1/items", headers={"X-API-Key": key})]
    }
    assert len(told) == 1

    def seconds(key: str) -> float:
        times = []
        for _ in range(60):
            began = time.perf_counter()
            assert store.find(key) is None
            times.append(time.perf_counter() - began)
        return sorted(times)[len(times) // 2]

    assert abs(seconds(wrong) - seconds(unknown)) < 0.002


PATHS = (
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd",
    "....//....//etc/passwd", "..\\..\\etc\\passwd", "file:///etc/passwd", "%00", "red0%00.png",
    "http://169.254.169.254/latest/meta-data", "photos/%2e%2e/%2e%2e/secret",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_paths_in_ids_lead_to_no_file(service: Service, path: str) -> None:
    for url in (f"/v1/items/{path}", f"/v1/items/{path}/thumbnail", f"/assets/{path}", f"/{path}"):
        answer = service.client.get(url, headers=service.keys["admin"])
        assert answer.status_code in (404, 405, 422), url
        assert "root:" not in answer.text


FILTERS = (
    '" or 1 == 1 --', 'title == "a" or "1" == "1"', "'; DROP TABLE items; --",
    '__import__("os").system("id")', "item_id in (select secret from api_keys)", "x" * 20_000,
    "(" * 5_000, "not " * 5_000 + "has_image", "duration_seconds < 1e999", "lang == '\0'",
    'title like "%' + "a%" * 500 + '"',
)  # fmt: skip


@pytest.mark.parametrize("text", FILTERS)
def test_filters_are_a_language_of_their_own(service: Service, text: str) -> None:
    began = time.monotonic()
    for method, url, body in (
        ("POST", "/v1/search", {"text": "red", "filter": text}),
        ("GET", "/v1/items", None),
        ("GET", "/v1/recommendations/anna", None),
    ):
        params = {} if body else {"filter": text}
        answer = service.client.request(
            method, url, json=body, params=params, headers=service.keys["read"]
        )
        assert answer.status_code in (200, 422), (url, answer.text)
        assert "api_keys" not in answer.text.replace(text, "")
    assert time.monotonic() - began < 10
    assert service.client.get("/v1/items", headers=service.keys["read"]).json()["items"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"text":' * 50_000,
        b'{"text": "' + b"a" * 5_000_000 + b'"}',
        b'{"text": "\xff\xfe"}',
        b'{"n": ' + b"9" * 100_000 + b"}",
        b'{"text": "a", "text": 1e400}',
        b'{"like": ["\\ud800"]}',
        b'{"text": "a", "__class__": "x"}',
        b"",
    ],
)
def test_bodies_made_to_break_the_parser_are_told_as_problems(
    service: Service, body: bytes
) -> None:
    headers = {"Content-Type": "application/json", **service.keys["read"]}
    answer = service.client.post("/v1/search", content=body, headers=headers)
    assert answer.status_code in (200, 400, 413, 415, 422), answer.text[:200]


def test_words_that_are_markup_are_answered_as_data(service: Service) -> None:
    script = "<script>alert(1)</script>"
    for answer in (
        service.client.get(f"/v1/items/{script}", headers=service.keys["read"]),
        service.client.get("/v1/items", params={"filter": script}, headers=service.keys["read"]),
        service.client.get(f"/{script}"),
    ):
        assert "html" not in answer.headers["content-type"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy


def test_headers_cannot_be_forged_through_what_is_asked(service: Service) -> None:
    for given in ("a%0d%0aSet-Cookie:%20x=1", "a%0aSet-Cookie:%20x=1"):
        answer = service.client.get(
            f"/v1/items/{given}", headers={**service.keys["read"], "X-Request-ID": "a b"}
        )
        assert "set-cookie" not in answer.headers


def test_neither_keys_nor_forged_lines_reach_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    key = service.keys["read"]["X-API-Key"]
    with caplog.at_level(logging.INFO):
        service.client.get(f"/v1/items/{key}", headers=service.keys["read"])
        service.client.get("/v1/x%0aERROR forged%1b[2J", headers=service.keys["read"])
    lines = "\n".join(map(LineFormatter("%(message)s").format, caplog.records)).splitlines()
    assert any("\\nERROR forged\\x1b[2J" in line for line in lines)
    assert not any(line.startswith("ERROR forged") for line in lines)
    assert key not in "\n".join(lines)


@contextmanager
def served(workspace: Path, *words: str) -> Iterator[int]:
    """Run ``sensorium serve`` in a process of its own; gives the port."""
    process = start("serve", "-w", workspace, "--port", "0", *words)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"http://[^ ]*:(\d+)", line):
                break
        else:
            raise AssertionError("it did not start")
        yield int(found[1])
    finally:
        process.terminate()
        process.communicate(timeout=60)


def raw(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(sent)
        found = b""
        while data := link.recv(65_536):
            found += data
    return found


def test_a_service_on_this_machine_is_not_led_by_a_browser(workspace: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(workspace, tmp_path / "w"))
    ask = b"GET /v1/items HTTP/1.1\r\nConnection: close\r\nHost: "
    with served(place, "--set", "service.idle_seconds=1") as port:
        assert raw(port, ask + b"localhost\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert raw(port, ask + b"evil.example\r\n\r\n").startswith(b"HTTP/1.1 421")
        forged = b"localhost\r\nX-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Host: evil\r\n\r\n"
        assert raw(port, ask + forged).startswith(b"HTTP/1.1 200")
        body = b'{"user_id":"a","item_id":"b","event_type":"like"}'
        post = b"POST /v1/events HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\n"
        simple = b"Content-Type: text/plain\r\nContent-Length: %d\r\n" % len(body)
        foreign = post + simple + b"Origin: https://evil.example\r\n\r\n" + body
        assert raw(port, foreign).startswith(b"HTTP/1.1 403")
        disagree = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        smuggled = raw(port, post + disagree + ask + b"localhost\r\n\r\n")
        assert smuggled.startswith(b"HTTP/1.1 400")
        assert smuggled.count(b"HTTP/1.1 ") == 1
        # A connection that is kept ends by itself once nothing is asked any more.
        kept = raw(port, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert kept.startswith(b"HTTP/1.1 200")


def test_a_service_that_others_reach_asks_for_a_key(workspace: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(workspace, tmp_path / "w"))
    command = ["-m", "sensorium", "serve", "-w", str(place), "--host", "0.0.0.0", "--port", "0"]
    refused = subprocess.run(
        [sys.executable, *command],
        capture_output=True, text=True, env=environment(), timeout=100, check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "sensorium keys create" in refused.stderr
