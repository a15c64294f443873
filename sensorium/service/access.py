"""Who may do what: three scopes, each containing the one before.

- ``read``: ask for items, searches, recommendations and what is known of a person.
- ``write``: tell of events and items, and change interests and views.
- ``admin``: erase people, run jobs, and everything else.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from fastapi import Depends, Request

from sensorium.service.settings import ServiceConfig


class Scope(IntEnum):
    """What a caller may do."""

    READ = 1
    WRITE = 2
    ADMIN = 3


def needs(scope: Scope) -> Any:
    """Give the dependency of a route that only callers with a scope may use."""

    def check(request: Request) -> None:
        request.app.state.access.check(request, scope)

    return Depends(check)


READ, WRITE, ADMIN = needs(Scope.READ), needs(Scope.WRITE), needs(Scope.ADMIN)


class Access:
    """Decides about callers.

    Args:
        config: settings of the service.
    """

    def __init__(self, config: ServiceConfig) -> None:
        self._config = config

    def check(self, request: Request, scope: Scope) -> None:
        """Let a request pass; open to all, as the service listens on this machine alone.

        Raises:
            ServiceError: the caller may not do this.
        """
