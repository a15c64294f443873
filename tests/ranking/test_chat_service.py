"""The client of a chat service, against a real server on this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ranking.chat_service import LONGEST_PAUSE_SECONDS, ChatService, completions_address
from ranking.language_model import LanguageModelConfig, LanguageModelError

TOKEN = "sk-do-not-show-me"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server says once."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


def says(text: Any) -> Reply:
    return Reply(body=json.dumps({"choices": [{"message": {"content": text}}]}).encode())


@dataclass
class Server:
    """A service that gives its replies in turn, the last one for ever."""

    replies: list[Reply]
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    address: str = ""
    let_go: threading.Event = field(default_factory=threading.Event)


def handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append((self.path, dict(self.headers), body))
            reply = server.replies[min(len(server.asked), len(server.replies)) - 1]
            if reply.hang_up:
                server.let_go.wait(10)
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def do_GET(self) -> None:
            server.asked.append((self.path, dict(self.headers), {}))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler


@contextmanager
def serving(*replies: Reply) -> Iterator[Server]:
    server = Server(list(replies))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(server)) as listener:
        server.address = f"http://127.0.0.1:{listener.server_port}"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.let_go.set()
        listener.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


def client(address: str, pauses: list[float] | None = None, **values: Any) -> ChatService:
    config = LanguageModelConfig(url=address, model="writer-1", token=TOKEN, **values)
    return ChatService(config, ([] if pauses is None else pauses).append)


def test_a_question_has_the_shape_that_services_know() -> None:
    with serving(says(" red, blue\n")) as server:
        assert client(server.address).complete("Colours, please: ä", 77) == " red, blue\n"
    [(path, headers, body)] = server.asked
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Content-Type"] == "application/json"
    assert body == {
        "model": "writer-1",
        "messages": [{"role": "user", "content": "Colours, please: ä"}],
        "max_tokens": 77,
        "temperature": 0,
    }


def test_a_service_without_keys_is_sent_none() -> None:
    with serving(says("yes")) as server:
        ChatService(LanguageModelConfig(url=server.address, model="m")).complete("?", 5)
    assert "Authorization" not in server.asked[0][1]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://host", "https://host/v1/chat/completions"),
        ("https://host/", "https://host/v1/chat/completions"),
        ("https://host:8000/v1/", "https://host:8000/v1/chat/completions"),
        ("https://host/api/v2", "https://host/api/v2/chat/completions"),
        ("https://host/x/chat/completions", "https://host/x/chat/completions"),
    ],
)
def test_the_address_is_completed(url: str, address: str) -> None:
    assert completions_address(url) == address


def test_a_busy_or_failing_service_is_asked_again_after_longer_and_longer_pauses() -> None:
    pauses: list[float] = []
    busy, failing = Reply(status=429), Reply(status=503)
    with serving(busy, failing, busy, says("at last")) as server:
        assert client(server.address, pauses).complete("?", 5) == "at last"
    assert pauses == [1.0, 2.0, 4.0]
    assert len({json.dumps(body) for _, _, body in server.asked}) == 1


@pytest.mark.parametrize(
    ("named", "waited"), [("7", 7.0), ("99999", LONGEST_PAUSE_SECONDS), ("tomorrow", 1.0)]
)
def test_the_pause_that_a_service_names_is_kept_within_reason(named: str, waited: float) -> None:
    pauses: list[float] = []
    with serving(Reply(status=429, headers={"Retry-After": named}), says("yes")) as server:
        client(server.address, pauses).complete("?", 5)
    assert pauses == [waited]


def test_a_service_that_stays_busy_is_given_up() -> None:
    pauses: list[float] = []
    with (
        serving(Reply(status=429, body=b'{"error": {"message": "slow\\ndown"}}')) as server,
        pytest.raises(LanguageModelError, match=r"answered 429: slow down; try again later"),
    ):
        client(server.address, pauses, tries=2).complete("?", 5)
    assert (len(server.asked), pauses) == (2, [1.0])


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(status=401, body=b"no"), r"answered 401: no; check language_model\.token"),
        (Reply(status=404), r"answered 404; check language_model\.url and language_model\.model"),
        (Reply(status=400, body=b'{"error": "odd"}'), r'answered 400: {"error": "odd"}; check'),
        (Reply(body=b"<html>"), "answered without a text"),
        (Reply(body=b'{"choices": []}'), "answered without a text"),
        (Reply(body=b"[]"), "answered without a text"),
        (says(None), "answered without a text"),
        (says(" "), "answered without a text"),
    ],
)
def test_what_does_not_get_better_is_said_at_once(reply: Reply, expected: str) -> None:
    with serving(reply) as server, pytest.raises(LanguageModelError, match=expected) as caught:
        client(server.address).complete("?", 5)
    assert len(server.asked) == 1
    assert f"127.0.0.1:{server.address.rpartition(':')[2]}" in caught.value.sentence


def test_the_key_is_in_no_error_even_where_a_service_repeats_it() -> None:
    echo = Reply(status=401, body=json.dumps({"error": {"message": f"bad key {TOKEN}!"}}).encode())
    with serving(echo) as server, pytest.raises(LanguageModelError) as caught:
        client(server.address).complete("?", 5)
    assert TOKEN not in str(caught.value) + repr(caught.value)
    assert "bad key (the token)!" in str(caught.value)


def test_a_redirect_is_not_followed_so_that_the_key_stays_here() -> None:
    with serving(says("stolen")) as other:
        away = Reply(status=302, headers={"Location": f"{other.address}/v1/chat/completions"})
        with serving(away) as server, pytest.raises(LanguageModelError, match="answered 302"):
            client(server.address).complete("?", 5)
    assert other.asked == []


def test_silence_ends_with_the_timeout() -> None:
    with (
        serving(Reply(hang_up=True)) as server,
        pytest.raises(LanguageModelError, match=r"did not answer in 0\.2 seconds; set .*timeout"),
    ):
        client(server.address, timeout_seconds=0.2).complete("?", 5)


def test_a_closed_door_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(LanguageModelError, match=r"cannot be reached: .*language_model\.url"):
            client(address).complete("?", 5)
