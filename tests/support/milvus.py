"""A Milvus server of its own for a test, where the wheel that carries one can be had."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "milvus_server.py"


class MilvusServer:
    """A standalone server, which can be stopped and started again, empty, at the same address.

    Args:
        folder: for its data; the environment is kept between runs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._starts, self._port = folder, 0, "0"
        self._process: subprocess.Popen[str] | None = None
        self.uri = ""

    def start(self) -> None:
        """Start it without data; skips the test where it cannot be had."""
        kept = Path(os.environ.get("SENSORIUM_TEST_MILVUS_FOLDER", ROOT / "build" / "milvus"))
        self._starts += 1
        data = self._folder / str(self._starts)
        words = [sys.executable, str(SCRIPT), str(kept), "--data", str(data), "--port", self._port]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.uri = self._process.stdout.readline().strip()
        if not self.uri:
            _, told = self._process.communicate(timeout=60)
            assert self._starts == 1, f"the server did not start again: {told}"
            pytest.skip(f"there is no Milvus server: {told.strip()[-300:]}")
        self._port = self.uri.rpartition(":")[2]

    def stop(self) -> None:
        """Stop it; its data are lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate(timeout=60)
            self._process = None


@contextmanager
def milvus_server(folder: Path) -> Iterator[MilvusServer]:
    """Run a server with its data in a folder."""
    server = MilvusServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
