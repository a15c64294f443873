"""Workers at hand: bounded, replaced when they die, and not tied to the thread that asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.errors import SensoriumError
from ray_jobs.pool import WAITING, BusyError, WorkerPool
from ray_jobs.stage import Failure, RunOptions
from support.stages import decode_stage, dying_stage, unbuildable_stage


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """Two workers, and a second and a half for each task."""
    pool = WorkerPool(decode_stage(workers=2, timeout_seconds=1.5))
    yield pool
    pool.close()


def test_workers_start_when_asked_and_stay(pool: WorkerPool) -> None:
    assert len(pool) == 0
    for number in range(3):
        assert np.array_equal(pool.call(("give", number)), np.full((4, 1000), number, np.float32))
    assert len(pool) == 1
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(pool.call, [("slow", 0.2)] * 6))
    assert len(found) == 6
    assert len(pool) == 2


def test_a_worker_outlives_the_thread_that_asked_first(pool: WorkerPool) -> None:
    results: list[Any] = []
    for number in range(2):
        thread = threading.Thread(target=lambda n=number: results.append(pool.call(("give", n))))
        thread.start()
        thread.join()
    assert [int(result[0, 0]) for result in results] == [0, 1]
    assert len(pool) == 1


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        (("segfault", 0), "crash"),
        (("hang", 0), "timeout"),
        (("refuse", "it"), "truncated"),
        (("bug", "it"), "encode_failed"),
        (("fail", 0), "blank"),
    ],
)
def test_what_goes_wrong_is_told_and_the_next_task_works(
    pool: WorkerPool, deed: tuple[str, Any], code: str
) -> None:
    failure = pool.call(deed)
    assert isinstance(failure, Failure)
    assert failure.code == code
    assert isinstance(pool.call(("give", 7)), np.ndarray)


def test_a_task_whose_worker_died_is_tried_again(pool: WorkerPool, tmp_path: Path) -> None:
    assert isinstance(pool.call(("crash_once", str(tmp_path / "mark"))), np.ndarray)


def test_more_than_can_wait_is_refused(pool: WorkerPool) -> None:
    pool._room = threading.BoundedSemaphore(1)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(pool.call, ("slow", 1.0))
        while not len(pool):
            pass
        with pytest.raises(BusyError):
            pool.call(("give", 1))
        assert isinstance(first.result(), np.ndarray)
    assert WAITING > 1


def test_closing_ends_what_is_under_way() -> None:
    pool = WorkerPool(decode_stage(workers=1))
    pool.call(("give", 1))
    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(pool.call, ("hang", 0))
        threading.Event().wait(0.2)
        pool.close()
        assert hanging.result().code == "crash"
    assert len(pool) == 0


@pytest.mark.parametrize("stage", [dying_stage(), unbuildable_stage(isolated=True)])
def test_workers_that_do_not_start_are_told(stage: Any) -> None:
    pool = WorkerPool(stage, RunOptions(start_seconds=30))
    with pytest.raises(SensoriumError):
        pool.call(("give", 1))
    pool.close()
    assert len(pool) == 0
