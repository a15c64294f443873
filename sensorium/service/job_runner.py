"""Runs queued jobs, one at a time, each in a process of its own.

- Of several services over one workspace, the one that holds ``jobs.lock`` runs jobs. Who gets it
  finds the jobs that were running when its predecessor was ended, and sees to them.
- Doing again what was interrupted is harmless for index, retry and cluster: such a job is queued
  once more when its process or the service dies. Where that happens twice, the job is the cause.
- A job ends politely first: what it has done so far is kept, and the same job goes on from there.
"""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import SensoriumError
from sensorium.service.job_child import JobChild
from sensorium.service.job_process import GRACE_SECONDS, INTERRUPTED, JobSpec
from sensorium.service.job_store import Job, JobStore
from sensorium.service.serving import Host

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""Between two looks at a job that runs, and at what waits."""
HARMLESS = ("index", "retry", "cluster")
"""Kinds of jobs that may be done again."""
LOGS = "jobs"
"""Folder of the workspace with what the processes of jobs wrote, by id."""


class JobRunner:
    """Runs the jobs of a library in the background.

    Args:
        host: the library.
        store: its jobs.
    """

    def __init__(self, host: Host, store: JobStore) -> None:
        self._host, self._store = host, store
        self._folder = host.library.workspace.path
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run jobs from now on."""
        self._thread = threading.Thread(target=self._main, name="jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the running job, to go on at the next start where that is harmless, and return."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """Look at what waits now."""
        self._woken.set()

    def _main(self) -> None:
        while not self._stopping.is_set():
            try:
                with _alone(self._folder / "jobs.lock") as alone:
                    if alone:
                        self._see_to_interrupted()
                        self._run_queued()
            except (SensoriumError, OSError) as error:
                log.exception("jobs cannot be run: %s", error)
            self._stopping.wait(LOOK_SECONDS)

    def _see_to_interrupted(self) -> None:
        for job in reversed(self._store.running()):
            self._interrupted(job, "the service was ended while it ran")

    def _run_queued(self) -> None:
        while not self._stopping.is_set():
            job = self._store.start_next()
            if job is not None:
                self._run(job)
            elif self._woken.wait(LOOK_SECONDS):
                self._woken.clear()

    def _run(self, job: Job) -> None:
        log.info("job %s: %s starts", job.job_id, job.kind)
        spec = JobSpec(
            workspace=self._folder,
            config=self._host.library.config,
            kind=job.kind,
            request=dict(job.request),
        )
        child = JobChild(spec, self._log_of(job))
        try:
            cancelled = self._watch(job, child)
        finally:
            child.kill()
            child.close()
        self._refresh()
        self._settle(job, child, cancelled)

    def _watch(self, job: Job, child: JobChild) -> bool:
        """Follow a job to its end; give whether somebody cancelled it."""
        told, cancelled, deadline = None, False, float("inf")
        while child.runs(LOOK_SECONDS):
            if child.progress != told:
                told = child.progress
                self._store.tell(job.job_id, *(told or (None, "")))
            if deadline == float("inf"):
                now = self._store.job(job.job_id)
                cancelled = now is None or now.cancelling
                if cancelled or self._stopping.is_set():
                    child.interrupt()
                    deadline = time.monotonic() + GRACE_SECONDS
            elif time.monotonic() > deadline:
                child.kill()
        return cancelled

    def _settle(self, job: Job, child: JobChild, cancelled: bool) -> None:
        """Write how a job ended."""
        end = child.end or {}
        error = end.get("error")
        if "result" in end:
            self._store.finish(job.job_id, end["result"])
            self._log_of(job).unlink(missing_ok=True)
        elif cancelled:
            self._store.stopped(job.job_id)
        elif error is not None and error["code"] != INTERRUPTED:
            self._store.fail(job.job_id, self._with_log(job, error))
        elif self._stopping.is_set() and job.kind in HARMLESS:
            words = "the service was stopped; it goes on at the next start"
            self._store.requeue(job.job_id, words, interrupted=False)
        else:
            self._interrupted(job, child.how_it_ended)
        log.info("job %s: %s ended", job.job_id, job.kind)

    def _interrupted(self, job: Job, why: str) -> None:
        """Let a job whose process died wait once more, or fail."""
        if job.cancelling:
            self._store.stopped(job.job_id)
        elif job.kind in HARMLESS and not job.interruptions:
            self._store.requeue(job.job_id, f"{why}; it starts once more", interrupted=True)
        else:
            hint = "ask for the same again: what was done so far is kept"
            error = {"code": INTERRUPTED, "detail": f"the job was interrupted: {why}", "hint": hint}
            self._store.fail(job.job_id, error)

    def _refresh(self) -> None:
        """Let what a job did show before the job is said to be done."""
        try:
            self._host.refresh()
        except SensoriumError as error:
            log.warning("the library could not be opened: %s", error)

    def _with_log(self, job: Job, error: dict[str, str]) -> dict[str, str]:
        if error["code"] != "internal":
            return error
        log.error("job %s failed: %s", job.job_id, error["detail"])
        return {**error, "hint": f"the workspace has its log in {LOGS}/{job.job_id}.log"}

    def _log_of(self, job: Job) -> Path:
        return self._folder / LOGS / f"{job.job_id}.log"


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Hold a file that one process at a time holds; gives whether it is this one."""
    with path.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
