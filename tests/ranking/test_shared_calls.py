"""Calls that are answered together: no company is waited for, errors go where they belong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from ranking.shared_calls import SharedCalls


class Doubling:
    """Doubles numbers; the first batch waits until it is let go, and 13 cannot be doubled."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go = Event(), Event()

    def __call__(self, asked: Sequence[int]) -> list[int]:
        self.batches.append(list(asked))
        self.begun.set()
        assert self.go.wait(30)
        if 13 in asked:
            raise ValueError("13")
        return [2 * number for number in asked]


def gathered(
    pool: ThreadPoolExecutor,
    calls: SharedCalls[int, int],
    doubling: Doubling,
    asked: list[list[int]],
) -> list[Future[Sequence[int]]]:
    """Let one call begin, the others gather behind it, and all go on."""
    made = [pool.submit(calls, asked[0])]
    assert doubling.begun.wait(30)
    made += [pool.submit(calls, one) for one in asked[1:]]
    while len(calls._waiting) < len(asked) - 1:
        pass
    doubling.go.set()
    return made


def test_a_call_alone_is_made_by_its_own_thread() -> None:
    doubling = Doubling()
    doubling.go.set()
    calls = SharedCalls[int, int](doubling)
    assert list(calls([1, 2])) == [2, 4]
    assert list(calls([])) == []
    assert doubling.batches == [[1, 2], []]


def test_what_gathers_behind_a_call_is_made_together() -> None:
    doubling = Doubling()
    calls = SharedCalls[int, int](doubling)
    with ThreadPoolExecutor(8) as pool:
        made = gathered(pool, calls, doubling, [[1], [2], [3, 4], [5]])
        assert [list(one.result(30)) for one in made] == [[2], [4], [6, 8], [10]]
    assert len(doubling.batches) == 2
    assert sorted(doubling.batches[1]) == [2, 3, 4, 5]


def test_a_batch_is_bounded() -> None:
    doubling = Doubling()
    calls = SharedCalls[int, int](doubling, most=3)
    with ThreadPoolExecutor(8) as pool:
        made = gathered(pool, calls, doubling, [[n, n] for n in range(5)] + [[7, 8, 9, 10]])
        for number, one in enumerate(made[:5]):
            assert list(one.result(30)) == [2 * number] * 2
        assert list(made[5].result(30)) == [14, 16, 18, 20]
    assert max(map(len, doubling.batches)) == 4, "only a call that is larger by itself is"


def test_an_error_goes_to_the_call_that_caused_it() -> None:
    doubling = Doubling()
    calls = SharedCalls[int, int](doubling)
    with ThreadPoolExecutor(8) as pool:
        made = gathered(pool, calls, doubling, [[1], [2], [13], [4]])
        assert [list(made[n].result(30)) for n in (0, 1, 3)] == [[2], [4], [8]]
        with pytest.raises(ValueError, match="13"):
            made[2].result(30)
        assert list(calls([6])) == [12], "the next call is answered"


@pytest.mark.parametrize("at_once", [1, 3])
def test_many_threads_get_each_their_own(at_once: int) -> None:
    under_way: list[int] = []
    most = [0]

    def answer(asked: Sequence[int]) -> list[int]:
        under_way.append(1)
        most[0] = max(most[0], len(under_way))
        under_way.pop()
        return [number + 1 for number in asked]

    calls, together = SharedCalls[int, int](answer, at_once, most=8), Barrier(16)

    def ask(thread: int) -> bool:
        together.wait(30)
        numbers = range(thread, 3_200, 16)
        return all(list(calls([number])) == [number + 1] for number in numbers)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(16)))
    assert most[0] <= at_once


def test_sizes_are_checked() -> None:
    wrong: list[Callable[[], object]] = [
        lambda: SharedCalls(list, at_once=0),
        lambda: SharedCalls(list, most=0),
    ]
    for make in wrong:
        with pytest.raises(ValueError, match="1 or more"):
            make()
