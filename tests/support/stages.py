"""Planted stages: work that fails in every known way, on demand.

A task's value is ``(deed, argument)``; ``decode`` does the deed, ``encode`` sees the array that
comes out. They live here, since a worker process must be able to import them.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ingest.errors import DecodeError, SensoriumError
from ray_jobs.stage import Failure, Outcome, Stage, Work

Deed = tuple[str, Any]
Run = Callable[..., Generator[Outcome, None, None]]


def decode_one(deed: Deed) -> Any:
    """Do what the task says."""
    name, argument = deed
    if name == "segfault":
        ctypes.string_at(0)
    elif name == "exit":
        os._exit(1)
    elif name == "hang":
        time.sleep(600)
    elif name == "refuse":
        raise DecodeError("truncated", f"{argument} ends early")
    elif name == "bug":
        raise KeyError(argument)
    elif name == "fail":
        return Failure(code="blank", message="nothing to see")
    elif name == "gorge":
        return np.ones(argument, np.uint8)
    elif name == "crash_once" and not Path(argument).exists():
        Path(argument).touch()
        os._exit(1)
    elif name == "slow":
        time.sleep(argument)
    return np.full((4, 1000), _number(argument), np.float32)


def _number(argument: Any) -> int:
    return argument if isinstance(argument, int) else -1


def _decode(tasks: Sequence[Deed]) -> list[Any]:
    return [decode_one(task) for task in tasks]


def build_decode() -> Work:
    """Work that may take its process down."""
    return _decode


class TorchLikeOutOfMemoryError(RuntimeError):
    """Named in words only, as native libraries do."""


class Encode:
    """Sums arrays; takes no more than ``most`` at once, and no array of the number 13."""

    def __init__(self, most: int, log: Path | None) -> None:
        self.most, self.log = most, log

    def __call__(self, arrays: Sequence[Any]) -> list[float]:
        """Encode a batch."""
        if self.log is not None:
            with self.log.open("a") as log:
                log.write(f"{len(arrays)}\n")
        if len(arrays) > self.most:
            raise TorchLikeOutOfMemoryError("CUDA out of memory. Tried to allocate 1 EiB")
        if any(array[0, 0] == 13 for array in arrays):
            raise ValueError("13 is not liked")
        return [float(array.sum()) for array in arrays]


def _no_build() -> Work:
    raise SensoriumError("the model is not there", "pull it")


def decode_stage(**changes: Any) -> Stage:
    """The stage of ``build_decode``, isolated."""
    return Stage(
        **{"name": "decode", "build": build_decode, "isolated": True, "num_cpus": 0.1, **changes}
    )


def encode_stage(most: int = 1000, log: Path | None = None, **changes: Any) -> Stage:
    """The stage of ``Encode``; ``log`` gets the size of each batch it was given."""
    build = partial(Encode, most, log)
    return Stage(**{"name": "encode", "build": build, "num_cpus": 0.1, **changes})


def unbuildable_stage(**changes: Any) -> Stage:
    """A stage whose model cannot be loaded."""
    return Stage(**{"name": "encode", "build": _no_build, "num_cpus": 0.1, **changes})


def dying_stage(**changes: Any) -> Stage:
    """A stage whose workers die while they start."""
    return Stage(**{"name": "decode", "build": partial(os._exit, 3), "isolated": True, **changes})


def _talk(tasks: Sequence[Any]) -> list[Any]:
    sys.stdout.write("said to stdout\n")
    sys.stdout.flush()
    sys.stderr.write("said to stderr\n")
    return list(tasks)


def _build_talk() -> Work:
    return _talk


def talking_stage(**changes: Any) -> Stage:
    """A stage whose workers write to the terminal."""
    return Stage(**{"name": "talk", "build": _build_talk, "isolated": True, **changes})


_BARRIER = threading.Barrier(2)


def _build_meeting() -> Work:
    built_on = threading.get_ident()

    def meet(tasks: Sequence[Any]) -> list[Any]:
        if threading.get_ident() != built_on:
            raise RuntimeError("work of another thread")
        _BARRIER.wait(timeout=20)
        return list(tasks)

    return meet


def meeting_stage(**changes: Any) -> Stage:
    """A stage whose work ends only where two threads do it at once, each with its own."""
    return Stage(**{"name": "meet", "build": _build_meeting, **changes})
