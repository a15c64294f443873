"""One attempt at a batch, on the worker's side: whatever goes wrong becomes a plain reply.

Errors travel as words instead of exceptions: an exception may not pickle, and its traceback would
keep the tensors of a failed batch alive while a smaller one is tried.
"""

from __future__ import annotations

import gc
import logging
import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.errors import DecodeError, SensoriumError
from ray_jobs.stage import Stage, StageError, Work

_log = logging.getLogger(__name__)

_MEMORY_WORDS = ("out of memory", "failed to allocate", "bad_alloc", "alloc_failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The whole batch raised."""

    code: str
    """Code of the error; empty where it has none."""
    message: str
    """One sentence."""
    out_of_memory: bool = False
    """Whether a smaller batch may work."""
    fatal: bool = False
    """Whether every other task would fail alike, as where a model cannot be loaded."""
    hint: str = ""
    """The next step for a person, where the error is fatal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """The worker is gone; which task took it down is not known."""

    code: str
    """``crash`` or ``timeout``."""
    message: str
    """What happened, to follow the stage's name."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What an earlier stage gave was lost with the machine that held it."""


Reply = list[Any] | Broken | Died | Lost
"""Results in order, each a value or a ``Failure``; or what happened to the batch."""


def pack(stage: Stage) -> bytes:
    """A stage as bytes, with the import path that its build function needs."""
    return pickle.dumps((sys.path, pickle.dumps(stage)))


def build(packed: bytes) -> tuple[Stage, Work]:
    """Unpack a stage and build its work.

    Raises:
        SensoriumError: it cannot be built, or not imported where the worker runs.
    """
    try:
        path, inner = pickle.loads(packed)  # noqa: S301 - packed by our own driver
        sys.path += [entry for entry in path if entry not in sys.path]
        stage: Stage = pickle.loads(inner)  # noqa: S301
        return stage, stage.build()
    except SensoriumError:
        raise
    except Exception as error:
        raise StageError(f"a worker cannot start: {describe(error).message}") from error


def attempt(work: Work, tasks: Sequence[Any]) -> list[Any] | Broken:
    """Do a batch; an error becomes a reply.

    Returns:
        One result per task, in order, or what broke the batch.
    """
    try:
        results = list(work(tasks))
        if len(results) != len(tasks):
            raise ValueError(f"{len(results)} results for {len(tasks)} tasks")
    except Exception as error:  # noqa: BLE001 - one bad task must not end the run
        _log.debug("a batch of %d failed", len(tasks), exc_info=True)
        broken = describe(error)
    else:
        return results
    if broken.out_of_memory:
        _free_memory()
    return broken


def describe(error: Exception) -> Broken:
    """Say in words what an error was."""
    if isinstance(error, DecodeError):
        return Broken(code=error.code, message=str(error))
    if isinstance(error, SensoriumError):
        return Broken(code=error.code, message=error.sentence, fatal=True, hint=error.hint)
    sentence = " ".join(str(error).split())[:300]
    return Broken(
        code="",
        message=f"{type(error).__name__}: {sentence}" if sentence else type(error).__name__,
        out_of_memory=is_out_of_memory(error),
    )


def is_out_of_memory(error: Exception) -> bool:
    """Whether a smaller batch may succeed where this error was raised."""
    if {kind.__name__ for kind in type(error).__mro__} & {"MemoryError", "OutOfMemoryError"}:
        return True
    words = str(error).lower()
    return any(word in words for word in _MEMORY_WORDS)


def _free_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
