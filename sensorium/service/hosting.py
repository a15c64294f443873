"""How routes come to the library."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from sensorium.service.serving import Host, Serving


def _host(request: Request) -> Host:
    host: Host = request.app.state.host
    return host


def _serving(request: Request) -> Serving:
    return _host(request).serving


HostHere = Annotated[Host, Depends(_host)]
"""The library, whatever its state."""
ServingHere = Annotated[Serving, Depends(_serving)]
"""Its current state; a request for an empty library ends with the problem ``empty``."""
