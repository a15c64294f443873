"""HTTP on a connection as uvicorn speaks it, with bounds on what comes before a body.

uvicorn with httptools waits for ever for the head of a request (first line and headers), and takes
a head of any size. Here a head has a time and a size; a connection that exceeds either is closed.
Sizes are looked at after each read, so one read (256 KiB at most) may go beyond.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sensorium.service.problems import MEDIA_TYPE, TITLES, Problem

UNREADABLE = Problem(
    title=TITLES[400],
    status=400,
    code="unreadable",
    detail="This is no HTTP request that can be read.",
    hint="Look at its first line, its headers and its length: an address has 65,535 bytes at most.",
).model_dump_json()
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    Args:
        most_bytes: of a head.
        seconds: for a head to arrive, counted from the opening of the connection or from its first
            byte.
        given: what uvicorn gives its protocol.
    """

    def __init__(self, *, most_bytes: int, seconds: float, **given: Any) -> None:
        super().__init__(**given)
        self._most_bytes, self._seconds = most_bytes, seconds
        self._in_head = True
        self._head_bytes = 0
        self._has_ended = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; those of a head that goes on are counted."""
        began_in_head, self._has_ended = self._in_head, False
        if began_in_head:
            self._wait()
        super().data_received(data)
        if self._has_ended:
            return  # These bytes were of a whole request; how many are of the next is not known.
        if began_in_head and self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > self._most_bytes:
                self.transport.write(TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a head: the next of this connection may follow in the same bytes."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._wait()

    def on_headers_complete(self) -> None:
        """End a head."""
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request: what comes now is the next head."""
        super().on_message_complete()
        self._in_head, self._head_bytes, self._has_ended = True, 0, True

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - of the parent
        """Refuse what the parser cannot read, as errors are told everywhere."""
        body = UNREADABLE.encode()
        head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close"
        self.transport.write(f"HTTP/1.1 400 Bad Request\r\n{head}\r\n\r\n".encode() + body)
        self.transport.close()

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._seconds, self.timeout_keep_alive_handler)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bounded(most_bytes: int, seconds: float) -> type[asyncio.Protocol]:
    """Give what makes a protocol for every connection, as uvicorn takes it."""
    made = partial(BoundedProtocol, most_bytes=most_bytes, seconds=seconds)
    return cast("type[asyncio.Protocol]", made)
