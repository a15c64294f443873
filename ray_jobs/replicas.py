"""An ASGI application in several processes of a Ray cluster, behind one address.

Ray Serve starts a copy of the application in every replica, hands requests to those that are least
busy, and starts another where one dies. The copies share nothing but what they read and write
elsewhere; the builder is run in each.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ray_jobs.cluster import connected, room
from ray_jobs.stage import RunOptions, StageError

APPLICATION = "sensorium"
AT_ONCE = 100
"""Requests that a replica is given at the same time; more wait in front of it."""
HEALTH_SECONDS = 5
"""Between two looks at whether a replica lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaOptions:
    """How replicas run."""

    replicas: int = 2
    """Copies of the application."""
    host: str = "127.0.0.1"
    """Address to listen at, on every machine that has a replica."""
    port: int = 8000
    """Port to listen at."""
    num_cpus: float = 1.0
    """CPUs that Ray sets aside for each."""
    num_gpus: float = 0.0
    """Share of a GPU for each."""
    ray_address: str | None = None
    """Of a cluster; None starts Ray on this machine."""

    def __post_init__(self) -> None:
        if self.replicas < 1:
            raise ValueError(f"must be 1 or more: {self.replicas = }")


@contextmanager
def deployed(build: Callable[[], Any], options: ReplicaOptions) -> Iterator[None]:
    """Serve an application while the block runs.

    Args:
        build: gives the application; it travels to every replica and is called there.
        options: how replicas run.

    Raises:
        StageError: the cluster cannot be reached, Ray Serve is not installed, or no replica starts.
    """
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    try:
        from ray import serve
    except ImportError as error:
        raise StageError(
            f"Ray Serve cannot be used: {error}", "install the extra sensorium[replicas]"
        ) from error
    # One process more than replicas, for Serve's own.
    needed = room(1 + round(options.replicas * options.num_cpus + 0.5))
    with connected([needed], RunOptions(ray_address=options.ray_address)):
        serve.start(http_options={"host": options.host, "port": options.port})
        try:
            serve.run(_application(serve, build, options), name=APPLICATION, route_prefix="/")
            yield
        except RuntimeError as error:
            raise StageError(
                f"no replica could be started: {error}", "the logs of Ray Serve have the cause"
            ) from error
        finally:
            serve.shutdown()


def wait_until_interrupted(seconds: float = 1.0) -> None:
    """Do nothing until Ctrl-C."""
    try:
        while True:
            time.sleep(seconds)
    except KeyboardInterrupt:
        return


def _application(serve: Any, build: Callable[[], Any], options: ReplicaOptions) -> Any:
    """The application as Ray Serve takes it."""
    deployment = serve.deployment(
        name="replica",
        num_replicas=options.replicas,
        max_ongoing_requests=AT_ONCE,
        health_check_period_s=HEALTH_SECONDS,
        ray_actor_options={"num_cpus": options.num_cpus, "num_gpus": options.num_gpus},
    )

    # Only a plain function is taken for a builder; anything else for the application itself.
    def application() -> Any:
        return build()

    return deployment(serve.ingress(application)()).bind()
