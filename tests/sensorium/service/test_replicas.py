"""Two replicas of the service on this machine: both answer, and one that is killed is replaced."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from ingest.event import Event
from ray_jobs.replicas import ReplicaOptions, deployed
from sensorium.library import open_library
from sensorium.service.replicas import built
from support.library import CONFIG

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    pytest.mark.timeout(600),
    # Ray Serve leaves sockets, loops and processes to the end of its own.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def named(build: Callable[[], FastAPI]) -> FastAPI:
    """The application with a route that says which process answers."""
    app = build()
    app.add_api_route("/process", os.getpid)
    return app


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def shown(url: str) -> list[str]:
    return [pick["item_id"] for pick in ask(url)["items"]]


def liked(user_id: str, item_id: str) -> Event:
    return Event(user_id=user_id, item_id=item_id, event_type="like", occurred_at=datetime.now(UTC))


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something; an answer that does not come is asked for again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.3)
    pytest.fail(f"it did not happen in {seconds:g} s: {condition}")


def test_two_replicas_answer_and_one_that_is_killed_is_replaced(
    indexed: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(indexed, tmp_path / "w"))
    port = free_port()
    options = ReplicaOptions(replicas=2, port=port, num_cpus=0.5)
    build = partial(named, partial(built, workspace, CONFIG))
    here = f"http://127.0.0.1:{port}"
    seen: set[int] = set()

    def both_answer() -> bool:
        seen.add(ask(f"{here}/process"))
        return len(seen) == 2

    with deployed(build, options):
        until(lambda: ask(f"{here}/health/ready") == {"status": "ok"})
        until(both_answer)
        pages = [ask(f"{here}/v1/recommendations/anna?n=5")["items"] for _ in range(8)]
        first = pages[0][0]["item_id"]
        assert all(len(page) == 5 for page in pages)
        told = open_library(workspace, CONFIG, create=False).workspace
        told.event_log.append([liked("anna", first)])
        for _ in range(8):
            assert first not in shown(f"{here}/v1/recommendations/anna?n=5")
        told.engine.dispose()

        killed = next(iter(seen))
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(ask(f"{here}/v1/recommendations/anna?n=5")["items"]) == 5)
        seen.discard(killed)

        def another_answers() -> bool:
            seen.add(ask(f"{here}/process"))
            return len(seen - {killed}) == 2

        until(another_answers)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)
