"""Steps are told to whoever listens to this request, and to nobody else."""

from __future__ import annotations

import contextvars
from concurrent.futures import ThreadPoolExecutor

import pytest

from sensorium.steps import listening, tell, timed


def test_steps_are_heard_by_the_request_that_makes_them() -> None:
    tell("page", "before", 1.0)
    with listening() as outer, listening() as inner:
        tell("page", "ranking", 0.5)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(contextvars.copy_context().run, tell, "search", "encoding", 0.25).result()
            pool.submit(tell, "search", "elsewhere", 1.0).result()
    assert [(spent.work, spent.step) for spent in inner] == [
        ("page", "ranking"),
        ("search", "encoding"),
    ]
    assert outer == []


def test_a_step_that_fails_is_not_told() -> None:
    with listening() as spent:
        with timed("page", "state"):
            pass
        with pytest.raises(OSError, match="gone"), timed("page", "description"):
            raise OSError("gone")
    assert [one.step for one in spent] == ["state"]
    assert spent[0].seconds >= 0
