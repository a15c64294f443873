"""What sources need to have learnt from the log, kept in the workspace and brought up to date.

Two things are kept: a table of neighbours, fitted anew when the log has grown by a share, and a
tally of every item, which reads on from where it stopped. Both are dropped where the rules that
say what is positive have changed, and where events that they were made of have been erased: what
is made anew knows nothing of them.

Files are written under a name of their own and then remembered in the workspace's database, so that
whoever dies in between leaves what was there. Where another process writes the workspace, or
nobody can, what was made is used and not kept. An erasure while something is being made is noticed
the next time: events are counted before, and again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from sqlalchemy import func, select

from ingest.database import WorkspaceError
from ingest.event_log import EventLog, events_table
from ingest.event_rules import EventRules
from ingest.histories import logged_histories
from ray_jobs.recipe import digest_of
from retrieval.fitted import FittedError
from retrieval.neighbours import ItemNeighbours, NeighbourConfig
from retrieval.source_neighbours import NeighbourTable
from retrieval.tally import Tally
from sensorium.source_settings import SourceSettings
from sensorium.workspace import SOURCES, Workspace

NEIGHBOURS, TALLY = "neighbours", "tally"
"""Names of what is kept."""
Show = Callable[[float, str], None]
"""Takes the share that is done, 0 to 1, and what is being done."""
KEEP_EVERY = 1_000
"""New events from which a tally is written again."""


def hidden(_share: float, _words: str) -> None:
    """Shows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What was kept, and what it was made of."""

    file: str
    """Name of the file."""
    sequence: int
    """Number of the last event."""
    events: int
    """Events up to that one when it was made of them."""
    made_by: str
    """Digest of rules and settings."""
    made_at: str = ""
    """When, ISO 8601, UTC."""


class FittedSources:
    """What was learnt from the log of a workspace.

    Args:
        workspace: the library's folder.
        rules: what events say.
        settings: of the sources.
        config: how items become neighbours.
    """

    def __init__(
        self,
        workspace: Workspace,
        rules: EventRules,
        settings: SourceSettings,
        config: NeighbourConfig | None = None,
    ) -> None:
        self.workspace, self.rules, self.settings = workspace, rules, settings
        self.config = config or NeighbourConfig()

    def neighbours(self, fit: bool = True, show: Show = hidden) -> NeighbourTable | None:
        """Give the table of neighbours.

        Args:
            show: told in words when something long begins.
            fit: fit it anew where the log has grown enough, which takes seconds for a million
                events; otherwise what is kept is given, however old.

        Returns:
            The table; None where nobody has liked anything, or nothing is kept.
        """
        made_by = digest_of([self.rules.weights, self.rules.positives, asdict(self.config)])
        kept = self._kept(NEIGHBOURS, made_by)
        log = self.workspace.event_log
        if kept is not None and not (fit and self._has_grown(kept)):
            with suppress(FittedError):
                return NeighbourTable.load(self._folder / kept.file)
        if not fit:
            return None
        show(0.0, "learning what goes with what")
        sequence = _last(log)
        events = _count(log, sequence)
        histories = logged_histories(log, self.rules)
        if not histories.num_items:
            return None
        table = NeighbourTable.of(ItemNeighbours.fit(histories, self.config))
        self._keep(NEIGHBOURS, table.save, sequence, events, made_by)
        return table

    def tally(self, asked_us: int, show: Show = hidden) -> Tally:
        """Give the counts of all events that are in the log.

        Args:
            asked_us: microseconds since 1970 now.
            show: told how far it is.
        """
        half_life = timedelta(days=self.settings.popular_days)
        made_by = digest_of([self.rules.weights, self.rules.positives, str(half_life)])
        tally, events, kept = Tally(half_life), 0, self._kept(TALLY, made_by)
        if kept is not None:
            with suppress(FittedError):
                tally, events = Tally.load(self._folder / kept.file), kept.events
        new = self.catch_up(tally, asked_us, show)
        if new >= KEEP_EVERY:
            self._keep(TALLY, tally.save, tally.sequence, events + new, made_by)
        return tally

    def catch_up(self, tally: Tally, asked_us: int, show: Show = hidden) -> int:
        """Let a tally read what was appended since, a millisecond where that is nothing.

        Args:
            tally: from ``tally``.
            asked_us: microseconds since 1970 now.
            show: told how far it is.

        Returns:
            How many events that was.
        """
        new, first, last = 0, tally.sequence, 0
        while page := self.workspace.event_log.since(tally.sequence):
            tally.read(page, self.rules, asked_us)
            new += len(page)
            # Asked for once, and only where there is something to read.
            last = last or _last(self.workspace.event_log)
            show((tally.sequence - first) / max(last - first, 1), f"counting events: {new:,}")
        return new

    @property
    def _folder(self) -> Path:
        return self.workspace.path / SOURCES

    def _kept(self, name: str, made_by: str) -> _Kept | None:
        """What is kept under a name; None where it was made otherwise, or of what is no more."""
        known: dict[str, Any] | None = self.workspace.manifest.recall(_state_name(name))
        kept = _Kept(**known) if known else None
        if kept is None or kept.made_by != made_by:
            return None
        now = _count(self.workspace.event_log, kept.sequence)
        return kept if now == kept.events else None

    def _has_grown(self, kept: _Kept) -> bool:
        new = _count(self.workspace.event_log) - kept.events
        return new > self.settings.refit_share * kept.events

    def _keep(
        self, name: str, save: Callable[[Path], None], sequence: int, events: int, made_by: str
    ) -> None:
        # Its own name, so that two who made the same do not write into one file.
        file = f"{name}-{token_hex(4)}.safetensors"
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        kept = _Kept(file=file, sequence=sequence, events=events, made_by=made_by, made_at=made_at)
        with suppress(WorkspaceError, OSError), self.workspace.exclusive():
            self._folder.mkdir(exist_ok=True)
            save(self._folder / kept.file)
            self.workspace.manifest.remember(_state_name(name), asdict(kept))
            for stale in self._folder.glob(f"{name}-*"):
                if stale.name != kept.file:
                    stale.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFit:
    """What was kept under a name, whether or not it would still be used."""

    path: Path
    """Of the file."""
    events: int
    """Events that it was made of."""
    made_at: str
    """When, ISO 8601, UTC; empty where that was not written down."""


def kept_fits(workspace: Workspace) -> dict[str, KeptFit]:
    """Give what a workspace keeps of its log, by name."""
    known = {name: workspace.manifest.recall(_state_name(name)) for name in (NEIGHBOURS, TALLY)}
    read = {name: _Kept(**kept) for name, kept in known.items() if kept}
    return {
        name: KeptFit(
            path=workspace.path / SOURCES / kept.file, events=kept.events, made_at=kept.made_at
        )
        for name, kept in read.items()
    }


def _state_name(name: str) -> str:
    return f"fitted_{name}"


def _last(log: EventLog) -> int:
    """Number of the last event; 0 for an empty log."""
    with log.engine.connect() as connection:
        return int(connection.scalar(select(func.max(events_table.c.sequence))) or 0)


def _count(log: EventLog, until: int | None = None) -> int:
    """Count the events of a log, up to one of them or all."""
    query = select(func.count()).select_from(events_table)
    if until is not None:
        query = query.where(events_table.c.sequence <= until)
    with log.engine.connect() as connection:
        return int(connection.scalar(query) or 0)
