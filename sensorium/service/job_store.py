"""Jobs in the workspace's database: what was asked for, how far it is, and how it ended.

One process at a time starts jobs (``job_runner``); any may add one, cancel one, or look. A row
moves from queued to running to done, failed or cancelled. A job whose process was ended from
outside may be queued once more; how often that happened is kept.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

METADATA = MetaData()

jobs_table = Table(
    "jobs",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("job_id", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("request", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("started_at", String),
    Column("finished_at", String),
    Column("share", Float),
    Column("words", Text, nullable=False),
    Column("result", Text),
    Column("error", Text),
    Column("interruptions", Integer, nullable=False),
    Column("cancelling", Boolean, nullable=False),
    Index("jobs_by_state", "state", "number"),
)

KEPT = 1_000
"""Jobs that are remembered; older ones that have ended are forgotten."""

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work."""

    number: int
    """Counts jobs in the order in which they were asked for."""
    job_id: str
    """Names it."""
    kind: str
    """index, cluster, retry or train."""
    request: Mapping[str, Any]
    """What was asked for."""
    state: State
    """Where it stands."""
    created_at: datetime
    """When it was asked for, UTC."""
    started_at: datetime | None
    """When it was started last; None while it never was."""
    finished_at: datetime | None
    """When it ended; None before."""
    share: float | None
    """How much is done, in [0, 1]; None where unknown."""
    words: str
    """What is being done; may be empty."""
    result: Mapping[str, Any] | None
    """What came of it; None unless done."""
    error: Mapping[str, str] | None
    """``code``, ``detail`` and ``hint``; None unless failed."""
    interruptions: int
    """How often its process was ended from outside."""
    cancelling: bool
    """Whether it was asked to stop."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ENDED


class JobStore:
    """The jobs of one workspace.

    Args:
        engine: from ``ingest.database.open_database``.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)

    def add(self, kind: str, request: Mapping[str, Any], shared: bool = False) -> Job:
        """Queue a job.

        Args:
            kind: what to do.
            request: with what, as JSON.
            shared: take a job for the same that still waits, where there is one.
        """
        told, table = json.dumps(dict(request), sort_keys=True), jobs_table
        same = [table.c.kind == kind, table.c.request == told, table.c.state == "queued"]
        with self.engine.begin() as connection:
            waiting = connection.scalar(select(table.c.job_id).where(*same)) if shared else None
            job_id = waiting or secrets.token_hex(8)
            if waiting is None:
                row = {
                    "job_id": job_id,
                    "kind": kind,
                    "request": told,
                    "state": "queued",
                    "created_at": _now(),
                    "words": "",
                    "interruptions": 0,
                    "cancelling": False,
                }
                connection.execute(insert(table).values(row))
        found = self.job(job_id)
        assert found is not None, "it was just written"
        return found

    def job(self, job_id: str) -> Job | None:
        """Give a job; None where there is none of this id."""
        found = self._jobs(jobs_table.c.job_id == job_id, 1)
        return found[0] if found else None

    def page(self, limit: int, before: int | None = None) -> list[Job]:
        """Give the latest jobs, or those before a number, latest first."""
        table = jobs_table
        return self._jobs(
            table.c.number < before if before is not None else table.c.number > 0, limit
        )

    def counts(self) -> dict[str, int]:
        """Count the jobs that are remembered by state; states without any are 0."""
        query = select(jobs_table.c.state, func.count().label("jobs")).group_by(jobs_table.c.state)
        with self.engine.connect() as connection:
            found = {str(row.state): int(row.jobs) for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in get_args(State)}

    def running(self) -> list[Job]:
        """Give jobs that have been started and have not ended."""
        return self._jobs(jobs_table.c.state == "running", KEPT)

    def start_next(self) -> Job | None:
        """Mark the job that has waited longest as running; None where none waits."""
        table = jobs_table
        query = select(table.c.job_id).where(table.c.state == "queued")
        with self.engine.connect() as connection:
            job_id = connection.scalar(query.order_by(table.c.number).limit(1))
        if job_id is None:
            return None
        values = {"state": "running", "started_at": _now(), "share": None, "words": "starting"}
        # Somebody may have cancelled it since.
        return self.job(job_id) if self._move(job_id, ("queued",), values) else None

    def tell(self, job_id: str, share: float | None, words: str) -> None:
        """Keep how far a running job is."""
        self._move(job_id, ("running",), {"share": share, "words": words})

    def cancel(self, job_id: str) -> None:
        """Cancel a job that waits, and ask one that runs to stop; others stay as they are."""
        values = {"state": "cancelled", "finished_at": _now()}
        if not self._move(job_id, ("queued",), values):
            self._move(job_id, ("running",), {"cancelling": True, "words": "stopping"})

    def requeue(self, job_id: str, words: str, interrupted: bool) -> None:
        """Let a running job wait again.

        Args:
            job_id: the job.
            words: why.
            interrupted: whether its process was ended by what nobody asked for.
        """
        count = jobs_table.c.interruptions + int(interrupted)
        values = {"state": "queued", "share": None, "words": words, "interruptions": count}
        self._move(job_id, ("running",), values)

    def finish(self, job_id: str, result: Mapping[str, Any]) -> None:
        """Mark a running job as done."""
        values = {"state": "done", "share": 1.0, "words": "", "result": json.dumps(dict(result))}
        self._end(job_id, values)

    def fail(self, job_id: str, error: Mapping[str, str]) -> None:
        """Mark a running job as failed."""
        self._end(job_id, {"state": "failed", "words": "", "error": json.dumps(dict(error))})

    def stopped(self, job_id: str) -> None:
        """Mark a running job as cancelled."""
        self._end(job_id, {"state": "cancelled", "words": ""})

    def _end(self, job_id: str, values: Mapping[str, Any]) -> None:
        self._move(job_id, ("running",), {**values, "finished_at": _now()})
        table = jobs_table
        oldest = select(table.c.number).order_by(table.c.number.desc()).offset(KEPT).limit(1)
        with self.engine.begin() as connection:
            last = connection.scalar(oldest)
            if last is not None:
                old = table.c.number <= last, table.c.state.in_(ENDED)
                connection.execute(delete(table).where(*old))

    def _move(self, job_id: str, states: tuple[State, ...], values: Mapping[str, Any]) -> bool:
        """Change a job that is in one of these states; give whether it was."""
        table = jobs_table
        statement = update(table).where(table.c.job_id == job_id, table.c.state.in_(states))
        with self.engine.begin() as connection:
            return connection.execute(statement.values(**values)).rowcount > 0

    def _jobs(self, condition: ColumnElement[bool], limit: int) -> list[Job]:
        table = jobs_table
        query = select(table).where(condition).order_by(table.c.number.desc()).limit(limit)
        with self.engine.connect() as connection:
            return [_job(row) for row in connection.execute(query)]


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _job(row: Any) -> Job:
    return Job(
        number=row.number,
        job_id=row.job_id,
        kind=row.kind,
        request=json.loads(row.request),
        state=row.state,
        created_at=datetime.fromisoformat(row.created_at),
        started_at=datetime.fromisoformat(row.started_at) if row.started_at else None,
        finished_at=datetime.fromisoformat(row.finished_at) if row.finished_at else None,
        share=row.share,
        words=row.words,
        result=json.loads(row.result) if row.result else None,
        error=json.loads(row.error) if row.error else None,
        interruptions=row.interruptions,
        cancelling=row.cancelling,
    )
