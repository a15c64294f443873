"""Running the application in this process with uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from ingest.errors import SensoriumError
from sensorium.service import logs
from sensorium.service.access import check_start
from sensorium.service.app import create_app
from sensorium.service.keys import KeyStore
from sensorium.service.protocol import bounded
from sensorium.service.serving import Host

GRACE_SECONDS = 10
"""For requests under way when the service is told to stop."""


class ListenError(SensoriumError):
    """The address cannot be listened at."""

    code = "listen"


def run(host: Host, on_ready: Callable[[str], None]) -> None:
    """Serve until the process is told to stop.

    Args:
        host: the library.
        on_ready: told the address as soon as connections are taken.

    Raises:
        ListenError: the address is taken or not one of this machine.
        KeysNeededError: others reach the address, and there is no key.
    """
    settings = host.config.service
    check_start(settings, KeyStore(host.library.workspace.engine))
    logs.install()
    with _listening(settings.host, settings.port) as listener:
        name = f"[{settings.host}]" if ":" in settings.host else settings.host
        on_ready(f"http://{name}:{listener.getsockname()[1]}")
        config = uvicorn.Config(
            create_app(host),
            access_log=False,
            log_config=None,
            server_header=False,
            http=bounded(settings.max_head_bytes, settings.head_seconds),
            ws="none",
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_keep_alive=settings.idle_seconds,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listening(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=2_048)
    except OSError as error:
        raise ListenError(
            f"cannot listen at {address}, port {port}: {error.strerror}",
            "choose another with --port",
        ) from error
