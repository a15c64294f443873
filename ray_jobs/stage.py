"""Stage: build once per worker, then batch in, batch out. It does not know where it runs.

Every stage is retry-safe: workers die in the middle of a batch, so doing a task twice must give
what doing it once gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import SensoriumError


class StageError(SensoriumError):
    """A stage cannot run at all: its workers do not start."""

    code = "stage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One task that a stage could not do; the run goes on."""

    code: str
    """Stable machine-readable cause, a key of ``ingest.errors.DECODE_CODES``."""
    message: str
    """One sentence for a person."""


Work = Callable[[Sequence[Any]], Sequence[Any]]
"""A batch of tasks in; as many results out, in order, each a value or a ``Failure``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of a pipeline."""

    name: str
    """Short verb shown in the progress table."""
    build: Callable[[], Work]
    """Picklable and importable; called once per worker; loads weights and gives the work."""
    batch_size: int = 1
    """Most tasks per call; out of memory halves it."""
    batch_key: str = ""
    """Model fingerprint and device under which a halved batch size is remembered; may be empty."""
    workers: int = 1
    """How many workers run at once."""
    num_cpus: float = 1.0
    """Share of the cluster's CPUs per worker; a local run ignores it."""
    num_gpus: float = 0.0
    """Share of a GPU per worker on a cluster; two halves keep one GPU busy between batches."""
    isolated: bool = False
    """Whether a worker must be its own process in a local run, as native code may crash."""
    timeout_seconds: float | None = None
    """Most seconds per task before the worker is replaced; none for no limit. Starting a worker
    does not count. It holds where a worker is a process of its own."""
    memory_bytes: int | None = None
    """Most private memory of an isolated worker beyond what its libraries take; none for no
    limit."""
    failure_code: str = "encode_failed"
    """Code of a task whose error brings none of its own."""

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.workers < 1:
            raise ValueError(f"at least one: {self.batch_size = }, {self.workers = }")
        if self.num_cpus < 0 or self.num_gpus < 0:
            raise ValueError(f"expected 0 or more: {self.num_cpus = }, {self.num_gpus = }")
        if self.timeout_seconds is not None and self.timeout_seconds <= 0:
            raise ValueError(f"expected a positive time: {self.timeout_seconds = }")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one task."""

    key: str
    """The task's name."""
    value: Any
    """The last stage's result, or the ``Failure`` that ended it."""
    stage: str
    """The stage that gave the value."""


@dataclass(slots=True, kw_only=True)
class StageProgress:
    """Counters of one stage, for a live table."""

    name: str
    """The stage."""
    done: int = 0
    """Tasks finished well."""
    failed: int = 0
    """Tasks that failed."""
    queued: int = 0
    """Tasks waiting for this stage."""
    running: int = 0
    """Tasks in work now."""
    workers: int = 0
    """Workers alive."""
    restarts: int = 0
    """Workers replaced after a crash or a time-out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run of stages behaves, wherever it runs."""

    max_in_flight: int | None = None
    """Most tasks between the source and the consumer; bounds memory. By default twice what all
    workers hold at once."""
    linger_seconds: float = 0.05
    """Longest that a worker waits for its batch to fill."""
    batch_memory: Path | None = None
    """JSON file that remembers the batch size found after running out of memory."""
    worker_log: Path | None = None
    """File that gets what workers of a local run write to the terminal; none drops it."""
    start_seconds: float = 300.0
    """Most seconds for a worker to start."""
    stop_seconds: float = 10.0
    """Most seconds that closing waits for work that cannot be interrupted."""
    progress_seconds: float = 0.25
    """Least time between two reports of progress."""
    ray_address: str | None = None
    """Cluster to join; none starts Ray on this machine for the length of the run."""
    ray_object_store_bytes: int = 512 * 1024**2
    """Shared memory of a Ray that is started here."""
