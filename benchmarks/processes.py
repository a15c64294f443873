"""Run a command and watch all the processes that it starts: wall time, processor time, memory.

Processes are known by a mark in their environment, so that daemons which Ray leaves to ``init`` are
counted, too. Memory is the sum of resident sizes, in which pages that are shared count more than
once; it is looked at four times a second, and so is processor time, so that each process's last
quarter of a second may be missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

MARK = "SENSORIUM_BENCH_RUN"
LOOK_SECONDS = 0.25
_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a command took."""

    seconds: float
    """Wall time from start to end."""
    cpu_seconds: float
    """Processor time of all its processes."""
    peak_bytes: int
    """Most resident memory of all its processes together."""


class Watch:
    """Watches the processes that bear a mark."""

    def __init__(self, mark: str) -> None:
        self._mark = f"{MARK}={mark}".encode()
        self._known: dict[Path, bool] = {}
        self._cpu: dict[Path, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak_bytes = 0

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all processes seen."""
        return sum(self._cpu.values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        resident = 0
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if not self._known.get(entry):
                    self._known[entry] = self._mark in (entry / "environ").read_bytes()
                if self._known[entry]:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    self._cpu[entry] = (int(fields[11]) + int(fields[12])) * _TICK
                    resident += int(fields[21]) * _PAGE
        self.peak_bytes = max(self.peak_bytes, resident)


def run_watched(command: Sequence[str], environ: Mapping[str, str]) -> Spent:
    """Run a command to its end.

    Raises:
        subprocess.CalledProcessError: it failed; what it wrote has been shown.
    """
    mark = uuid.uuid4().hex
    # A file, since a daemon that holds a pipe open would be waited for.
    with Watch(mark) as watch, tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        done = subprocess.run(
            command, env={**environ, MARK: mark}, stdout=said, stderr=said, check=False
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            said.seek(0)
            sys.stderr.write(said.read())
            done.check_returncode()
    return Spent(seconds=seconds, cpu_seconds=watch.cpu_seconds, peak_bytes=watch.peak_bytes)
