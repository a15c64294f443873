"""Run stages on this machine, without Ray.

- An isolated stage gets worker processes, each with its own socket: what kills one (a native crash,
  a hang, the kernel's memory killer, a ``kill -9`` in the middle of a reply) touches no other. A
  pool with shared pipes does not give that: there a worker's death can take the pool along.
- Any other stage works on threads of the driver, next to the decoded arrays; the native encoders
  release the interpreter lock. Each thread builds its own work.
- Worker processes are in a process group of their own, so that Ctrl-C reaches the driver alone.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ingest.errors import SensoriumError
from ray_jobs.attempt import Died, Reply, attempt, build, pack
from ray_jobs.flow import Flow, OnProgress, Worker
from ray_jobs.stage import Outcome, RunOptions, Stage, Work
from ray_jobs.wire import receive, send

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def run(
    stages: Sequence[Stage],
    tasks: Iterable[tuple[str, Any]],
    options: RunOptions | None = None,
    on_progress: OnProgress | None = None,
) -> Generator[Outcome, None, None]:
    """Run stages over tasks on this machine.

    Args:
        stages: steps in order, at least one.
        tasks: name and first value of each; pulled as there is room, on the caller's thread.
        options: how to run.
        on_progress: called now and then, on the caller's thread, with the counters of each stage.

    Yields:
        One outcome per task as it ends, in any order. Closing the iterator ends the workers.

    Raises:
        SensoriumError: a stage's workers do not start.
    """
    options = options or RunOptions()
    yield from Flow(stages, options, _Machine(options)).run(tasks, on_progress)


class _Machine:
    """Starts workers on this machine."""

    def __init__(self, options: RunOptions) -> None:
        self._options = options

    def start(self, stage: Stage) -> Worker:
        return WorkerProcess(stage, self._options) if stage.isolated else _Inline(stage)

    def collect(self, value: Any) -> Any:
        return value


class _Inline:
    """Works on the thread that calls it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._work: Work | None = None

    def ready(self) -> Died | None:
        _, self._work = build(pack(self._stage))
        return None

    def call(self, tasks: Sequence[Any]) -> Reply:
        if self._work is None:
            raise RuntimeError("called before it was ready")
        return attempt(self._work, tasks)

    def kill(self) -> None:
        """Nothing to end: a batch under way is waited for."""

    def close(self) -> None:
        self._work = None


class WorkerProcess:
    """A worker process and the socket to it."""

    def __init__(self, stage: Stage, options: RunOptions) -> None:
        self._stage, self._start_seconds = stage, options.start_seconds
        self._wire, theirs = socket.socketpair()
        with theirs, _open_log(options.worker_log) as log:
            numbers = str(theirs.fileno()), str(os.getpid())
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ray_jobs.worker", *numbers],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                env=_ONE_THREAD | os.environ,
            )

    def ready(self) -> Died | None:
        """Wait until the worker can work; see ``ray_jobs.flow.Worker``."""
        try:
            self._wire.settimeout(self._start_seconds)
            send(self._wire, pack(self._stage))
            error: SensoriumError | None = receive(self._wire)
        except TimeoutError:
            return Died(code="timeout", message=f"not ready after {self._start_seconds:g} s")
        except (EOFError, OSError):
            return Died(code="crash", message=self._end())
        if error is not None:
            raise error
        return None

    def call(self, tasks: Sequence[Any]) -> Reply:
        """Do a batch and wait for it, as long as the stage says."""
        limit = self._stage.timeout_seconds
        try:
            self._wire.settimeout(None)
            send(self._wire, tasks)
            self._wire.settimeout(limit and limit * len(tasks))
            reply: Reply = receive(self._wire)
        except TimeoutError:
            return Died(code="timeout", message=f"took longer than {limit:g} s")
        except (EOFError, OSError):
            return Died(code="crash", message=self._end())
        return reply

    def kill(self) -> None:
        """End the process now, from any thread."""
        self._process.kill()

    def close(self) -> None:
        """End the process and let go of its socket."""
        self._process.kill()
        self._process.wait()
        self._wire.close()

    def _end(self) -> str:
        """How the process ended, in words."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        code = self._process.returncode
        if code is not None and code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended with status {code}"


def _open_log(path: Path | None) -> Any:
    return Path(os.devnull if path is None else path).open("ab")
