"""Progress of long work.

A live table on a terminal, one plain line every ten seconds elsewhere. A ``TellingConsole`` tells
it to a program instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from ray_jobs.stage import StageProgress

PLAIN_SECONDS = 10.0

Report = Callable[[Sequence[StageProgress]], None]


class TellingConsole(Console):
    """Tells progress to a function, and writes everything else to stderr.

    Args:
        tell: takes the share that is done, None where unknown, and what is being done.
    """

    def __init__(self, tell: Callable[[float | None, str], None]) -> None:
        super().__init__(stderr=True)
        self.tell = tell


@contextmanager
def stage_progress(console: Console, total: int, quiet: bool = False) -> Iterator[Report]:
    """Show the stages of a run.

    Args:
        console: writes to stderr, so that stdout stays for results.
        total: contents to do, for the estimate; 0 where unknown.
        quiet: show nothing.

    Yields:
        A function that takes the stages' counters whenever they change.
    """
    clock = _Clock(total)
    if quiet:
        yield clock.update
    elif isinstance(console, TellingConsole):
        yield lambda stages: console.tell(*clock.told(stages))
        console.tell(1.0, "finishing")
    elif console.is_terminal:
        with Live(clock.table(), console=console, refresh_per_second=4, transient=True) as live:

            def show(stages: Sequence[StageProgress]) -> None:
                clock.update(stages)
                live.update(clock.table())

            yield show
    else:
        yield _Lines(console, clock).update


class _Clock:
    """Counters of a run with rates and the time that is left."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.started = time.monotonic()
        self.stages: Sequence[StageProgress] = ()

    def update(self, stages: Sequence[StageProgress]) -> None:
        self.stages = stages

    def rate(self, stage: StageProgress) -> float:
        """Tasks per second since the start."""
        return (stage.done + stage.failed) / max(time.monotonic() - self.started, 1e-9)

    def eta_seconds(self) -> float | None:
        """Time that is left at the last stage's rate; None before it is known."""
        if not self.stages or not self.total:
            return None
        lost = sum(stage.failed for stage in self.stages[:-1])
        last = self.stages[-1]
        rate = self.rate(last)
        left = self.total - lost - last.done - last.failed
        return max(left, 0) / rate if rate > 0 else None

    def told(self, stages: Sequence[StageProgress]) -> tuple[float | None, str]:
        """Take new counters; give the share that is done and the rest in words."""
        self.update(stages)
        ended = stages[-1].done + sum(stage.failed for stage in stages)
        words = f"{ended:,} of {self.total:,} files" if self.total else f"{ended:,} files"
        failed = ended - stages[-1].done
        if failed:
            words += f", {failed:,} of them unreadable"
        eta = self.eta_seconds()
        if eta is not None:
            words += f"; {format_seconds(eta)} left"
        return min(ended / self.total, 1.0) if self.total else None, words

    def table(self) -> Table:
        eta = self.eta_seconds()
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("stage", "done", "failed", "queue", "running", "workers", "rate", "left"):
            table.add_column(name, justify="left" if name == "stage" else "right")
        for stage in self.stages:
            restarts = f" (+{stage.restarts})" if stage.restarts else ""
            failed = f"[red]{stage.failed}[/red]" if stage.failed else "0"
            table.add_row(
                stage.name,
                f"{stage.done}/{self.total}" if self.total else str(stage.done),
                failed,
                str(stage.queued),
                str(stage.running),
                f"{stage.workers}{restarts}",
                f"{self.rate(stage):.1f}/s",
                format_seconds(eta) if stage is self.stages[-1] and eta is not None else "",
            )
        return table


class _Lines:
    """Plain lines for logs: at most one every ten seconds."""

    def __init__(self, console: Console, clock: _Clock) -> None:
        self._console = console
        self._clock = clock
        self._printed = time.monotonic()

    def update(self, stages: Sequence[StageProgress]) -> None:
        self._clock.update(stages)
        if time.monotonic() - self._printed < PLAIN_SECONDS:
            return
        self._printed = time.monotonic()
        eta = self._clock.eta_seconds()
        parts = [
            f"{s.name} {s.done} done, {s.failed} failed, {s.queued} queued, "
            f"{self._clock.rate(s):.1f}/s"
            for s in stages
        ]
        left = f"; {format_seconds(eta)} left" if eta is not None else ""
        self._console.print("; ".join(parts) + left, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def bar_progress(console: Console, quiet: bool) -> Iterator[Callable[[float, str], None]]:
    """Show one piece of work: a bar on a terminal, a line every ten seconds elsewhere.

    Args:
        console: writes to stderr.
        quiet: show nothing.

    Yields:
        A function that takes the share done, 0 to 1, and what to say beside it.
    """
    if quiet:
        yield lambda _share, _words: None
    elif isinstance(console, TellingConsole):
        yield console.tell
    elif console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=1.0)
            yield lambda share, words: progress.update(task, completed=share, description=words)
    else:
        yield _share_lines(console)


def _share_lines(console: Console) -> Callable[[float, str], None]:
    printed = time.monotonic()

    def show(share: float, words: str) -> None:
        nonlocal printed
        if time.monotonic() - printed >= PLAIN_SECONDS:
            printed = time.monotonic()
            console.print(f"{share:.0%}, {words}", markup=False, highlight=False)

    return show


@contextmanager
def download_progress(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Show downloads by name.

    Args:
        console: writes to stderr.

    Yields:
        A function that takes a name, bytes done and bytes in all (0 where unknown).
    """
    if isinstance(console, TellingConsole):
        yield lambda name, done, total: console.tell(
            done / total if total else None, f"fetching {name}"
        )
        return
    if not console.is_terminal:
        yield _DownloadLines(console).update
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, int] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total or None)
            progress.update(tasks[name], completed=done, total=total or None)  # type: ignore[arg-type]

        yield show


class _DownloadLines:
    """One plain line when a download starts and one when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started: set[str] = set()
        self._ended: set[str] = set()

    def update(self, name: str, done: int, total: int) -> None:
        if name not in self._started:
            self._started.add(name)
            self._console.print(f"fetching {name}", markup=False, highlight=False)
        if total and done >= total and name not in self._ended:
            self._ended.add(name)
            size = f"{total / 1e6:.1f} MB"
            self._console.print(f"fetched {name} ({size})", markup=False, highlight=False)


def format_seconds(seconds: float) -> str:
    """Write a span as 42s, 3m 05s or 2h 10m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
