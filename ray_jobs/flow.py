"""The engine under both runners: tasks flow through stages, each worker served by one thread.

A runner brings only a ``Backend``: how a worker starts, is called and is ended. Batching, retries,
counting and shutting down are here, so that local and cluster runs cannot differ.

- A thread per worker calls it and waits: a death is an error of that one call, so the batch that
  was lost is known exactly.
- One number bounds memory: tasks between the source and the consumer. The source is pulled on the
  consumer's thread, as it may hold a database connection, and only where there is room.
- A task whose worker died is tried once more, alone, in a fresh worker. Retries stay on the thread
  that saw the death; nothing waits in two places, so each task ends exactly once.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ray_jobs.attempt import Broken, Died, Lost, Reply
from ray_jobs.batching import BatchMemory, BatchSizer
from ray_jobs.stage import Failure, Outcome, RunOptions, Stage, StageError, StageProgress

OnProgress = Callable[[Sequence[StageProgress]], None]

_STARTS = 3


class Worker(Protocol):
    """One running worker of a stage."""

    def ready(self) -> Died | None:
        """Wait until the worker can work; say so where it died before.

        Raises:
            SensoriumError: its stage cannot be built, and another try would not help.
        """

    def call(self, tasks: Sequence[Any]) -> Reply:
        """Do a batch and wait for it."""

    def kill(self) -> None:
        """End the worker now, from any thread; a ``call`` under way gives ``Died``."""

    def close(self) -> None:
        """End the worker and let go of what it held, from the thread that calls it."""


class Backend(Protocol):
    """Where workers run."""

    def start(self, stage: Stage) -> Worker:
        """Begin to start a worker, without waiting for it."""

    def collect(self, value: Any) -> Any:
        """Bring a result of the last stage to the driver; a ``Failure`` where it is lost."""


@dataclass(slots=True, kw_only=True)
class _Task:
    key: str
    origin: Any
    value: Any
    strikes: int = 0
    """Workers of the stage at hand that died with it."""
    losses: int = 0
    """Times it went back to the first stage."""


class _Inbox:
    """Tasks that wait for a stage; takers get batches."""

    def __init__(self) -> None:
        self._tasks: deque[_Task] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def put(self, task: _Task) -> None:
        with self._changed:
            self._tasks.append(task)
            self._changed.notify()

    def take(self, size: int, linger_seconds: float) -> list[_Task]:
        """Give 1 to ``size`` tasks, waiting a little for more; none once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._tasks or self._closed)
            self._changed.wait_for(
                lambda: len(self._tasks) >= size or self._closed, timeout=linger_seconds
            )
            count = 0 if self._closed else min(size, len(self._tasks))
            return [self._tasks.popleft() for _ in range(count)]

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


@dataclass(slots=True, kw_only=True)
class _Step:
    """One stage at work."""

    stage: Stage
    sizer: BatchSizer
    progress: StageProgress
    inbox: _Inbox = field(default_factory=_Inbox)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, **changes: int) -> None:
        with self.lock:
            for name, change in changes.items():
                setattr(self.progress, name, getattr(self.progress, name) + change)

    def snapshot(self) -> StageProgress:
        with self.lock:
            return replace(self.progress, queued=len(self.inbox))


class Flow:
    """Stages at work on a stream of tasks.

    Args:
        stages: steps in order, at least one.
        options: how to run.
        backend: where workers run.
    """

    def __init__(self, stages: Sequence[Stage], options: RunOptions, backend: Backend) -> None:
        memory = BatchMemory(options.batch_memory)
        self.options = options
        self.backend = backend
        self.steps = [
            _Step(
                stage=stage,
                sizer=BatchSizer(stage.batch_size, stage.batch_key, memory),
                progress=StageProgress(name=stage.name),
            )
            for stage in stages
        ]
        self.stopping = threading.Event()
        self._ended: queue.SimpleQueue[Outcome | Exception] = queue.SimpleQueue()
        self._lanes = [_Lane(self, i) for i, s in enumerate(stages) for _ in range(s.workers)]
        self._room = options.max_in_flight or 2 * sum(s.workers * s.batch_size for s in stages)

    def run(
        self, tasks: Iterable[tuple[str, Any]], on_progress: OnProgress | None
    ) -> Generator[Outcome, None, None]:
        """Yield the outcome of each task as it ends; closing the iterator ends the workers.

        Raises:
            SensoriumError: a stage's workers do not start.
        """
        for lane in self._lanes:
            lane.start()
        try:
            report = _Reporter(self.steps, on_progress, self.options.progress_seconds)
            yield from self._outcomes(iter(tasks), report)
            report.now()
        finally:
            self._stop()

    def forward(self, index: int, task: _Task, value: Any) -> None:
        """Pass a task on after a stage: to the next one, or out."""
        if index + 1 < len(self.steps):
            task.value, task.strikes = value, 0
            self.steps[index + 1].inbox.put(task)
        else:
            self.end(index, task, self.backend.collect(value))

    def end(self, index: int, task: _Task, value: Any) -> None:
        """Give out what became of a task."""
        stage = self.steps[index].stage.name
        self._ended.put(Outcome(key=task.key, value=value, stage=stage))

    def fail(self, error: Exception) -> None:
        """End the run with an error."""
        self._ended.put(error)

    def _outcomes(self, source: Iterator[tuple[str, Any]], report: _Reporter) -> Iterator[Outcome]:
        exhausted, in_flight = False, 0
        while in_flight or not exhausted:
            can_take = not exhausted and in_flight < self._room
            outcome = self._next(0 if can_take else self.options.progress_seconds)
            report.due()
            if outcome is not None:
                in_flight -= 1
                yield outcome
            elif can_take:
                entry = next(source, None)
                if entry is None:
                    exhausted = True
                    continue
                in_flight += 1
                key, value = entry
                self.steps[0].inbox.put(_Task(key=key, origin=value, value=value))

    def _next(self, timeout: float) -> Outcome | None:
        try:
            ended = self._ended.get(timeout=timeout) if timeout else self._ended.get_nowait()
        except queue.Empty:
            return None
        if isinstance(ended, Exception):
            raise ended
        return ended

    def _stop(self) -> None:
        self.stopping.set()
        for step in self.steps:
            step.inbox.close()
        for lane in self._lanes:
            lane.abort()
        deadline = time.monotonic() + self.options.stop_seconds
        for lane in self._lanes:
            lane.join(max(0.0, deadline - time.monotonic()))


class _Reporter:
    """Calls back with progress, not too often."""

    def __init__(
        self, steps: Sequence[_Step], on_progress: OnProgress | None, seconds: float
    ) -> None:
        self._steps, self._on_progress, self._seconds = steps, on_progress, seconds
        self._last = 0.0

    def due(self) -> None:
        if time.monotonic() - self._last >= self._seconds:
            self.now()

    def now(self) -> None:
        self._last = time.monotonic()
        if self._on_progress is not None:
            self._on_progress([step.snapshot() for step in self._steps])


class _Lane(threading.Thread):
    """Serves one worker of one stage for the length of the run."""

    def __init__(self, flow: Flow, index: int) -> None:
        step = flow.steps[index]
        super().__init__(name=f"sensorium-{step.stage.name}", daemon=True)
        self._flow, self._index, self._step = flow, index, step
        self._worker: Worker | None = None

    def run(self) -> None:
        """Start the worker, then do batches until the run ends."""
        linger = self._flow.options.linger_seconds
        try:
            worker = self._start()
            while not self._flow.stopping.is_set():
                batch = self._step.inbox.take(self._step.sizer.size, linger)
                self._step.count(running=len(batch))
                groups = [batch] if batch else []
                while groups and not self._flow.stopping.is_set():
                    group = groups.pop()
                    reply = worker.call([task.value for task in group])
                    died = isinstance(reply, Died)
                    if died:
                        self._step.count(workers=-1, restarts=1)
                        worker.close()
                    groups += self._settle(group, reply)
                    if died and not self._flow.stopping.is_set():
                        worker = self._start()
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the consumer
            self._flow.fail(error)
        finally:
            if self._worker is not None:
                self._worker.close()

    def abort(self) -> None:
        """End the worker now, from any thread."""
        if self._worker is not None:
            self._worker.kill()

    def _start(self) -> Worker:
        stage, stopping = self._step.stage, self._flow.stopping
        died: Died | None = None
        for _ in range(_STARTS):
            worker = self._worker = self._flow.backend.start(stage)
            if stopping.is_set():
                worker.kill()
            died = worker.ready()
            if died is None or stopping.is_set():
                self._step.count(workers=1)
                return worker
            worker.close()
        raise StageError(
            f"no worker of {stage.name} starts: {died.message if died else ''}",
            "see the worker log, or run with fewer workers",
        )

    def _settle(self, group: list[_Task], reply: Reply) -> list[list[_Task]]:
        """Pass on what is done; give the groups to try again."""
        if isinstance(reply, list):
            for task, result in zip(group, reply, strict=True):
                self._finish(task, result)
            return []
        if isinstance(reply, Lost):
            return self._restart(group)
        if isinstance(reply, Died):
            return self._strike(group, reply)
        return self._split(group, reply)

    def _split(self, group: list[_Task], reply: Broken) -> list[list[_Task]]:
        if reply.fatal:
            raise StageError(reply.message, reply.hint)
        if len(group) > 1:
            size = self._step.sizer.halve(len(group)) if reply.out_of_memory else 1
            return [group[start : start + size] for start in range(0, len(group), size)]
        code = reply.code or self._step.stage.failure_code
        code = "out_of_memory" if reply.out_of_memory else code
        self._finish(group[0], Failure(code=code, message=reply.message))
        return []

    def _strike(self, group: list[_Task], reply: Died) -> list[list[_Task]]:
        again = []
        for task in group:
            task.strikes += 1
            if task.strikes > 1:
                message = f"{self._step.stage.name}: {reply.message}, twice"
                self._finish(task, Failure(code=reply.code, message=message))
            else:
                again.append([task])
        return again

    def _restart(self, group: list[_Task]) -> list[list[_Task]]:
        for task in group:
            task.losses += 1
            if task.losses > 1:
                message = f"{self._step.stage.name}: a machine that held its input was lost, twice"
                self._finish(task, Failure(code="crash", message=message))
            else:
                task.value, task.strikes = task.origin, 0
                self._step.count(running=-1)
                self._flow.steps[0].inbox.put(task)
        return []

    def _finish(self, task: _Task, result: Any) -> None:
        if isinstance(result, Failure):
            self._step.count(running=-1, failed=1)
            self._flow.end(self._index, task, result)
        else:
            self._step.count(running=-1, done=1)
            self._flow.forward(self._index, task, result)
