"""How routes come to the library."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from sensorium.service.problems import OpeningError
from sensorium.service.serving import Host, Serving


def _host(request: Request) -> Host:
    host: Host = request.app.state.host
    return host


def _serving(request: Request) -> Serving:
    host = _host(request)
    if not host.ready:
        raise OpeningError
    return host.serving


HostHere = Annotated[Host, Depends(_host)]
"""The library, whatever its state."""
ServingHere = Annotated[Serving, Depends(_serving)]
"""Its current state. For an empty library a request ends with the problem ``empty``, and with
``opening`` as long as it is not known whether that is so."""
