"""Worker processes of a local run: they die without harm, and never outlive their driver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from ray_jobs import local
from ray_jobs.stage import Failure, RunOptions, StageError, StageProgress
from support.stages import (
    decode_stage,
    dying_stage,
    encode_stage,
    meeting_stage,
    talking_stage,
)

MARK = "SENSORIUM_TEST_RUN"
RUNNERS = ["local", pytest.param("cluster", marks=[pytest.mark.ray, pytest.mark.slow])]


def workers() -> list[int]:
    """Live worker processes of this process, those of other tests among them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            line = (entry / "cmdline").read_bytes()
            if fields[0] != "Z" and int(fields[1]) == os.getpid() and b"ray_jobs.worker" in line:
                found.append(int(entry.name))
    return found


@pytest.fixture
def children() -> Callable[[], list[int]]:
    """Finds the worker processes that were started since the test began."""
    before = workers()
    return lambda: [process for process in workers() if process not in before]


def marked(mark: str) -> list[int]:
    """Live processes that were started with this mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


def wait_until_gone(mark: str, seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


@pytest.fixture
def driver(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A driver with work in flight, and the mark that its processes bear."""
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-m", "support.drive", request.param],
        env=os.environ | {MARK: mark, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process:
        for _ in range(20):
            assert process.stdout.readline().startswith("task-")
        yield process, mark
        for left in marked(mark):
            os.kill(left, signal.SIGKILL)


@pytest.mark.parametrize("driver", RUNNERS, indirect=True)
def test_an_interrupt_ends_everything_without_a_word(
    driver: tuple[subprocess.Popen[str], str],
) -> None:
    process, mark = driver
    assert len(marked(mark)) >= 3
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == ""
    assert wait_until_gone(mark, 5) == []


@pytest.mark.parametrize("driver", RUNNERS, indirect=True)
def test_workers_die_with_a_killed_driver(driver: tuple[subprocess.Popen[str], str]) -> None:
    process, mark = driver
    process.kill()
    assert wait_until_gone(mark, 30) == []


def test_killed_workers_are_replaced_and_nothing_is_lost(
    children: Callable[[], list[int]],
) -> None:
    tasks = [(f"t{i}", ("slow", 0.01)) for i in range(150)]
    kills = 0
    last: Sequence[StageProgress] = ()

    def keep(report: Sequence[StageProgress]) -> None:
        nonlocal last
        last = report

    outcomes = []
    for number, outcome in enumerate(
        local.run(
            [decode_stage(workers=2), encode_stage(batch_size=4)],
            tasks,
            RunOptions(linger_seconds=0.01),
            keep,
        )
    ):
        outcomes.append(outcome)
        if number % 30 == 10:
            os.kill(children()[number % 2], signal.SIGKILL)
            kills += 1
            time.sleep(0.5)
    assert kills == 5
    assert sorted(o.key for o in outcomes) == sorted(key for key, _ in tasks)
    assert not any(isinstance(o.value, Failure) for o in outcomes)
    assert last[0].restarts == kills


def test_closing_early_leaves_no_worker(children: Callable[[], list[int]]) -> None:
    outcomes = local.run(
        [decode_stage(workers=2)], ((str(i), ("slow", 0.01)) for i in range(10_000)), None, None
    )
    next(outcomes)
    assert children()
    outcomes.close()
    assert children() == []


def test_a_hungry_task_hits_its_limit_and_the_next_one_works() -> None:
    tasks = [("hungry", ("gorge", 2**31)), ("modest", ("gorge", 2**20))]
    stage = decode_stage(memory_bytes=2**28)
    values = {o.key: o.value for o in local.run([stage], tasks, RunOptions(), None)}
    assert values["hungry"].code == "out_of_memory"
    assert len(values["modest"]) == 2**20


def test_workers_that_never_start_end_the_run() -> None:
    with pytest.raises(StageError, match="status 3"):
        list(local.run([dying_stage()], [("a", ("ok", 1))], RunOptions(), None))


def test_what_workers_write_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "workers.log"
    list(local.run([talking_stage()], [("a", 1)], RunOptions(worker_log=log), None))
    assert log.read_text() == "said to stdout\nsaid to stderr\n"


def test_threads_build_their_own_work_and_run_at_once() -> None:
    stage = meeting_stage(workers=2)
    tasks = [("a", 1.0), ("b", 2.0)]
    assert sorted(o.value for o in local.run([stage], tasks, RunOptions(), None)) == [1.0, 2.0]
