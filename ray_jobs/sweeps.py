"""Choose settings by successive halving: all a little, the better third more, the best to the end.

After Jamieson and Talwalkar 2016 (arXiv 1502.07943), with keep-a-third. Trials of a rung run side
by side as tasks of a Ray cluster, or one after the other in this process; which settings win does
not depend on where. A trial starts anew in each rung: its first rounds cost little beside its last.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ray_jobs.cluster import connected, room
from ray_jobs.stage import RunOptions, StageError

KEPT = 3
"""One of so many goes on to the next rung."""
Settings = Mapping[str, Any]
Trial = Callable[[Settings, int], float]
"""Learns with settings for so many rounds at most, and gives a figure on validation; more is
better. For Ray it must be picklable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One trial."""

    settings: Settings
    """What was tried."""
    epochs: int
    """Most rounds that it had."""
    reached: float
    """The figure."""


Runs = Callable[[Sequence[tuple[Settings, int]]], Iterator[Tried]]
"""Runs trials and gives what they reached, in any order."""
Show = Callable[[float, Tried], None]
"""Takes the share of the trials that is done, and the last of them."""


def halving(
    candidates: Sequence[Settings],
    epochs: int,
    runs: Runs,
    show: Show = lambda _share, _tried: None,
) -> list[Tried]:
    """Find the best settings.

    Args:
        candidates: settings to choose among, one or more.
        epochs: most rounds of a trial that is run to the end.
        runs: runs trials.
        show: told of every trial.

    Returns:
        All trials, the last rung first and within a rung the best first; the first one wins.
    """
    if not candidates:
        raise ValueError("there is nothing to choose among")
    rungs = list(_rungs(len(candidates), epochs))
    total = sum(number for number, _ in rungs)
    found: list[Tried] = []
    left = list(candidates)
    for number, budget in rungs:
        tried: list[Tried] = []
        for one in runs([(settings, budget) for settings in left[:number]]):
            tried.append(one)
            show((len(found) + len(tried)) / total, one)
        order = {id(settings): place for place, settings in enumerate(candidates)}
        tried.sort(key=lambda one: (-one.reached, order[id(one.settings)]))
        left = [one.settings for one in tried]
        found = tried + found
    return found


def _rungs(candidates: int, epochs: int) -> Iterator[tuple[int, int]]:
    """How many candidates each rung has, and how many rounds they get."""
    numbers = [candidates]
    while numbers[-1] > KEPT:
        numbers.append(-(-numbers[-1] // KEPT))
    for rung, number in enumerate(numbers):
        yield number, max(1, -(-epochs // KEPT ** (len(numbers) - 1 - rung)))


def here(trial: Trial) -> Runs:
    """Run trials in this process, one after the other."""

    def runs(asked: Sequence[tuple[Settings, int]]) -> Iterator[Tried]:
        for settings, epochs in asked:
            reached = trial(settings, epochs)
            yield Tried(settings=settings, epochs=epochs, reached=reached)

    return runs


def on_ray(trial: Trial, num_gpus: float = 0.0) -> Runs:
    """Run trials as tasks of the cluster that this process is connected to.

    Args:
        trial: picklable; what it holds is sent once.
        num_gpus: share of a GPU that each takes.
    """
    import ray

    kept = ray.put(pickle.dumps((sys.path, pickle.dumps(trial))))
    task = ray.remote(_attempt).options(num_cpus=1, num_gpus=num_gpus, max_retries=1)

    def runs(asked: Sequence[tuple[Settings, int]]) -> Iterator[Tried]:
        waiting = {task.remote(kept, *one): one for one in asked}
        while waiting:
            [done], _ = ray.wait(list(waiting), num_returns=1)
            settings, epochs = waiting.pop(done)
            try:
                reached = ray.get(done)
            except ray.exceptions.RayError as error:
                words = ", ".join(f"{name}={value}" for name, value in settings.items())
                raise StageError(f"the trial of {words} failed: {error}", "leave it out") from error
            yield Tried(settings=settings, epochs=epochs, reached=reached)

    return runs


def sweep(
    trial: Trial,
    candidates: Sequence[Settings],
    epochs: int,
    options: RunOptions | None,
    show: Show = lambda _share, _tried: None,
) -> list[Tried]:
    """Find the best settings; see ``halving``.

    Args:
        trial: learns with some settings.
        candidates: to choose among.
        epochs: most rounds.
        options: where Ray is; None to stay in this process.
        show: told of every trial.

    Raises:
        StageError: the cluster cannot be reached, or a trial failed there.
    """
    if options is None:
        return halving(candidates, epochs, here(trial), show)
    processes = min(len(candidates), os.cpu_count() or 1)
    with connected([room(processes)], options):
        return halving(candidates, epochs, on_ray(trial), show)


def _attempt(packed: bytes, settings: Settings, epochs: int) -> float:
    """Run on the cluster, with the import path that the trial needs."""
    import torch

    torch.set_num_threads(1)
    path, inner = pickle.loads(packed)  # noqa: S301 - packed by our own driver
    sys.path += [entry for entry in path if entry not in sys.path]
    trial: Trial = pickle.loads(inner)  # noqa: S301
    return trial(settings, epochs)
