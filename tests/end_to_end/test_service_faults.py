"""A service that is killed at any moment loses nothing that it has acknowledged."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import select
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from sensorium.library import Library
from support.cli import sensorium, start
from support.colours import index_colours
from support.library import CONFIG

PATIENCE_SECONDS = 60
"""For a service to come up on a busy machine."""


class Service:
    """``sensorium serve`` in a process of its own."""

    def __init__(self, workspace: Path) -> None:
        self.process = start("serve", "-w", workspace, "--port", "0")
        self.port = self._announced()
        self._wait_until_ready()

    def _announced(self) -> int:
        assert self.process.stderr is not None
        [readable], _, _ = select.select([self.process.stderr], [], [], PATIENCE_SECONDS)
        found = re.search(r":(\d+) ", readable.readline())
        assert found is not None
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        return int(found[1])

    def _wait_until_ready(self) -> None:
        ends = time.monotonic() + PATIENCE_SECONDS
        while self.ask("GET", "/health/ready")[0] != 200:
            assert time.monotonic() < ends
            time.sleep(0.05)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        return answer.status, told

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Writer(threading.Thread):
    """Tells of events until the service is gone; keeps what was acknowledged."""

    def __init__(self, service: Service, name: str) -> None:
        super().__init__(name=name)
        self.service, self.acknowledged = service, list[str]()
        self.start()

    def run(self) -> None:
        for number in range(100_000):
            ids = [f"{self.name}-{number}-{row}" for row in range(3)]
            rows = [
                {"event_id": one, "user_id": "anna", "item_id": "red0", "event_type": "view"}
                for one in ids
            ]
            try:
                status, told = self.service.ask("POST", "/v1/events", {"events": rows})
            except (OSError, http.client.HTTPException):
                return
            assert status == 200
            assert told["accepted"] == len(ids)
            self.acknowledged += ids


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_was_acknowledged_is_there_once_after_any_kill(tmp_path: Path) -> None:
    workspace, draw = index_colours(tmp_path), random.Random(7)
    acknowledged: list[str] = []
    for round_number in range(20):
        service = Service(workspace)
        writers = [Writer(service, f"w{round_number}-{number}") for number in range(2)]
        time.sleep(draw.uniform(0.1, 1.5))
        service.kill()
        for writer in writers:
            writer.join()
            acknowledged += writer.acknowledged
    assert len(acknowledged) > 100
    library = Library(workspace, CONFIG, create=False)
    log = library.workspace.event_log
    there = Counter(event.event_id for event in log.tail("anna", 10**6))
    assert {there[event_id] for event_id in acknowledged} == {1}
    assert set(there.values()) == {1}
    service = Service(workspace)
    try:
        assert service.ask("GET", "/v1/recommendations/anna")[0] == 200
        assert service.ask("POST", "/v1/search", {"text": "soup"})[0] == 200
    finally:
        service.kill()
    assert "18" in sensorium("status", "-w", workspace).stdout
