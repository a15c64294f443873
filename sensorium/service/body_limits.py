"""Bodies of requests: how large they may be, and how long they may take to arrive.

A body that says that it is too large is refused before any of it is read; one that does not say is
refused when it has become too large. Elsewhere than at the routes that take media a body is held in
memory and parsed whole, so there the smaller limit counts, whatever the request calls itself.
"""

from __future__ import annotations

import asyncio
import time

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sensorium.service import problems
from sensorium.service.problems import ServiceError
from sensorium.service.settings import ServiceConfig

FORM_PATHS = ("/v1/items",)
"""Routes that take files in forms, and write them to the disk as they come in."""
MEDIA_PATHS = ("/v1/search", "/v1/embeddings")
"""Routes that take media in forms or in JSON, and count them as they come in."""
SLOWEST_BYTES_PER_SECOND = 32 * 1024
CLOSE = {"Connection": "close"}
"""What is left of a refused body is not read."""


class BodyLimits:
    """Bounds the bodies of requests.

    Args:
        app: what answers.
        config: settings of the service.
    """

    def __init__(self, app: ASGIApp, config: ServiceConfig) -> None:
        self._app, self._config = app, config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        length = headers.get("content-length")
        if length in (None, "0") and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        most = self._most_bytes(scope, headers)
        if length is not None and (not length.isascii() or not length.isdigit()):
            await _refuse(scope, receive, send, ServiceError(400, "length", "no such length"))
        elif length is not None and (len(length) > 18 or int(length) > most):
            detail = f"a body of {length[:18]} bytes is over the limit of {most}"
            hint = "send less at a time; service.max_body_bytes and max_upload_bytes set limits"
            refusal = ServiceError(413, "too_large", detail, hint, CLOSE)
            await _refuse(scope, receive, send, refusal)
        else:
            body = Body(receive, most, self._config.body_seconds)
            await self._app(scope, body.receive, send)

    def _most_bytes(self, scope: Scope, headers: Headers) -> int:
        kind = headers.get("content-type", "").lower()
        is_form = scope["path"] in FORM_PATHS and kind.startswith("multipart/form-data")
        brings_files = is_form or scope["path"] in MEDIA_PATHS
        return self._config.max_upload_bytes if brings_files else self._config.max_body_bytes


class Body:
    """One body as it comes in.

    Args:
        receive: gives its parts.
        most_bytes: limit of its size.
        seconds: limit of its time; a large one gets more.
    """

    def __init__(self, receive: Receive, most_bytes: int, seconds: float) -> None:
        self._receive, self._most_bytes = receive, most_bytes
        self._deadline = time.monotonic() + seconds
        self._num_bytes = 0
        self._whole = False

    async def receive(self) -> Message:
        """Give the next part.

        Raises:
            HTTPException: it is too large, or takes too long. These pass through what parses
                bodies, which takes other errors for a body that does not fit.
        """
        if self._whole:
            return await self._receive()
        grace = self._num_bytes / SLOWEST_BYTES_PER_SECOND
        left = self._deadline + grace - time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(left, 0.001))
        except TimeoutError:
            raise HTTPException(408, "the body took too long to arrive", CLOSE) from None
        self._num_bytes += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._num_bytes > self._most_bytes:
            detail = f"the body is over the limit of {self._most_bytes} bytes"
            raise HTTPException(413, detail, CLOSE)
        return message


async def _refuse(scope: Scope, receive: Receive, send: Send, error: ServiceError) -> None:
    await problems.answer(Request(scope), error)(scope, receive, send)
