"""The application in several processes, each with the library open, behind one address."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sensorium.config import Config
from sensorium.library import open_library
from sensorium.models import ensure_models
from sensorium.service import logs
from sensorium.service.access import check_start
from sensorium.service.app import create_app
from sensorium.service.keys import KeyStore
from sensorium.service.serving import Host

if TYPE_CHECKING:
    from fastapi import FastAPI
    from rich.console import Console


def built(workspace: Path, config: Config) -> FastAPI:
    """Make the application of one replica; it opens the library for itself."""
    logs.install()
    return create_app(Host(workspace, config))


def run_replicas(workspace: Path, config: Config, replicas: int, console: Console) -> None:
    """Serve from replicas on Ray until Ctrl-C.

    Args:
        workspace: the workspace folder, which every replica reaches under this path.
        config: the settings in force.
        replicas: how many.
        console: writes to stderr.

    Raises:
        KeysNeededError: others reach the address, and there is no key.
        StageError: the cluster cannot be reached, or no replica starts.
    """
    from ray_jobs.replicas import ReplicaOptions, deployed, wait_until_interrupted

    library = open_library(workspace, config, create=True)
    check_start(config.service, KeyStore(library.workspace.engine))
    ensure_models(library.config, console)
    library.workspace.engine.dispose()
    service = config.service
    options = ReplicaOptions(
        replicas=replicas,
        host=service.host,
        port=service.port,
        ray_address=config.run.ray_address,
    )
    with deployed(partial(built, workspace.absolute(), library.config), options):
        where = f"http://{service.host}:{service.port}"
        console.print(f"{where} ({replicas} replicas; Ctrl-C ends them)", highlight=False)
        wait_until_interrupted()
