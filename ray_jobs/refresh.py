"""Write profiles anew where enough has happened since, as a batch job of two stages.

- A text is written once per prompt: one that the store holds, for whomever, is taken from there,
  and the same prompt asked twice in a run is one task.
- What was encoded in another space is encoded again and not written again.
- A profile is kept only while its person still has events: whoever is erased during a run stays so.
- What a run cost is counted in calls, characters and seconds, which every service bills or shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.profile_store import Profile, ProfileStore
from ranking.profile_writers import prompt_hash
from ranking.profiles import (
    Choice,
    Horizon,
    ProfileSettings,
    Summariser,
    Telling,
    Written,
    is_due,
    tellings_of,
)
from ray_jobs.stage import Failure, Outcome, Stage, Work

Task = Telling | Written
"""What is to be written, or what has been written and is to be encoded."""
Runner = Callable[[Iterable[tuple[str, Task]]], Generator[Outcome, None, None]]
"""Runs the two stages over tasks, in this process or on a cluster."""
Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to unit vectors, (B, D)."""


class Recent(Protocol):
    """Says who is still there."""

    def __call__(self, user_id: str) -> bool:
        """Whether the person has events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshing:
    """What a run goes by."""

    store: ProfileStore
    """Where profiles are kept."""
    settings: ProfileSettings
    """When and from what they are written."""
    asked: str
    """Name of who writes."""
    space: str
    """Digest of what encodes."""
    is_known: Recent
    """Says who is still there."""


@dataclass(slots=True, kw_only=True)
class RefreshReport:
    """What a run did, and what that cost."""

    people: int = 0
    """People who liked anything."""
    due: int = 0
    """Profiles that were to be written anew."""
    kept: int = 0
    """Profiles kept in the end."""
    cached: int = 0
    """Of these, those whose text had been written before, or for another profile of this run."""
    encoded_again: int = 0
    """Profiles that were only encoded again."""
    calls: int = 0
    """Answers of a language model."""
    refused: int = 0
    """Of these, answers of a wrong length."""
    replaced: int = 0
    """Texts that the template wrote in the place of refused answers."""
    failed: int = 0
    """Texts that could not be written; what was there stays."""
    characters_read: int = 0
    """Of all prompts."""
    characters_written: int = 0
    """Of all answers."""
    writing_seconds: float = 0.0
    """Time of writing, of all workers together."""
    seconds: float = 0.0
    """Wall time."""
    failure: str = ""
    """What was wrong with the first text that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    user_id: str
    horizon: Horizon
    events: int


@dataclass(slots=True, kw_only=True)
class _Run:
    """One run's bookkeeping."""

    how: Refreshing
    report: RefreshReport = field(default_factory=RefreshReport)
    waiting: dict[str, list[_Wish]] = field(default_factory=dict)
    """Whose profiles wait for a text, by prompt hash."""

    def tasks(self, people: Iterable[tuple[str, Sequence[Choice]]]) -> Iterator[tuple[str, Task]]:
        """Yield what is to be written or encoded; what the store has is kept at once."""
        for user_id, choices in people:
            self.report.people += bool(choices)
            known = self.how.store.of(user_id)
            for horizon, telling in tellings_of(choices, self.how.settings).items():
                wish = _Wish(user_id=user_id, horizon=horizon, events=len(choices))
                if (now := known.get(horizon)) is not None and self._holds(now, wish):
                    if now.space != self.how.space:
                        self.report.encoded_again += 1
                        yield from self._wait(now.prompt_hash, wish, _again(now))
                    continue
                self.report.due += 1
                yield from self._wish(wish, telling)

    def settle(self, outcome: Outcome) -> None:
        """Keep what came out for everybody who waits for it."""
        wishes = self.waiting.pop(outcome.key)
        if isinstance(outcome.value, Failure):
            self.report.failed += len(wishes)
            self.report.failure = self.report.failure or outcome.value.message
            return
        written, vector = outcome.value
        self._count(written)
        self.report.cached += len(wishes) - 1
        self._keep(wishes, written, vector, outcome.key)

    def _holds(self, now: Profile, wish: _Wish) -> bool:
        due = is_due(wish.horizon, now.events, wish.events, self.how.settings)
        return now.asked == self.how.asked and not due

    def _wish(self, wish: _Wish, telling: Telling) -> Iterator[tuple[str, Task]]:
        key = prompt_hash(self.how.asked, telling)
        found = None if key in self.waiting else self.how.store.written(key)
        if found is None:
            yield from self._wait(key, wish, telling)
        elif found.space != self.how.space:
            self.report.cached += 1
            yield from self._wait(key, wish, _again(found))
        else:
            self.report.cached += 1
            self._keep([wish], _again(found), found.vector, key)

    def _wait(self, key: str, wish: _Wish, task: Task) -> Iterator[tuple[str, Task]]:
        first = key not in self.waiting
        self.waiting.setdefault(key, []).append(wish)
        if first:
            yield key, task

    def _count(self, written: Written) -> None:
        report = self.report
        report.calls += written.calls
        report.refused += written.refused
        report.replaced += bool(written.calls) and written.writer != self.how.asked
        report.characters_read += written.characters_read
        report.characters_written += written.characters_written
        report.writing_seconds += written.seconds

    def _keep(
        self, wishes: Sequence[_Wish], written: Written, vector: NDArray[np.float32], key: str
    ) -> None:
        profiles = [
            Profile(
                user_id=wish.user_id,
                horizon=wish.horizon,
                text=written.text,
                writer=written.writer,
                asked=self.how.asked,
                prompt_hash=key,
                events=wish.events,
                written_us=time.time_ns() // 1_000,
                space=self.how.space,
                vector=vector,
            )
            for wish in wishes
            if self.how.is_known(wish.user_id)
        ]
        self.how.store.keep(profiles)
        self.report.kept += len(profiles)


def refresh_profiles(
    people: Iterable[tuple[str, Sequence[Choice]]], how: Refreshing, runner: Runner
) -> RefreshReport:
    """Write what is due.

    Args:
        people: everybody with what they liked, earliest first.
        how: what the run goes by.
        runner: writes and encodes; yields one outcome per task, in any order.

    Returns:
        What was done and what it cost.
    """
    started = time.monotonic()
    run = _Run(how=how)
    for outcome in runner(run.tasks(people)):
        run.settle(outcome)
    run.report.seconds = time.monotonic() - started
    return run.report


def write_stage(build: Callable[[], Summariser], workers: int, batch_size: int) -> Stage:
    """The stage that writes; ``build`` is picklable and gives who writes."""
    return Stage(
        name="write",
        build=_Writing(build),
        workers=workers,
        batch_size=batch_size,
        failure_code="profile_failed",
    )


def vector_stage(build: Callable[[], Encode]) -> Stage:
    """The stage that encodes what was written; ``build`` is picklable and gives the encoder."""
    return Stage(
        name="encode", build=_Encoding(build), batch_size=32, failure_code="profile_failed"
    )


@dataclass(frozen=True, slots=True)
class _Writing:
    build: Callable[[], Summariser]

    def __call__(self) -> Work:
        summariser = self.build()

        def work(tasks: Sequence[Any]) -> list[Written]:
            tellings = [task for task in tasks if isinstance(task, Telling)]
            texts = iter(summariser.write(tellings) if tellings else [])
            return [next(texts) if isinstance(task, Telling) else task for task in tasks]

        return work


@dataclass(frozen=True, slots=True)
class _Encoding:
    build: Callable[[], Encode]

    def __call__(self) -> Work:
        encode = self.build()

        def work(tasks: Sequence[Written]) -> list[tuple[Written, NDArray[np.float32]]]:
            return list(zip(tasks, encode([task.text for task in tasks]), strict=True))

        return work


def _again(profile: Profile) -> Written:
    """A profile's text, at no further cost."""
    return Written(text=profile.text, writer=profile.writer)
