"""The service's end of a job's process: start it, hear what it tells, stop it."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from sensorium.service.job_process import JobSpec


class JobChild:
    """A job in a process and a session of its own; see ``job_process``.

    Args:
        spec: what to do.
        log: file that its stderr goes to.
    """

    def __init__(self, spec: JobSpec, log: Path) -> None:
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sensorium.service.job_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        assert self._process.stdin is not None, "it is a pipe"
        with suppress(BrokenPipeError):
            self._process.stdin.write(pickle.dumps(spec))
            self._process.stdin.flush()
        self.progress: tuple[float | None, str] | None = None
        """What was told last; None before."""
        self.end: dict[str, Any] | None = None
        """``result`` or ``error`` as told; None where it told nothing."""
        self._reader = threading.Thread(target=self._read, name="job", daemon=True)
        self._reader.start()

    def runs(self, seconds: float) -> bool:
        """Wait for the end for so long; give whether it still runs."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        self._reader.join(seconds)
        return False

    def interrupt(self) -> None:
        """Ask it to stop, as Ctrl-C does."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End it and all its group."""
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of the process; one that still runs learns that nobody listens, and stops."""
        assert self._process.stdin is not None, "it is a pipe"
        assert self._process.stdout is not None, "it is a pipe"
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    @property
    def how_it_ended(self) -> str:
        """Say how its process ended."""
        code = self._process.returncode
        if code is not None and code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended with code {code}"

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read(self) -> None:
        assert self._process.stdout is not None, "it is a pipe"
        for line in self._process.stdout:
            told = json.loads(line)
            if "words" in told:
                self.progress = told["share"], told["words"]
            else:
                self.end = told
