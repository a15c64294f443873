"""References by URL: what is fetched, and what nobody can make this service knock at."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sensorium.service.fetching import Fetcher, FetchError, is_public, resolve
from sensorium.service.settings import ServiceConfig

PLACES = {"media.example": ["127.0.0.1"], "inner.example": ["10.0.0.1"]}


class Handler(BaseHTTPRequestHandler):
    """Answers by path; says what it was asked for."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002
        """Stay quiet."""

    def do_GET(self) -> None:
        """Answer."""
        port = self.server.server_port  # type: ignore[attr-defined]
        kind, _, rest = self.path[1:].partition("/")
        match kind:
            case "file":
                self._say(200, f"{self.headers['Host']} {self.headers.get('Cookie')}".encode())
            case "to":
                self._say(302, b"", Location=rest.replace("PORT", str(port)))
            case "loop":
                self._say(302, b"", Location="/loop")
            case "large":
                self._say(200, b"x" * 5_000)
            case "packed":
                self._say(200, b"x", **{"Content-Encoding": "gzip"})
            case "endless":
                self._drip(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x")
            case "head":
                self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")
            case "short":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
                self.close_connection = True
            case _:
                self._say(404, b"no")

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, head: bytes, part: bytes) -> None:
        self.close_connection = True
        try:
            self.wfile.write(head)
            for _ in range(100):
                self.wfile.write(part)
                time.sleep(0.05)
        except OSError:
            pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fetcher(port: int) -> Fetcher:
    """Takes the server's address for that of ``media.example``, and for public."""
    config = ServiceConfig(
        fetch_hosts=(f"media.example:{port}", f"inner.example:{port}"),
        fetch_http=True,
        fetch_bytes=4_000,
        fetch_seconds=0.7,
    )
    return Fetcher(
        config,
        resolve=lambda name, _port: PLACES[name],
        is_allowed=lambda address: address == "127.0.0.1" or is_public(address),
    )


def test_a_listed_file_is_fetched_from_the_address_that_was_looked_at(
    fetcher: Fetcher, port: int
) -> None:
    url = f"http://media.example:{port}"
    assert fetcher.fetch(f"{url}/file") == f"media.example:{port} None".encode()
    assert fetcher.fetch(f"{url}/to/http://media.example:PORT/file").startswith(b"media.example")
    assert fetcher.fetch(f"{url}/to//file") != b""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("large", "over the limit"),
        ("packed", "compressed"),
        ("endless", "too long"),
        ("head", "too long"),
        ("short", "did not give"),
        ("none", "status 404"),
        ("loop", "redirects"),
        ("to/http://inner.example:PORT/file", "public internet"),
        ("to/http://127.0.0.1:PORT/file", "nothing is fetched"),
        ("to/http://169.254.169.254/latest/meta-data", "nothing is fetched"),
        ("to/file:///etc/passwd", "begins with"),
        ("to/gopher://media.example:PORT/", "begins with"),
        ("to/http://u:p@media.example:PORT/file", "no user"),
    ],
)
def test_what_is_no_file_is_told(fetcher: Fetcher, port: int, path: str, expected: str) -> None:
    began = time.monotonic()
    with pytest.raises(FetchError, match=expected):
        fetcher.fetch(f"http://media.example:{port}/{path}")
    assert time.monotonic() - began < 10


def test_a_smaller_limit_counts(fetcher: Fetcher, port: int) -> None:
    with pytest.raises(FetchError, match="limit of 5 bytes"):
        fetcher.fetch(f"http://media.example:{port}/file", most_bytes=5)


def test_a_server_that_speaks_no_tls_gives_nothing(port: int) -> None:
    config = ServiceConfig(fetch_hosts=(f"media.example:{port}",), fetch_seconds=5)
    fetcher = Fetcher(config, lambda _name, _port: ["127.0.0.1"], lambda _address: True)
    with pytest.raises(FetchError, match="did not give"):
        fetcher.fetch(f"https://media.example:{port}/file")


def test_a_second_answer_of_the_name_server_leads_nowhere(port: int) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    config = ServiceConfig(fetch_hosts=(f"media.example:{port}",), fetch_http=True)
    fetcher = Fetcher(config, lambda _name, _port: answers.pop(0), lambda a: a == "127.0.0.1")
    assert fetcher.fetch(f"http://media.example:{port}/file")
    assert answers == [["10.0.0.1"]]


def test_one_private_address_among_others_is_enough_to_refuse() -> None:
    config = ServiceConfig(fetch_hosts=("media.example",))
    fetcher = Fetcher(config, lambda _name, _port: ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(FetchError, match="public internet"):
        fetcher.target("https://media.example/a")


def test_nothing_is_fetched_unless_hosts_are_listed() -> None:
    with pytest.raises(FetchError, match="nothing is fetched"):
        Fetcher(ServiceConfig()).fetch("https://media.example/a.jpg")


@pytest.mark.parametrize(
    ("entry", "url", "listed"),
    [
        ("media.example", "https://media.example/a", True),
        ("media.example", "https://MEDIA.example./a", True),
        ("media.example", "https://media.example:8443/a", False),
        ("media.example:8443", "https://media.example:8443/a", True),
        ("media.example", "https://a.media.example/a", False),
        (".media.example", "https://a.media.example/a", True),
        (".media.example", "https://media.example.evil.io/a", False),
        (".media.example", "https://evilmedia.example/a", False),
        ("media.example", "https://media.example@evil.io/a", False),
        ("media.example", "https://evil.io#@media.example/a", False),
        ("media.example", "https://evil.io\\@media.example/a", False),
        ("media.example", "http://media.example/a", False),
        ("media.example", "ftp://media.example/a", False),
        ("media.example", "//media.example/a", False),
        ("media.example", "https://media.example/a b", False),
        ("media.example", "https://media.example/a\r\nX: y", False),
        ("media.example", "https://[media.example/a", False),
        ("media.example", "https://media.example:99999/a", False),
        ("media.example", "https://m\u00e9dia.example/a", False),
        ("media.example", "", False),
        ("media.example", "https://media.example/" + "a" * 3_000, False),
    ],
)
def test_hosts_are_listed_by_name_and_port(entry: str, url: str, listed: bool) -> None:
    fetcher = Fetcher(ServiceConfig(fetch_hosts=(entry,)), lambda _name, _port: ["93.184.215.14"])
    if listed:
        assert fetcher.target(url).addresses == ("93.184.215.14",)
    else:
        with pytest.raises(FetchError):
            fetcher.target(url)


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "localhost"]
)
def test_every_way_to_write_this_machine_is_refused(name: str) -> None:
    fetcher = Fetcher(ServiceConfig(fetch_hosts=(name,)), resolve)
    with pytest.raises(FetchError, match=r"public internet|not known"):
        fetcher.target(f"https://{name}/")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
        "192.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
        "fec0::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "media.example", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111"])
def test_addresses_of_the_public_internet(address: str) -> None:
    assert is_public(address)


def test_a_proxy_of_the_environment_is_not_used(
    fetcher: Fetcher, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetcher.fetch(f"http://media.example:{port}/file")


@pytest.mark.parametrize("entry", ["*", "https://a.example", "a.example/x", "a:b", "[::1]", ""])
def test_entries_that_are_no_hosts_are_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="fetch_hosts"):
        ServiceConfig(fetch_hosts=(entry,))
