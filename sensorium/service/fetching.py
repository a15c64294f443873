"""References by URL, fetched so that nobody makes this service knock where they cannot.

- Nothing is fetched but from hosts that the operator named (``service.fetch_hosts``).
- The name is resolved here; every address that it has must be one of the public internet, and the
  connection goes to the address that was looked at, so that a second answer of the name's server
  cannot lead elsewhere (DNS rebinding). Numbers written as hex, octal or one integer are no names
  that an operator lists, and where they are, they are judged as the addresses that they stand for.
- Redirects are followed three times at most, each judged like the first URL.
- Bytes and seconds are bounded, the seconds over all that is done. What the server compressed is
  refused, for a few bytes may unpack to any number.
- Proxies that the environment names are not used, and no credentials are sent or taken from URLs.

What is not defended: a listed host is trusted to hold no redirect or content that harms readers of
this very service; its files are decoded like any other upload.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from sensorium.service.problems import ServiceError
from sensorium.service.settings import ServiceConfig

MOST_REDIRECTS = 3
MOST_URL_CHARACTERS = 2_000
CHUNK_BYTES = 1 << 16
DEFAULT_PORTS = {"https": 443, "http": 80}
EMBEDDING = tuple(
    ipaddress.ip_network(network)
    for network in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32",
                    "2002::/16", "fec0::/10")
)  # fmt: skip
"""IPv6 networks whose addresses stand for others, such as IPv4 in mapped form or behind NAT64."""

Resolve = Callable[[str, int], list[str]]
"""Gives the addresses of a name and a port."""


class FetchError(ServiceError):
    """A URL does not give a file.

    Args:
        sentence: what happened.
        hint: the next step.
        code: stable name of the cause.
    """

    def __init__(self, sentence: str, hint: str = "", code: str = "url_failed") -> None:
        super().__init__(422, code, sentence, hint or "send the bytes of the file instead")


class RefusedError(FetchError):
    """A URL may not be fetched.

    Args:
        sentence: why.
        hint: the next step.
    """

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence, hint, "url_not_allowed")


def is_public(address: str) -> bool:
    """Whether an address is one of a single host on the public internet."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if any(found in network for network in EMBEDDING if network.version == found.version):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved)


def resolve(name: str, port: int) -> list[str]:
    """Give the addresses of a name.

    Raises:
        OSError: it has none, or is no name.
    """
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL that may be fetched, and the addresses that it may be fetched from."""

    scheme: str
    """https or http."""
    host: str
    """Name as it stands in the URL."""
    port: int
    """Where it listens."""
    path: str
    """Path with query."""
    addresses: tuple[str, ...]
    """All public."""

    @property
    def is_default_port(self) -> bool:
        """Whether the port goes without saying."""
        return DEFAULT_PORTS[self.scheme] == self.port


class Fetcher:
    """Fetches files by URL.

    Args:
        config: settings of the service.
        resolve: gives the addresses of a name.
        is_allowed: whether an address may be connected to.
        context: how servers prove who they are; None for the system's authorities.
    """

    def __init__(
        self,
        config: ServiceConfig,
        resolve: Resolve = resolve,
        is_allowed: Callable[[str], bool] = is_public,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._config, self._resolve, self._is_allowed = config, resolve, is_allowed
        self._context = context

    def fetch(self, url: str, most_bytes: int | None = None) -> bytes:
        """Give the bytes behind a URL; blocks, for at most ``fetch_seconds`` and a look-up.

        Args:
            url: where the file is.
            most_bytes: limit of its size, where it is below ``fetch_bytes``.

        Raises:
            FetchError: it may not be fetched, does not answer, or is too large.
        """
        most = self._config.fetch_bytes if most_bytes is None else most_bytes
        most = min(most, self._config.fetch_bytes)
        deadline = time.monotonic() + self._config.fetch_seconds
        for _ in range(MOST_REDIRECTS + 1):
            target = self.target(url)
            try:
                with self._asked(target, deadline) as response:
                    moved = _moved(response)
                    if moved is None:
                        found = _read(response, most)
                        if time.monotonic() < deadline:
                            return found
                        raise TimeoutError
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() >= deadline:
                    raise FetchError(f"{target.host} took too long") from error
                raise FetchError(f"{target.host} did not give the file") from error
            url = urljoin(url, moved)
        raise FetchError(f"more than {MOST_REDIRECTS} redirects")

    def target(self, url: str) -> Target:
        """Judge a URL, and give what may be connected to.

        Raises:
            RefusedError: it may not be fetched.
        """
        if len(url) > MOST_URL_CHARACTERS or not (url.isascii() and url.isprintable()):
            raise RefusedError("a URL is up to 2000 printable ASCII characters")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError as error:
            raise RefusedError("this is no URL") from error
        schemes = ("https", "http") if self._config.fetch_http else ("https",)
        if parts.scheme not in schemes or " " in url or "\\" in url:
            raise RefusedError(f"a URL here begins with {' or '.join(schemes)}://")
        if "@" in parts.netloc:
            raise RefusedError("a URL here has no user and no password in it")
        port = DEFAULT_PORTS[parts.scheme] if port is None else port
        if not self._is_listed(host, port, parts.scheme):
            raise RefusedError(
                f"nothing is fetched from {host or 'nowhere'!r}, port {port}",
                "send the bytes of the file, or let the operator name it in service.fetch_hosts",
            )
        return Target(
            scheme=parts.scheme,
            host=host,
            port=port,
            path=_path(parts),
            addresses=self._addresses(host, port),
        )

    def _is_listed(self, host: str, port: int, scheme: str) -> bool:
        for entry in self._config.fetch_hosts:
            name, _, wanted = entry.lower().partition(":")
            if port != int(wanted or DEFAULT_PORTS[scheme]):
                continue
            if host == name or (name.startswith(".") and len(name) > 1 and host.endswith(name)):
                return True
        return False

    def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        try:
            addresses = self._resolve(host, port)
        except OSError as error:
            raise RefusedError(f"{host} is not known") from error
        if not addresses or not all(self._is_allowed(address) for address in addresses):
            raise RefusedError(f"{host} is not on the public internet")
        return tuple(addresses)

    @contextmanager
    def _asked(self, target: Target, deadline: float) -> Iterator[http.client.HTTPResponse]:
        """Ask for a file; whatever goes on, the connection is cut when the time is over."""
        link = self._connected(target, deadline)
        connection = http.client.HTTPConnection(target.host, target.port)
        # Of the same connection, and untouched by what TLS makes of the first.
        handle = link.dup()
        watch = threading.Timer(max(deadline - time.monotonic(), 0.001), _cut, (handle,))
        watch.start()
        try:
            connection.sock = link
            if target.scheme == "https":
                context = self._context or ssl.create_default_context()
                connection.sock = context.wrap_socket(link, server_hostname=target.host)
            headers = {"Accept-Encoding": "identity", "User-Agent": "sensorium", "Accept": "*/*"}
            host = target.host if target.is_default_port else f"{target.host}:{target.port}"
            connection.request("GET", target.path, headers={"Host": host, **headers})
            yield connection.getresponse()
        finally:
            watch.cancel()
            connection.close()
            link.close()
            handle.close()

    def _connected(self, target: Target, deadline: float) -> socket.socket:
        failed: OSError = TimeoutError()
        for address in target.addresses:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                return socket.create_connection((address, target.port), timeout=left)
            except OSError as error:
                failed = error
        raise failed


def _read(response: http.client.HTTPResponse, most_bytes: int) -> bytes:
    if response.status != 200:
        raise FetchError(f"the server answered with status {response.status}")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise FetchError("the server compressed the file, though asked not to")
    length, found = response.length, bytearray()
    while chunk := response.read1(CHUNK_BYTES):
        found += chunk
        if len(found) > most_bytes:
            raise FetchError(f"the file is over the limit of {most_bytes} bytes")
    if length is not None and len(found) != length:
        raise http.client.IncompleteRead(b"", length - len(found))
    return bytes(found)


def _cut(link: socket.socket) -> None:
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)


def _moved(response: http.client.HTTPResponse) -> str | None:
    return response.getheader("Location") if response.status in (301, 302, 303, 307, 308) else None


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
