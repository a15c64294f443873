"""Calls of several threads answered together, where together is cheaper than one by one.

A call that finds room is made at once, with all that waits; nobody waits for company. While as many
as may run at once do, further calls gather, and the first of them takes all that have gathered when
one ends. So a call alone costs a lock, and batches grow with the load by themselves.

No call is answered by a thread for longer than its own answer takes: whoever comes next is woken to
lead. A batch that fails is made once more one by one, so that an error goes to whom it belongs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Lock
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class SharedCalls(Generic[Q, A]):
    """Answers questions of several threads in batches.

    Args:
        answer: answers questions in their order; what it says of one does not depend on the others.
        at_once: batches that may be under way at the same time.
        most: questions in a batch, above which further calls wait for the next one.
    """

    def __init__(
        self, answer: Callable[[Sequence[Q]], Sequence[A]], at_once: int = 1, most: int = 256
    ) -> None:
        if at_once < 1 or most < 1:
            raise ValueError(f"must be 1 or more: {at_once = }, {most = }")
        self._answer, self._free, self._most = answer, at_once, most
        self._waiting: deque[_Call[Q, A]] = deque()
        self._lock = Lock()

    def __call__(self, asked: Sequence[Q]) -> Sequence[A]:
        """Give an answer to each question.

        Raises:
            Exception: whatever ``answer`` raises for these questions.
        """
        call: _Call[Q, A] = _Call(asked)
        with self._lock:
            leads = self._free > 0
            if leads:
                self._free -= 1
            else:
                self._waiting.append(call)
        if not leads:
            call.woken.wait()
        if not call.done:
            self._lead(call)
        if call.error is not None:
            raise call.error
        return call.answers

    def _lead(self, own: _Call[Q, A]) -> None:
        """Answer a call with all that waits, and let the next batch begin."""
        batch = [own, *self._gathered(len(own.asked))]
        try:
            self._make(batch)
        finally:
            for call in batch[1:]:
                call.woken.set()
            with self._lock:
                following = self._waiting.popleft() if self._waiting else None
                if following is None:
                    self._free += 1
            if following is not None:
                following.woken.set()

    def _gathered(self, size: int) -> list[_Call[Q, A]]:
        gathered = []
        with self._lock:
            while self._waiting and size + len(self._waiting[0].asked) <= self._most:
                gathered.append(self._waiting.popleft())
                size += len(gathered[-1].asked)
        return gathered

    def _make(self, batch: Sequence[_Call[Q, A]]) -> None:
        try:
            answers = self._answer([question for call in batch for question in call.asked])
        except Exception as error:  # noqa: BLE001 - it is raised where it belongs
            if len(batch) == 1:
                batch[0].fail(error)
                return
            for call in batch:
                self._make([call])
            return
        start = 0
        for call in batch:
            call.answers, call.done = answers[start : start + len(call.asked)], True
            start += len(call.asked)


class _Call(Generic[Q, A]):
    """One call, and what came of it."""

    def __init__(self, asked: Sequence[Q]) -> None:
        self.asked = asked
        self.answers: Sequence[A] = ()
        self.error: Exception | None = None
        self.done = False
        self.woken = Event()

    def fail(self, error: Exception) -> None:
        """End with an error."""
        self.error, self.done = error, True
