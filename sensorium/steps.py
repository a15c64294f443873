"""What the steps of an answer took, told to whoever listens to this request.

The code that answers says what took how long and knows nothing of who listens. Without a listener
nothing is kept. Threads that a request is handed to inherit its listener.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Spent(NamedTuple):
    """One step."""

    work: str
    """What was done: ``page`` or ``search``."""
    step: str
    """Part of it."""
    seconds: float
    """Wall time."""


_listening: ContextVar[list[Spent] | None] = ContextVar("steps", default=None)


@contextmanager
def listening() -> Iterator[list[Spent]]:
    """Give the steps of what is done inside, as they end."""
    spent: list[Spent] = []
    token = _listening.set(spent)
    try:
        yield spent
    finally:
        _listening.reset(token)


def tell(work: str, step: str, seconds: float) -> None:
    """Say that a step has ended."""
    spent = _listening.get()
    if spent is not None:
        spent.append(Spent(work, step, seconds))


@contextmanager
def timed(work: str, step: str) -> Iterator[None]:
    """Tell of what is done inside, once it has succeeded."""
    started = time.perf_counter()
    yield
    tell(work, step, time.perf_counter() - started)
