"""What happens around every request: an id, a line in the log, and headers that keep pages safe."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("sensorium.access")

ID_HEADER = "x-request-id"
KNOWN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Ids of callers that are kept; others are replaced, so that no log line can be forged."""
SAFE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Requests:
    """Gives every request an id and every answer the safe headers, and logs both.

    Args:
        app: what answers.
        headers: put on every answer that does not carry them.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str] = SAFE_HEADERS) -> None:
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(ID_HEADER, "")
        request_id = given if KNOWN_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[ID_HEADER] = request_id
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            milliseconds = 1000 * (time.perf_counter() - started)
            path = scope["path"].encode("unicode_escape").decode()
            log.info("%s %s %d %.1f ms %s", scope["method"], path, status, milliseconds, request_id)
