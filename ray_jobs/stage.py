"""Stage: build once per worker, then batch in, batch out. It does not know where it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


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
    """Picklable; called once per worker; loads weights and gives the work function."""
    batch_size: int = 1
    """Most tasks per call; out of memory halves it."""
    workers: int = 1
    """How many workers run at once."""
    num_gpus: float = 0.0
    """Share of a GPU per worker."""
    isolated: bool = False
    """Whether a worker must be its own process in a local run, as native code may crash."""
    timeout_seconds: float | None = None
    """Most seconds per task before the worker is replaced; none for no limit."""


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
