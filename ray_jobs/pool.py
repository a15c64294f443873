"""A few worker processes that stay at hand for single tasks, as a service needs them.

A run brings its workers up and ends them; a service is asked now and then, and must answer soon. A
worker here is started at the first task that finds none idle, stays, and is replaced when it dies.

Each worker belongs to one thread of the pool, because the kernel ends a worker with the thread that
started it (see ``ray_jobs.worker``): the thread of a request may end long before.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ingest.errors import SensoriumError
from ray_jobs.attempt import Broken, Died
from ray_jobs.local import WorkerProcess
from ray_jobs.stage import Failure, RunOptions, Stage

WAITING = 16
"""Tasks per worker that may be under way or wait."""
TRIES = 2
"""Workers that a task may take down before it is blamed."""


class BusyError(SensoriumError):
    """More was asked for at once than can wait."""

    code = "busy"


class WorkerPool:
    """Workers of one stage; several threads may call at once.

    Args:
        stage: what they do; ``stage.workers`` of them run at most.
        options: how they start.
    """

    def __init__(self, stage: Stage, options: RunOptions | None = None) -> None:
        self._stage, self._options = stage, options or RunOptions()
        self._threads = ThreadPoolExecutor(stage.workers, thread_name_prefix=f"pool-{stage.name}")
        self._room = threading.BoundedSemaphore(stage.workers * WAITING)
        self._local = threading.local()
        self._workers: set[WorkerProcess] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __len__(self) -> int:
        """How many workers run."""
        return len(self._workers)

    def call(self, task: Any) -> Any:
        """Do one task and wait for it.

        Returns:
            The result, or the ``Failure`` that says why there is none.

        Raises:
            BusyError: too many wait already.
            SensoriumError: the stage's workers do not start.
        """
        if not self._room.acquire(blocking=False):
            raise BusyError(
                f"too many wait to {self._stage.name}", "try again in a moment, or ask for less"
            )
        try:
            return self._threads.submit(self._do, task).result()
        finally:
            self._room.release()

    def close(self) -> None:
        """End the workers; what is under way fails."""
        with self._lock:
            self._closed = True
            workers = list(self._workers)
        for worker in workers:
            worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in list(self._workers):
            self._drop(worker)

    def _do(self, task: Any) -> Any:
        died = Died(code="crash", message="it was stopped")
        for _ in range(TRIES):
            worker = self._worker()
            reply = worker.call([task])
            if isinstance(reply, Broken):
                return Failure(code=reply.code or self._stage.failure_code, message=reply.message)
            if not isinstance(reply, Died):
                assert isinstance(reply, list), "workers of this machine lose nothing"
                return reply[0]
            died = reply
            self._drop(worker)
            if died.code == "timeout" or self._closed:
                break
        return Failure(code=died.code, message=f"{self._stage.name}: {died.message}")

    def _worker(self) -> WorkerProcess:
        """This thread's worker, started where it has none."""
        worker: WorkerProcess | None = getattr(self._local, "worker", None)
        for _ in range(TRIES):
            if worker is None:
                worker = self._local.worker = self._started()
        if worker is None:
            raise BusyError(f"no worker starts to {self._stage.name}", "the next one may")
        return worker

    def _started(self) -> WorkerProcess | None:
        """A worker that can work; None where it died before."""
        with self._lock:
            if self._closed:
                raise BusyError("the service is stopping", "ask again when it has started")
            worker = WorkerProcess(self._stage, self._options)
            self._workers.add(worker)
        try:
            died = worker.ready()
        except SensoriumError:
            self._drop(worker)
            raise
        if died is not None:
            self._drop(worker)
            return None
        return worker

    def _drop(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._workers.discard(worker)
        if getattr(self._local, "worker", None) is worker:
            self._local.worker = None
        worker.close()
