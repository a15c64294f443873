"""A worker process of a local run: ``python -m ray_jobs.worker SOCKET PARENT``.

It is started as a fresh interpreter, since torch, decord and onnxruntime do not survive a fork. It
never outlives its driver: the kernel ends it even where native code hangs.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from ingest.errors import SensoriumError
from ray_jobs.attempt import Broken, attempt, build
from ray_jobs.wire import receive, send

_PR_SET_PDEATHSIG = 1


def follow(parent: int) -> None:
    """Die with the process ``parent``, whatever this one is doing then."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def confine(memory_bytes: int | None) -> None:
    """Make this process the one that suffers: no core dumps, first to go when memory ends.

    Args:
        memory_bytes: most private memory from here on; none for no limit.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    if memory_bytes is not None:
        limit = _private_bytes() + memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _private_bytes() -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    sizes = dict(line.split(":", 1) for line in status.splitlines())
    return int(sizes["VmData"].split()[0]) * 1024


def serve(wire: socket.socket) -> None:
    """Build the stage that comes first over the wire, then do batches until it closes."""
    try:
        stage, work = build(receive(wire))
    except SensoriumError as error:
        send(wire, error)
        return
    confine(stage.memory_bytes)
    send(wire, None)
    while True:
        reply = attempt(work, receive(wire))
        try:
            send(wire, reply)
        except (TypeError, AttributeError, ValueError) as error:
            send(wire, Broken(code="", message=f"a result does not travel: {error}"))


def main() -> None:
    """Run the worker."""
    number, parent = int(sys.argv[1]), int(sys.argv[2])
    follow(parent)
    with suppress(EOFError, ConnectionError), socket.socket(fileno=number) as wire:
        serve(wire)


if __name__ == "__main__":
    main()
