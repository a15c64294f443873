"""The batch job that writes titles: a writer per worker, briefs in, judged titles out.

What a worker gives is kept as it comes, some at a time. A run that was killed goes on where it
stood, as a title whose brief has not changed is not written again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ranking.title_store import TitleStore
from ranking.titles import NOTHING, REJECTED, WRITTEN, Brief, Title, Writer, judged
from ray_jobs.stage import Failure, Outcome, Stage, Work

KEPT_AT_ONCE = 64
"""Titles written in one transaction: what a killed run may have to write again."""

Runner = Callable[[Iterable[tuple[str, Brief]]], Iterator[Outcome]]
"""Runs the stage over briefs by name; see ``ray_jobs.local.run``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleReport:
    """What a run did, and what it cost."""

    written: int
    """Titles that are kept."""
    rejected: int
    """Those that said what the facts do not."""
    nothing: int
    """Briefs to which there was nothing to say."""
    failed: int
    """Briefs that were not done; the next run tries them again."""
    invented: tuple[tuple[str, int], ...]
    """What was invented most often, with how often."""
    read: int
    """Characters that the writer read."""
    wrote: int
    """Characters that it wrote."""
    seconds: float
    """Wall time."""


def title_stage(build: Callable[[], Writer], **settings: Any) -> Stage:
    """Make the stage.

    Args:
        build: picklable; makes the writer once per worker.
        settings: further fields of ``Stage``: workers, batch size, share of a GPU.
    """
    return Stage(name="write", build=partial(_build, build), failure_code="title", **settings)


def write_titles(
    store: TitleStore, writer: str, briefs: Iterable[Brief], run: Runner
) -> TitleReport:
    """Write titles and keep them.

    Args:
        store: where to.
        writer: name of the writer, which stands with each.
        briefs: what is to be written, each item and group once.
        run: runs the stage.

    Raises:
        SensoriumError: the writer cannot write at all; what it wrote before is kept.
    """
    started, waiting = time.monotonic(), dict[str, Brief]()
    counts, invented = Counter[str](), Counter[str]()
    done: list[tuple[Brief, Title]] = []
    try:
        for outcome in run(_named(briefs, waiting)):
            brief = waiting.pop(outcome.key)
            if isinstance(outcome.value, Failure):
                counts["failed"] += 1
                continue
            title: Title = outcome.value
            counts.update({title.outcome: 1, "read": title.read, "wrote": title.wrote})
            invented.update(title.invented)
            done.append((brief, title))
            if len(done) >= KEPT_AT_ONCE:
                store.write(writer, done)
                done = []
    finally:
        store.write(writer, done)
    return TitleReport(
        written=counts[WRITTEN],
        rejected=counts[REJECTED],
        nothing=counts[NOTHING],
        failed=counts["failed"],
        invented=tuple(invented.most_common(5)),
        read=counts["read"],
        wrote=counts["wrote"],
        seconds=time.monotonic() - started,
    )


def _named(briefs: Iterable[Brief], waiting: dict[str, Brief]) -> Iterator[tuple[str, Brief]]:
    for brief in briefs:
        name = f"{brief.audience.group_id} {brief.facts.item_id}"
        waiting[name] = brief
        yield name, brief


def _build(build: Callable[[], Writer]) -> Work:
    return partial(_write, build())


def _write(writer: Writer, briefs: Sequence[Brief]) -> list[Title]:
    drafts = writer.write(briefs)
    return [judged(brief, draft) for brief, draft in zip(briefs, drafts, strict=True)]
