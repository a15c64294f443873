"""Jobs in processes of their own: done, waiting, interrupted, cancelled, left alone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sensorium.service import job_runner
from sensorium.service.app import create_app
from sensorium.service.job_child import JobChild
from sensorium.service.job_process import JobSpec
from sensorium.service.job_runner import JobRunner
from sensorium.service.job_store import Job, JobStore
from sensorium.service.serving import Host
from sensorium.service.upload_store import UploadStore
from support.media import plain, write_image

SECONDS = 60.0
RETRY = {"code": None}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_runner, "LOOK_SECONDS", 0.05)


@pytest.fixture
def store(host: Host) -> JobStore:
    return JobStore(host.library.workspace.engine)


@pytest.fixture
def runner(host: Host, store: JobStore) -> Iterator[JobRunner]:
    runner = JobRunner(host, store)
    runner.start()
    yield runner
    runner.stop()


def wait_for(store: JobStore, job: Job, reached: Callable[[Job], bool]) -> Job:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found = store.job(job.job_id)
        assert found is not None
        if reached(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"not reached: {found}")


def waits(job: Job) -> bool:
    return job.state == "running" and job.words.startswith("waiting: ")


def processes_of(workspace: Path) -> list[int]:
    """Processes of jobs that write their log in this workspace."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            log = str((folder / "fd" / "2").readlink())
        except OSError:
            continue
        if log.startswith(f"{workspace}/jobs/"):
            found.append(int(folder.name))
    return found


def test_an_upload_can_be_found_once_its_job_is_done(host: Host, tmp_path: Path) -> None:
    data = write_image(tmp_path / "y.png", plain((230, 220, 20))).read_bytes()
    app = create_app(host)
    with TestClient(app) as client:
        broken = client.post("/v1/items", files={"file": ("b.jpg", b"\xff\xd8\xffno")})
        sent = client.post(
            "/v1/items", files={"file": ("y.png", data)}, data={"item_id": "mine/yellow"}
        )
        store = app.state.jobs.store
        for answer in (broken, sent):
            job = store.job(answer.json()["job_id"])
            done = wait_for(store, job, lambda job: job.has_ended)
            assert done.state == "done", done.error
        asked = {"like": ["mine/yellow"], "n": 1, "filter": "has_image"}
        assert client.post("/v1/search", json=asked).status_code == 200
        (file,) = client.get("/v1/quarantine").json()["files"]
        assert (file["item_id"], file["code"]) == (broken.json()["item_id"], "corrupt")
        assert client.get("/v1/library").json()["quarantined"] == {"corrupt": 1}
        assert client.delete("/v1/items/mine/yellow").status_code == 200
    assert not UploadStore(host.library.workspace).place("mine/yellow").exists()
    assert list((host.library.workspace.path / "jobs").iterdir()) == []


@pytest.mark.slow
def test_a_job_whose_process_dies_twice_has_failed(
    host: Host, store: JobStore, runner: JobRunner
) -> None:
    workspace = host.library.workspace
    with workspace.exclusive():
        job = store.add("retry", RETRY)
        for _ in range(2):
            assert "is being written by" in wait_for(store, job, waits).words
            (number,) = processes_of(workspace.path)
            os.kill(number, signal.SIGKILL)
            wait_for(store, job, lambda job: not waits(job))
        failed = wait_for(store, job, lambda job: job.has_ended)
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error["code"] == "interrupted"
    assert "SIGKILL" in failed.error["detail"]


def test_a_job_is_cancelled_while_it_runs(host: Host, store: JobStore, runner: JobRunner) -> None:
    workspace = host.library.workspace
    with workspace.exclusive():
        job = store.add("retry", RETRY)
        wait_for(store, job, waits)
        store.cancel(job.job_id)
        cancelled = wait_for(store, job, lambda job: job.has_ended)
    assert (cancelled.state, cancelled.error) == ("cancelled", None)
    assert processes_of(workspace.path) == []


@pytest.mark.slow
def test_a_service_that_is_stopped_lets_its_job_wait_and_the_next_one_takes_it(
    host: Host, store: JobStore
) -> None:
    workspace = host.library.workspace
    first, second = JobRunner(host, store), JobRunner(host, store)
    with workspace.exclusive():
        job = store.add("retry", RETRY)
        first.start()
        wait_for(store, job, waits)
        second.start()
        time.sleep(0.5)
        assert len(processes_of(workspace.path)) == 1
        first.stop()
        again = wait_for(store, job, waits)
        assert again.interruptions == 0
    assert wait_for(store, job, lambda job: job.has_ended).state == "done"
    second.stop()


def test_jobs_of_a_service_that_was_killed_are_seen_to_at_the_next_start(
    host: Host, store: JobStore
) -> None:
    again, never = store.add("index", {}), store.add("train", {"model": "ranker"})
    for _ in range(2):
        store.start_next()
    runner = JobRunner(host, store)
    runner._see_to_interrupted()
    jobs = {job.job_id: job for job in store.page(9)}
    assert (jobs[again.job_id].state, jobs[again.job_id].interruptions) == ("queued", 1)
    assert jobs[never.job_id].state == "failed"
    error = jobs[never.job_id].error
    assert error is not None
    assert error["code"] == "interrupted"


@pytest.mark.slow
def test_a_process_stops_when_nobody_is_left_to_be_told(host: Host, tmp_path: Path) -> None:
    workspace = host.library.workspace
    spec = JobSpec(
        workspace=workspace.path, config=host.library.config, kind="retry", request=RETRY
    )
    with workspace.exclusive():
        child = JobChild(spec, tmp_path / "jobs" / "log")
        until = time.monotonic() + SECONDS
        while child.progress is None and time.monotonic() < until:
            time.sleep(0.05)
        child.close()  # As the death of this process would.
        assert not child.runs(SECONDS)
    assert child.how_it_ended == "its process ended with code 0"
