"""The gate before all routes: who asks, and did a browser ask for them without their knowing?

- Where keys are asked for, everything but the page's own files and the health of the process needs
  one. A key is looked up once a second at most, so a revoked one stops within that time.
- Where none is asked for, whoever reaches this machine's own address may do everything, and every
  page that its browser shows reaches it. So a request must address a name of this machine (a
  foreign name that leads here is DNS rebinding), and a page of another origin is refused.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.errors import SensoriumError
from sensorium.service import problems
from sensorium.service.access import Access, is_loopback, is_open
from sensorium.service.keys import KEY, ApiKey, KeyStore
from sensorium.service.limits import network_of
from sensorium.service.problems import ServiceError
from sensorium.service.settings import ServiceConfig

log = logging.getLogger(__name__)

OPEN_PATHS = ("/", "/favicon.ico", "/health/live", "/health/ready")
OPEN_FOLDER = "/assets/"
"""The page's files; they say nothing of the library."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
FRESH_SECONDS = 1.0
"""For which what is known of a key is believed."""
MOST_KEYS = 10_000
"""Keys that are known at a time."""
USED_EVERY = timedelta(hours=1)
"""How exact the time is at which a key was used last."""


class Gate:
    """Lets requests in, or answers them with a problem.

    Args:
        app: what answers.
        access: decides about callers.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access
        self._keys = KnownKeys(access.keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            await self._admit(request)
        except SensoriumError as error:
            told = problems.answer(request, problems.as_service_error(error))
            await told(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            rate = getattr(request.state, "rate", None)
            if message["type"] == "http.response.start" and rate is not None:
                MutableHeaders(scope=message).update(rate.headers)
            await send(message)

        await self._app(scope, receive, answer)

    async def _admit(self, request: Request) -> None:
        """Say in the request's state who asks.

        Raises:
            ServiceError: nobody who may.
        """
        config, headers = self._access.config, request.headers
        is_free = await self._keys.is_open(config)
        if is_free or config.allowed_hosts:
            _check_host(headers, config.allowed_hosts)
        if is_free:
            _check_origin(request, config.allowed_hosts)
        address = request.client.host if request.client else "unknown"
        key = None if is_free else await self._shown(request, address)
        if is_free or key is not None:
            request.state.caller = self._access.caller(key, address)
            request.state.counted = not (is_free and is_loopback(config.host))

    async def _shown(self, request: Request, address: str) -> ApiKey | None:
        """Give the key of a request; None for what is there for all.

        Raises:
            ServiceError: there is none, or too many from this address were wrong. Who shows a key
                that was right before is not held up by others at the same address.
        """
        if _is_for_all(request):
            return None
        most, whom = self._access.config.refusals_per_minute, network_of(address)
        given = _given(request.headers)
        if most and not self._keys.has_found(given):
            self._access.limiter.check("authenticate", whom, most)
        key = await self._keys.find(given)
        if key is not None:
            return key
        if most:
            self._access.limiter.hit("authenticate", whom, most)
        raise ServiceError(
            401,
            "unauthenticated",
            "this key does not hold" if given else "an API key is needed",
            "send one as X-API-Key or Authorization: Bearer; sensorium keys create makes one",
            {"WWW-Authenticate": "Bearer"},
        )


class KnownKeys:
    """What is known of keys, looked up in the database once a second at most.

    Args:
        store: the workspace's keys.
    """

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._known: OrderedDict[str, tuple[float, ApiKey | None]] = OrderedDict()
        self._open: tuple[float, bool] | None = None
        self._told: dict[str, datetime] = {}

    async def is_open(self, config: ServiceConfig) -> bool:
        """Whether callers need no key."""
        now = time.monotonic()
        if self._open is None or now - self._open[0] > FRESH_SECONDS:
            self._open = (now, await run_in_threadpool(is_open, config, self._store))
        return self._open[1]

    def has_found(self, given: str) -> bool:
        """Whether a key held when it was looked up last."""
        return self._known.get(given, (0.0, None))[1] is not None

    async def find(self, given: str) -> ApiKey | None:
        """Give the key that a caller shows; None where it does not hold."""
        if not KEY.fullmatch(given):
            return None
        now = time.monotonic()
        known = self._known.get(given)
        if known is None or now - known[0] > FRESH_SECONDS:
            known = (now, await run_in_threadpool(self._store.find, given))
            self._known[given] = known
            self._known.move_to_end(given)
            if len(self._known) > MOST_KEYS:
                self._known.popitem(last=False)
        if known[1] is not None:
            self._tell(known[1])
        return known[1]

    def _tell(self, key: ApiKey) -> None:
        """Keep that a key was used, beside the request: a busy database must not hold it up."""
        now = datetime.now(UTC)
        last = self._told.get(key.key_id, key.used_at)
        if last is None or now - last >= USED_EVERY:
            self._told[key.key_id] = now
            asyncio.get_running_loop().run_in_executor(
                None, _keep_used, self._store, key.key_id, now
            )


def _keep_used(store: KeyStore, key_id: str, moment: datetime) -> None:
    try:
        store.used(key_id, moment)
    except SensoriumError as error:
        log.warning("when key %s was used last could not be kept: %s", key_id, error)


def _is_for_all(request: Request) -> bool:
    path = request.scope["path"]
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER)


def _given(headers: Headers) -> str:
    """Give the key that a request shows; empty for none."""
    if shown := headers.get("x-api-key"):
        return shown.strip()
    kind, _, shown = headers.get("authorization", "").partition(" ")
    return shown.strip() if kind.lower() == "bearer" else ""


def _check_host(headers: Headers, allowed: tuple[str, ...]) -> None:
    """Refuse a request that addresses a name which is not one of ours.

    A plain address passes: no name is behind it that could be made to lead elsewhere.
    """
    given = headers.get("host", "")
    if not _is_our_name(given, allowed):
        raise ServiceError(
            421,
            "host",
            f"this service is not {given[:200]!r}",
            "address it as localhost, or name it in service.allowed_hosts",
        )


def _is_our_name(host: str, allowed: tuple[str, ...]) -> bool:
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost") or _is_listed(name, allowed):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_listed(name: str, allowed: tuple[str, ...]) -> bool:
    return any(
        name == one.lower() or (one.startswith(".") and name.endswith(one.lower()))
        for one in allowed
    )


def _check_origin(request: Request, allowed: tuple[str, ...]) -> None:
    """Refuse what the page of another origin makes a browser send.

    Browsers say so themselves (``Sec-Fetch-Site``); older ones send ``Origin`` where something
    might change. Other programs send neither. A link from elsewhere to the page itself is followed.
    """
    headers = request.headers
    site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
    is_safe = request.method in SAFE_METHODS
    foreign = site not in ("none", "same-origin") and not (is_safe and _is_for_all(request))
    if origin is not None and _is_same(origin, headers.get("host", ""), allowed):
        return
    if foreign or (origin is not None and not is_safe):
        raise ServiceError(
            403,
            "origin",
            "a page of another origin may not use this service",
            "make an API key with sensorium keys create, and send it from your own server",
        )


def _is_same(origin: str, host: str, allowed: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(origin)
        name = (parts.hostname or "").lower()
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    return parts.netloc.lower() == host.lower() or _is_listed(name, allowed)
