"""Long work: ``/v1/jobs``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from starlette.concurrency import run_in_threadpool

from ranking.candidates import candidates_for
from ranking.language_model import language_model
from ranking.view_store import ViewStore
from ranking.views import ViewError, view_name
from retrieval.filters import parse
from sensorium.albums import WORDS_ASKED
from sensorium.service.access import ADMIN, READ
from sensorium.service.confinement import confined, roots_of
from sensorium.service.cursors import Cursor, PageHere
from sensorium.service.hosting import HostHere
from sensorium.service.job_runner import JobRunner
from sensorium.service.job_store import Job, JobStore
from sensorium.service.problems import NotFoundError, ServiceError
from sensorium.service.serving import Host

router = APIRouter(prefix="/v1", tags=["jobs"])

CURSOR = Cursor("jobs", int)
LOOK_SECONDS = 0.5
"""Between two looks at a job that somebody watches."""
Line = Annotated[str, Field(max_length=200)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class IndexIn(_In):
    """Bring the index up to date with a source."""

    kind: Literal["index"]
    source: str = Field(
        min_length=1,
        max_length=4_096,
        pattern=r"^[^\x00]+$",
        description="Folder, manifest, file or URI; below `service.roots`, uploads, or a source "
        "that was indexed before.",
    )
    prune: StrictBool = Field(
        False, description="Remove items of this source whose files are gone."
    )
    reembed: StrictBool = Field(
        False, description="Build a new generation where models have changed."
    )


class ClusterIn(_In):
    """Group the library by an aspect, and keep that as a view."""

    kind: Literal["cluster"]
    by: str = Field(min_length=1, max_length=200, description="The aspect, such as colour.")
    words: list[Line] = Field(
        default_factory=list, max_length=200, description="Your own words; empty for known ones."
    )
    k: int | None = Field(None, ge=2, le=1_000, description="How many clusters; null: what fits.")
    name: str = Field("", max_length=80, description="Of the view; empty: from the aspect.")
    filter: str | None = Field(None, max_length=4_000, description="Items must pass it.")
    replace: StrictBool = Field(False, description="Take the place of a view of this name.")


class RetryIn(_In):
    """Try quarantined contents again."""

    kind: Literal["retry"]
    code: str | None = Field(None, max_length=100, description="Only those with this code.")


class TrainIn(_In):
    """Learn from the library."""

    kind: Literal["train"]
    model: Literal["ranker", "interests", "fusion"]


JobIn = Annotated[
    IndexIn | ClusterIn | RetryIn | TrainIn, Body(discriminator="kind", description="What to do.")
]


class ProgressOut(BaseModel):
    """How far a job is."""

    share: float | None = Field(description="In [0, 1]; null where unknown.")
    words: str


class ErrorOut(BaseModel):
    """Why a job failed."""

    code: str = Field(description="Stable name of the cause.")
    detail: str
    hint: str


class JobOut(BaseModel):
    """A job."""

    job_id: str
    kind: str = Field(description="index, cluster, retry or train.")
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: ProgressOut
    result: dict[str, Any] | None = Field(description="What came of it; null unless done.")
    error: ErrorOut | None = Field(description="Null unless failed.")
    request: dict[str, Any] = Field(description="What was asked for.")


class JobsOut(BaseModel):
    """Jobs, latest first."""

    jobs: list[JobOut]
    next_cursor: str | None


class Jobs:
    """The jobs of a library, with what runs them.

    Args:
        host: the library.
    """

    def __init__(self, host: Host) -> None:
        self.store = JobStore(host.library.workspace.engine)
        self.runner = JobRunner(host, self.store)

    def add(self, kind: str, request: dict[str, Any], shared: bool = False) -> Job:
        """Queue a job; see ``JobStore.add``."""
        job = self.store.add(kind, request, shared)
        self.runner.wake()
        return job


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


JobsHere = Annotated[Jobs, Depends(_jobs)]
"""The jobs of the library."""


def _job(jobs: JobsHere, job_id: str) -> Job:
    job = jobs.store.job(job_id)
    if job is None:
        raise NotFoundError("job", job_id)
    return job


JobHere = Annotated[Job, Depends(_job)]
"""The job that the path names."""


@router.post("/jobs", status_code=202, dependencies=[ADMIN])
def add_job(host: HostHere, jobs: JobsHere, asked: JobIn, response: Response) -> JobOut:
    """Queue a job; one at a time runs, in a process of its own."""
    request = asked.model_dump(exclude={"kind"})
    if isinstance(asked, IndexIn):
        request["source"] = confined(asked.source, _roots(host))
    elif isinstance(asked, ClusterIn):
        _check(host, asked)
    job = jobs.add(asked.kind, request)
    response.headers["location"] = f"/v1/jobs/{job.job_id}"
    return job_of(job)


@router.get("/jobs", dependencies=[READ])
def list_jobs(jobs: JobsHere, page: PageHere) -> JobsOut:
    """List jobs, latest first; the last thousand are remembered."""
    (before,) = CURSOR.read(page.cursor) or (None,)
    rows, last = page.cut(jobs.store.page(page.n + 1, before))
    return JobsOut(
        jobs=[job_of(job) for job in rows], next_cursor=last and CURSOR.write(last.number)
    )


@router.get("/jobs/{job_id}", dependencies=[READ])
def get_job(job: JobHere) -> JobOut:
    """Show a job."""
    return job_of(job)


@router.post("/jobs/{job_id}/cancel", status_code=202, dependencies=[ADMIN])
def cancel_job(jobs: JobsHere, job: JobHere) -> JobOut:
    """Cancel a job; one that runs stops within seconds and keeps what it has done so far."""
    jobs.store.cancel(job.job_id)
    return job_of(_job(jobs, job.job_id))


@router.get("/jobs/{job_id}/events", dependencies=[READ], response_class=EventSourceResponse)
async def watch_job(jobs: JobsHere, job: JobHere) -> AsyncIterator[ServerSentEvent]:
    """Follow a job: an event `progress` whenever something changes, at last an event `end`."""
    told: JobOut | None = None
    now: Job | None = job
    while now is not None:
        current = job_of(now)
        if now.has_ended:
            yield ServerSentEvent(event="end", data=current)
            return
        if current != told:
            yield ServerSentEvent(event="progress", data=current)
            told = current
        await asyncio.sleep(LOOK_SECONDS)
        now = await run_in_threadpool(jobs.store.job, job.job_id)


def job_of(job: Job) -> JobOut:
    """Tell a job."""
    return JobOut(
        job_id=job.job_id,
        kind=job.kind,
        state=job.state,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        progress=ProgressOut(share=job.share, words=job.words),
        result=None if job.result is None else dict(job.result),
        error=None if job.error is None else ErrorOut(**job.error),
        request=dict(job.request),
    )


def _roots(host: Host) -> list[str]:
    return roots_of(host.library.workspace, host.config.service.roots)


def _check(host: Host, asked: ClusterIn) -> None:
    """Refuse at once what a job could not group by.

    Raises:
        AspectError: there are no words for the aspect.
        FilterError: the filter is wrong.
        ServiceError: there is a view of this name.
    """
    if asked.words or language_model(host.config.language_model) is None:
        candidates_for(asked.by, asked.words, WORDS_ASKED, None)
    if asked.filter is not None:
        parse(asked.filter)
    try:
        name = view_name(asked.name, asked.by)
    except ViewError as error:
        raise ServiceError(422, error.code, error.sentence, error.hint) from None
    if not asked.replace and name in ViewStore(host.library.workspace.engine).names():
        raise ServiceError(
            409, "taken", f"there is a view {name!r} already", "give replace, or another name"
        )
