"""The process of one job: ``python -m sensorium.service.job_process``.

What to do comes over stdin. stdout tells a JSON object a line: ``share`` and ``words`` of progress,
at last ``result`` or ``error``. stdin stays open as long as the service lives: its end means that
nobody is left to be told, and the job stops as by Ctrl-C, then hard.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import SensoriumError
from sensorium.config import Config

log = logging.getLogger(__name__)

TELL_SECONDS = 0.2
"""Least time between two lines of progress."""
GRACE_SECONDS = 10.0
"""From being told to stop until being ended."""
NICENESS = 5
"""Requests go before jobs where cores are few."""
INTERRUPTED = "interrupted"
"""Code of what was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What a process is to do."""

    workspace: Path
    """Folder of the library."""
    config: Config
    """The settings of the service."""
    kind: str
    """Of the job."""
    request: dict[str, Any]
    """Of the job."""


def main() -> None:
    """Do the job that stdin names."""
    # A service that was started in the background ignores Ctrl-C, and what it starts would, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as lines:
        os.dup2(2, 1)  # What native code prints goes to the log, not between the lines.
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
        spec: JobSpec = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the service that started us
        threading.Thread(target=_follow, daemon=True).start()
        os.nice(NICENESS)
        _write(lines, **_done(spec, _teller(lines)))


def _done(spec: JobSpec, tell: Callable[[float | None, str], None]) -> dict[str, Any]:
    """Do a job; give what to tell at last."""
    from sensorium.service.job_work import do

    try:
        return {"result": do(spec.workspace, spec.config, spec.kind, spec.request, tell)}
    except SensoriumError as error:
        return _error(error.code, error.sentence, error.hint)
    except KeyboardInterrupt:
        return _error(INTERRUPTED, "the job was stopped", "")
    except Exception as error:
        log.exception("the job failed")
        return _error("internal", f"{type(error).__name__}: {error}", "")


def _error(code: str, detail: str, hint: str) -> dict[str, Any]:
    return {"error": {"code": code, "detail": detail, "hint": hint}}


def _teller(lines: Any) -> Callable[[float | None, str], None]:
    told = 0.0

    def tell(share: float | None, words: str) -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            _write(lines, share=share, words=words)

    return tell


def _write(lines: Any, **told: Any) -> None:
    with suppress(BrokenPipeError):  # Nobody listens any more; _follow sees to that.
        lines.write(json.dumps(told, default=str) + "\n")
        lines.flush()


def _follow() -> None:
    """Stop this process when the service that started it is gone."""
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
