"""Run the same stages as actors of a Ray cluster.

- An actor is a process with its share of CPUs and GPU. It has one batch at a time; give a GPU two
  actors of half a GPU each, and one loads its batch while the other computes.
- Results stay where they were made: the driver passes references from stage to stage and fetches
  only verdicts and what the last stage gives.
- Ray never retries by itself: which task took its actor down, and how often, is the engine's to
  know.
- On a remote cluster each machine needs this package, the model weights and the media under the
  same paths; start the job with a Ray ``runtime_env`` or an image that brings them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ingest.errors import SensoriumError
from ray_jobs.attempt import Broken, Died, Lost, Reply, attempt, build, pack
from ray_jobs.flow import Flow, OnProgress, Worker
from ray_jobs.stage import Failure, Outcome, RunOptions, Stage, StageError
from ray_jobs.worker import confine

_QUIET = {
    # Messages of the cluster about dead workers would otherwise reach stdout, among the JSON rows.
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}


def run(
    stages: Sequence[Stage],
    tasks: Iterable[tuple[str, Any]],
    options: RunOptions | None = None,
    on_progress: OnProgress | None = None,
) -> Generator[Outcome, None, None]:
    """Run stages over tasks on Ray.

    A Ray that this process is connected to already is used as it is; otherwise one is joined at
    ``options.ray_address`` or started for the length of the run.

    Args:
        stages: steps in order, at least one.
        tasks: name and first value of each; pulled as there is room, on the caller's thread.
        options: how to run.
        on_progress: called now and then, on the caller's thread, with the counters of each stage.

    Yields:
        One outcome per task as it ends, in any order. Closing the iterator ends the workers.

    Raises:
        SensoriumError: the cluster cannot be reached, or a stage's workers do not start.
    """
    options = options or RunOptions()
    with connected(stages, options):
        yield from Flow(stages, options, _Cluster(options)).run(tasks, on_progress)


@contextmanager
def connected(stages: Sequence[Stage], options: RunOptions) -> Iterator[None]:
    """Be connected to Ray with room for these stages.

    Raises:
        StageError: the cluster cannot be reached.
    """
    os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})
    import ray

    if ray.is_initialized():
        yield
        return
    own = options.ray_address is None
    local = {
        "num_cpus": max(1, round(sum(s.workers * s.num_cpus for s in stages) + 0.5)),
        "object_store_memory": options.ray_object_store_bytes,
        "include_dashboard": False,
    }
    place = {"address": "local", **local} if own else {"address": options.ray_address}
    for last in (False, True):
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **place)
            break
        except Exception as error:  # Ray raises plain exceptions where a start fails
            ray.shutdown()
            if last:
                raise StageError(
                    f"Ray cannot be reached: {error}", "check the address, or run with --local"
                ) from error
    try:
        yield
    finally:
        ray.shutdown()


def room(processes: int) -> Stage:
    """Stand for so many processes, where ``connected`` is asked for nothing but their number."""
    return Stage(name="room", build=lambda: list, workers=processes)


class _Cluster:
    """Starts actors."""

    def __init__(self, options: RunOptions) -> None:
        self._options = options

    def start(self, stage: Stage) -> Worker:
        return _Remote(stage, self._options.start_seconds)

    def collect(self, value: Any) -> Any:
        import ray

        try:
            return ray.get(value)
        except ray.exceptions.RayError as error:
            return Failure(code="crash", message=f"a result was lost on the cluster: {error}")


class _Actor:
    """What runs on the cluster."""

    def ready(self, packed: bytes) -> SensoriumError | None:
        try:
            stage, self._work = build(packed)
        except SensoriumError as error:
            return error
        if stage.isolated:
            confine(stage.memory_bytes)
        return None

    def work(self, *tasks: Any) -> tuple[Any, ...]:
        """Give the verdict of each task, or what broke the batch; then the values."""
        reply = attempt(self._work, tasks)
        if isinstance(reply, Broken):
            return reply, *(None for _ in tasks)
        verdicts = [result if isinstance(result, Failure) else None for result in reply]
        return verdicts, *(None if isinstance(result, Failure) else result for result in reply)


class _Remote:
    """An actor, seen from the driver."""

    def __init__(self, stage: Stage, start_seconds: float) -> None:
        import ray

        self._stage, self._start_seconds = stage, start_seconds
        self._ray = ray
        self._actor = (
            ray.remote(_Actor)
            .options(
                num_cpus=stage.num_cpus,
                num_gpus=stage.num_gpus,
                max_restarts=0,
                max_task_retries=0,
                scheduling_strategy="SPREAD",
            )
            .remote()
        )

    def ready(self) -> Died | None:
        errors = self._ray.exceptions
        try:
            ready = self._actor.ready.remote(pack(self._stage))
            error = self._ray.get(ready, timeout=self._start_seconds)
        except errors.GetTimeoutError:
            stage = self._stage
            raise StageError(
                f"the cluster gave {stage.name} no worker in {self._start_seconds:g} s",
                f"each needs {stage.num_cpus:g} CPUs and {stage.num_gpus:g} GPUs",
            ) from None
        except errors.RayActorError:
            return Died(code="crash", message="its actor died")
        if error is not None:
            raise error
        return None

    def call(self, tasks: Sequence[Any]) -> Reply:
        errors = self._ray.exceptions
        limit = self._stage.timeout_seconds
        verdict, *values = self._actor.work.options(num_returns=1 + len(tasks)).remote(*tasks)
        try:
            reply = self._ray.get(verdict, timeout=limit and limit * len(tasks))
        except errors.GetTimeoutError:
            return Died(code="timeout", message=f"took longer than {limit:g} s")
        except errors.RayActorError:
            return Died(code="crash", message="its actor died")
        except (errors.ObjectLostError, errors.RayTaskError) as error:
            if isinstance(error, errors.ObjectLostError) or isinstance(
                error.cause, errors.ObjectLostError
            ):
                return Lost()
            return Broken(code="", message=f"a task or result does not travel: {error.cause}")
        if isinstance(reply, Broken):
            return reply
        return [
            value if failure is None else failure
            for failure, value in zip(reply, values, strict=True)
        ]

    def kill(self) -> None:
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(self._actor)

    def close(self) -> None:
        self.kill()
