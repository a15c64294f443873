"""Who may do what: three scopes, each containing the one before.

- ``read``: ask for items, searches, recommendations and what is known of a person.
- ``write``: tell of events and items, and change interests and views.
- ``admin``: erase people, run jobs, and everything else.

Callers are told apart before a route is found (``gate``), and a route says what it needs. A key
that is bound to a user is checked in the same place, for every route, so that no route can forget
it: every user id that a request names (in its path, query or body, however deep) must be that user,
and where it names none, only what is the same for everybody (``COMMON``) may be read.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from ingest.errors import SensoriumError
from sensorium.service.body_limits import FORM_PATHS, MEDIA_PATHS
from sensorium.service.keys import ApiKey, KeyStore, Scope
from sensorium.service.limits import Limiter, network_of
from sensorium.service.problems import ServiceError
from sensorium.service.settings import ServiceConfig

COMMON = ("/v1/items", "/v1/search", "/v1/aspects", "/v1/models", "/v1/views")
"""What is the same for everybody, and may be read with the key of any user."""
USER_FIELD = "user_id"
"""How paths, queries and bodies call a user."""


class KeysNeededError(SensoriumError):
    """The service would be open to others."""

    code = "keys_needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks."""

    name: str
    """What requests are counted by: the id of a key, or an address."""
    scope: Scope
    """What they may do."""
    user_id: str | None = None
    """The one user whom they may speak of; None for all."""


HEADER = APIKeyHeader(name="X-API-Key", scheme_name="key", auto_error=False)
BEARER = HTTPBearer(scheme_name="bearer", auto_error=False)
"""How a key is shown, for the specification; the gate reads it."""


def needs(scope: Scope) -> Any:
    """Give the dependency of a route that only callers with a scope may use."""

    async def check(
        request: Request,
        _key: Annotated[object, Security(HEADER)],
        _bearer: Annotated[object, Security(BEARER)],
    ) -> None:
        await request.app.state.access.check(request, scope)

    return Depends(check)


READ, WRITE, ADMIN = needs(Scope.READ), needs(Scope.WRITE), needs(Scope.ADMIN)


class Access:
    """Decides about callers.

    Args:
        config: settings of the service.
        keys: the workspace's keys.
    """

    def __init__(self, config: ServiceConfig, keys: KeyStore) -> None:
        self.config, self.keys = config, keys
        self.limiter = Limiter()
        self._most = {
            Scope.READ: ("read", config.reads_per_minute),
            Scope.WRITE: ("write", config.writes_per_minute),
            Scope.ADMIN: ("admin", config.admin_per_minute),
        }

    def caller(self, key: ApiKey | None, address: str) -> Caller:
        """Give who asks, by the key that was shown; without one, whoever is at this address."""
        if key is None:
            return Caller(name=network_of(address), scope=Scope.ADMIN)
        return Caller(name=key.key_id, scope=key.scope, user_id=key.user_id)

    async def check(self, request: Request, scope: Scope) -> None:
        """Let a request pass, and count it.

        Raises:
            ServiceError: the caller may not do this, or asks too often.
        """
        caller: Caller | None = getattr(request.state, "caller", None)
        if caller is None:
            raise ServiceError(401, "unauthenticated", "nobody has said who asks")
        name, most = self._most[scope]
        if most and getattr(request.state, "counted", False):
            request.state.rate = self.limiter.hit(name, caller.name, most)
        if caller.scope < scope:
            raise ServiceError(
                403,
                "forbidden",
                f"this needs a key with the scope {scope.name.lower()}",
                f"yours has {caller.scope.name.lower()}; make one with sensorium keys create",
            )
        if caller.user_id is not None:
            await _check_user(request, scope, caller.user_id)


async def _check_user(request: Request, scope: Scope, user_id: str) -> None:
    """Hold a request against the one user whom its key may speak of.

    Raises:
        ServiceError: it speaks of somebody else, or of everybody.
    """
    path = request.url.path
    common = any(path == place or path.startswith(f"{place}/") for place in COMMON)
    shared = common and scope is Scope.READ
    named = [*_named(dict(request.path_params)), *request.query_params.getlist(USER_FIELD)]
    if not shared and path not in (*FORM_PATHS, *MEDIA_PATHS):
        named += _named(_body(await request.body()))
    if any(one != user_id for one in named):
        raise ServiceError(403, "forbidden", "this key is of another user")
    if not named and not shared:
        raise ServiceError(
            403, "forbidden", "this key is of one user, and the request speaks of everybody"
        )


def _body(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except (ValueError, RecursionError):
        return None


def _named(value: Any) -> Iterator[Any]:
    """Walk the user ids that stand in a path or a body, of whatever type they are."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if USER_FIELD in one:
                yield one[USER_FIELD]
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def is_loopback(address: str) -> bool:
    """Whether nobody beyond this machine reaches what listens at an address."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_open(config: ServiceConfig, keys: KeyStore) -> bool:
    """Whether callers need no key at this moment."""
    if config.access != "auto":
        return config.access == "open"
    return is_loopback(config.host) and not keys.any()


def check_start(config: ServiceConfig, keys: KeyStore) -> None:
    """Refuse to serve where nobody could call, or anybody.

    Raises:
        KeysNeededError: others reach the address, or keys are asked for, and there is no key.
    """
    if not is_open(config, keys) and not keys.any():
        raise KeysNeededError(
            f"serving at {config.host} asks for API keys, and there is none",
            "make one with sensorium keys create --scope admin, listen at 127.0.0.1, or say "
            "--set service.access=open where something in front lets in only who may",
        )
