"""Jobs in the database: how a row moves, and what is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ingest.database import open_database
from sensorium.service import job_store
from sensorium.service.job_store import Job, JobStore
from support.postgres import postgres_server


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with ExitStack() as stack:
        yield stack.enter_context(postgres_server())


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobStore]:
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")
    engine = open_database(url)
    yield JobStore(engine)
    job_store.METADATA.drop_all(engine)
    engine.dispose()


def now(store: JobStore, job: Job) -> Job:
    found = store.job(job.job_id)
    assert found is not None
    return found


def test_jobs_are_started_in_the_order_in_which_they_were_asked_for(store: JobStore) -> None:
    first, second = store.add("retry", {"code": None}), store.add("index", {"source": "/m"})
    started = store.start_next()
    assert started is not None
    assert (started.job_id, started.state, started.kind) == (first.job_id, "running", "retry")
    assert started.started_at is not None
    assert [job.job_id for job in store.running()] == [first.job_id]
    store.tell(first.job_id, 0.5, "half")
    assert (now(store, first).share, now(store, first).words) == (0.5, "half")
    store.finish(first.job_id, {"items": 3})
    done = now(store, first)
    assert (done.state, done.result, done.has_ended) == ("done", {"items": 3}, True)
    assert done.finished_at is not None
    following = store.start_next()
    assert following is not None
    assert following.job_id == second.job_id
    assert store.start_next() is None


def test_what_has_ended_stays_as_it_is(store: JobStore) -> None:
    job = store.add("retry", {})
    store.start_next()
    store.fail(job.job_id, {"code": "x", "detail": "d", "hint": ""})
    store.finish(job.job_id, {})
    store.tell(job.job_id, 0.1, "late")
    store.cancel(job.job_id)
    failed = now(store, job)
    assert (failed.state, failed.words, failed.cancelling) == ("failed", "", False)
    assert failed.error == {"code": "x", "detail": "d", "hint": ""}


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_asked(store: JobStore) -> None:
    running, waiting = store.add("retry", {}), store.add("retry", {})
    store.start_next()
    store.cancel(waiting.job_id)
    store.cancel(running.job_id)
    assert now(store, waiting).state == "cancelled"
    assert (now(store, running).state, now(store, running).cancelling) == ("running", True)
    store.stopped(running.job_id)
    assert now(store, running).state == "cancelled"
    assert store.start_next() is None


def test_a_job_that_waits_is_shared_and_one_that_runs_is_not(store: JobStore) -> None:
    first = store.add("index", {"source": "/u"}, shared=True)
    assert store.add("index", {"source": "/u"}, shared=True).job_id == first.job_id
    assert store.add("index", {"source": "/v"}, shared=True).job_id != first.job_id
    assert store.add("index", {"source": "/u"}).job_id != first.job_id
    store.start_next()
    later = store.add("index", {"source": "/u"}, shared=True)
    assert later.job_id != first.job_id


def test_interruptions_are_counted(store: JobStore) -> None:
    job = store.add("index", {})
    for interrupted, count in ((False, 0), (True, 1)):
        store.start_next()
        store.requeue(job.job_id, "again", interrupted)
        again = now(store, job)
        assert (again.state, again.interruptions, again.words) == ("queued", count, "again")


def test_pages_go_from_the_latest_back(store: JobStore) -> None:
    jobs = [store.add("retry", {}) for _ in range(5)]
    page = store.page(2)
    assert [job.job_id for job in page] == [jobs[4].job_id, jobs[3].job_id]
    page = store.page(9, page[-1].number)
    assert [job.job_id for job in page] == [job.job_id for job in jobs[2::-1]]


def test_old_jobs_are_forgotten_once_they_have_ended(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_store, "KEPT", 2)
    jobs = [store.add("retry", {}) for _ in range(4)]
    for _ in range(2):
        started = store.start_next()
        assert started is not None
        store.finish(started.job_id, {})
    kept = [job.job_id for job in reversed(store.page(9))]
    assert kept == [jobs[2].job_id, jobs[3].job_id]
