"""What both runners promise, checked on both with planted stages."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ingest.errors import SensoriumError
from ray_jobs.stage import Failure, Outcome, RunOptions, StageProgress
from support.stages import Deed, Run, decode_stage, encode_stage, unbuildable_stage

QUICK = RunOptions(linger_seconds=0.2)
ON_RAY = pytest.param("cluster", marks=pytest.mark.ray)
ON_RAY_SLOW = pytest.param("cluster", marks=[pytest.mark.ray, pytest.mark.slow])


def good(count: int) -> list[tuple[str, Deed]]:
    return [(f"good-{i}", ("ok", i)) for i in range(100, 100 + count)]


def codes(outcomes: Sequence[Outcome]) -> dict[str, str]:
    return {o.key: o.value.code for o in outcomes if isinstance(o.value, Failure)}


@pytest.mark.parametrize("run", ["local", ON_RAY], indirect=True)
def test_every_task_ends_once_whatever_its_worker_does(run: Run, tmp_path: Path) -> None:
    bad: list[tuple[str, Deed]] = [
        ("segfault", ("segfault", 1)),
        ("hang", ("hang", 1)),
        ("refuse", ("refuse", "clip.mp4")),
        ("bug", ("bug", "x")),
        ("fail", ("fail", 0)),
        ("unliked", ("ok", 13)),
        ("crash_once", ("crash_once", str(tmp_path / "once"))),
    ]
    tasks = good(12) + bad + good(24)[12:]
    reports: list[Sequence[StageProgress]] = []
    stages = [
        decode_stage(workers=2, timeout_seconds=1.0, failure_code="corrupt"),
        encode_stage(batch_size=4),
    ]
    outcomes = list(run(stages, tasks, QUICK, reports.append))

    assert sorted(o.key for o in outcomes) == sorted(key for key, _ in tasks)
    assert codes(outcomes) == {
        "segfault": "crash",
        "hang": "timeout",
        "refuse": "truncated",
        "bug": "corrupt",
        "fail": "blank",
        "unliked": "encode_failed",
    }
    values = {o.key: o.value for o in outcomes}
    assert all(values[key] == 4000.0 * deed[1] for key, deed in good(24))
    assert values["crash_once"] == -4000.0
    assert {o.stage for o in outcomes if isinstance(o.value, float)} == {"encode"}

    decode, encode = reports[-1]
    assert (decode.done, decode.failed, decode.restarts) == (26, 5, 5)
    assert (encode.done, encode.failed, encode.restarts) == (25, 1, 0)
    assert decode.queued == decode.running == encode.queued == encode.running == 0


@pytest.mark.parametrize("run", ["local", ON_RAY_SLOW], indirect=True)
def test_out_of_memory_halves_the_batch_and_is_remembered(run: Run, tmp_path: Path) -> None:
    memory, log = tmp_path / "batches.json", tmp_path / "log"
    options = RunOptions(linger_seconds=0.5, batch_memory=memory)
    stage = encode_stage(most=3, log=log, batch_size=8, batch_key="tower @ gpu")
    stages = [decode_stage(), stage]

    outcomes = list(run(stages, good(24), options, None))
    assert sorted(o.value for o in outcomes) == [4000.0 * i for i in range(100, 124)]
    sizes = [int(line) for line in log.read_text().split()]
    assert 8 in sizes
    assert json.loads(memory.read_text()) == {"tower @ gpu": 2}

    log.unlink()
    list(run(stages, good(8), options, None))
    assert max(int(line) for line in log.read_text().split()) == 2


@pytest.mark.parametrize("run", ["local", ON_RAY_SLOW], indirect=True)
def test_tasks_are_pulled_only_as_there_is_room(run: Run) -> None:
    taken: list[str] = []
    threads = set()

    def source() -> Iterator[tuple[str, Deed]]:
        for key, deed in good(40):
            taken.append(key)
            threads.add(threading.current_thread())
            yield key, deed

    options = RunOptions(max_in_flight=5, linger_seconds=0.01)
    ended, most = 0, 0
    for _ in run([decode_stage(), encode_stage(batch_size=2)], source(), options, None):
        most = max(most, len(taken) - ended)
        ended += 1
    assert ended == 40
    assert 3 <= most <= 5
    assert threads == {threading.current_thread()}


@pytest.mark.parametrize("run", ["local", ON_RAY_SLOW], indirect=True)
def test_a_slow_source_does_not_hold_outcomes_back(run: Run) -> None:
    given = 0

    def source() -> Iterator[tuple[str, Deed]]:
        nonlocal given
        for key, deed in good(2000):
            given += 1
            threading.Event().wait(0.005)
            yield key, deed

    outcomes = run([decode_stage()], source(), RunOptions(max_in_flight=10_000), None)
    next(outcomes)
    outcomes.close()
    assert given < 2000


@pytest.mark.parametrize("run", ["local", ON_RAY_SLOW], indirect=True)
def test_a_stage_that_cannot_be_built_ends_the_run_with_its_sentence(run: Run) -> None:
    for isolated in (False, True):
        with pytest.raises(SensoriumError, match="the model is not there; pull it"):
            list(run([unbuildable_stage(isolated=isolated)], good(3), QUICK, None))


@pytest.mark.parametrize("run", ["local", ON_RAY_SLOW], indirect=True)
def test_no_tasks_give_no_outcomes(run: Run) -> None:
    assert list(run([decode_stage(), encode_stage()], [], QUICK, None)) == []
