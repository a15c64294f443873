"""Pages for people: ``/v1/recommendations``, for those whom the log knows and for visitors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from ingest.event import Event, EventError, EventType
from ingest.event_records import parse_time
from ranking.page import Pick
from retrieval.filters import MAX_LENGTH
from sensorium.feed import FeedRequest
from sensorium.recommend_reports import FeedReport
from sensorium.service.access import READ
from sensorium.service.filters import FilterIn
from sensorium.service.hosting import ServingHere
from sensorium.service.problems import ServiceError

router = APIRouter(prefix="/v1", tags=["recommendations"])

VISITOR = "visitor"
"""Stands for whoever has no account in the events of a history; it is written nowhere."""
Id = Annotated[str, Field(min_length=1, max_length=500)]
UserId = Annotated[str, Path(min_length=1, max_length=500, description="For whom.")]


class ReasonOut(BaseModel):
    """Why an item is on a page."""

    kind: str = Field(description="interest, history, relation, popular, new or explored.")
    text: str = Field(description="One sentence for a person.")
    interest: str = Field(description="Name of the item's interest; empty for none.")
    history_item: str = Field(description="Id of the liked item behind it; empty for none.")


class PickOut(BaseModel):
    """One item of a page."""

    item_id: str = Field(description="Which.")
    position: int = Field(description="Place on the page, from 0.")
    score: float = Field(description="The sum of its parts.")
    title: str = Field(description="Empty where it has none.")
    titled_for: str = Field(
        description="Group of readers that the title was written for; empty for the item's own."
    )
    kind: str = Field(description="video, image, audio or text.")
    has_thumbnail: bool
    reason: ReasonOut
    parts: dict[str, float] | None = Field(description="Of the score; only with explain.")
    sources: dict[str, int] | None = Field(description="Places by source; only with explain.")
    chances: dict[str, float] | None = Field(
        description="How likely each action is; only with explain, of a ranker that tells them "
        "apart."
    )


class PageOut(BaseModel):
    """A page for somebody."""

    recommendation_id: str = Field(description="Names this answer; events may bring it back.")
    user_id: str = Field(description="For whom; empty for a visitor.")
    view: str = Field(description="View that interests are read from; empty for none.")
    items: list[PickOut]
    notes: list[str] = Field(description="What a person should know of this page.")
    trace: list[dict[str, Any]] | None = Field(description="What each step did; with explain.")


class PageQuery(BaseModel):
    """What page is asked for."""

    model_config = ConfigDict(extra="forbid")

    n: int = Field(10, ge=1, le=200, description="Most items.")
    view: str = Field("", max_length=500, description="View to read interests from; the newest.")
    filter: str | None = Field(
        None, max_length=MAX_LENGTH, description="Expression that items must pass."
    )
    explain: bool = Field(False, description="With parts, sources and trace.")
    record: bool = Field(False, description="Tell the log that this was shown.")


class PastIn(BaseModel):
    """One thing that a visitor did."""

    model_config = ConfigDict(extra="forbid")

    item_id: Id
    event_type: Id = Field(EventType.CLICK, description="As of events.")
    timestamp: str | float | None = Field(
        None, description="As of events; null for just now, in the order given."
    )
    value: float | None = Field(None, description="As of events.")


class FeedIn(BaseModel):
    """For whom, and what."""

    model_config = ConfigDict(extra="forbid")

    user_id: Id | None = Field(None, description="Somebody whom events tell of.")
    history: list[PastIn] | None = Field(
        None, max_length=1_000, description="What somebody without an account did, earliest first."
    )
    n: int = Field(10, ge=1, le=200, description="Most items.")
    view: str = Field("", max_length=500, description="View to read interests from; the newest.")
    filter: FilterIn = None
    exclude: list[Id] = Field(default_factory=list, max_length=10_000, description="Ids to omit.")
    explain: StrictBool = Field(False, description="With parts, sources and trace.")
    record: StrictBool = Field(False, description="Tell the log that this was shown.")

    @model_validator(mode="after")
    def _somebody(self) -> FeedIn:
        if (self.user_id is None) == (self.history is None):
            raise ValueError("give either user_id or history")
        if self.record and self.user_id is None:
            raise ValueError("what a visitor is shown cannot be recorded")
        return self


@router.get("/recommendations/{user_id}", dependencies=[READ])
def recommend(
    serving: ServingHere, user_id: UserId, asked: Annotated[PageQuery, Query()]
) -> PageOut:
    """Recommend items to a user."""
    request = FeedRequest(
        user_id=user_id,
        limit=asked.n,
        where=asked.filter,
        record=asked.record,
        chances=asked.explain,
    )
    return page_of(serving.recommenders.of(asked.view).report(request), asked.explain)


@router.post("/recommendations", dependencies=[READ])
def recommend_by_body(serving: ServingHere, asked: FeedIn) -> PageOut:
    """Recommend items to a user, or to a visitor by what they did."""
    request = FeedRequest(
        user_id=asked.user_id or "",
        history=None if asked.history is None else history_of(asked.history),
        limit=asked.n,
        where=asked.filter,
        exclude=tuple(asked.exclude),
        record=asked.record,
        chances=asked.explain,
    )
    return page_of(serving.recommenders.of(asked.view).report(request), asked.explain)


def history_of(past: list[PastIn]) -> tuple[Event, ...]:
    """Read what a visitor did; events without a time are a second apart, the last of them now.

    Raises:
        ServiceError: one of them is impossible.
    """
    now = datetime.now(UTC)
    events = []
    for place, one in enumerate(past):
        try:
            moment = None if one.timestamp is None else parse_time(one.timestamp)
            event = Event(
                user_id=VISITOR,
                item_id=one.item_id,
                event_type=one.event_type,
                occurred_at=moment or now - timedelta(seconds=len(past) - 1 - place),
                value=one.value,
            )
        except EventError as error:
            raise ServiceError(
                422, error.code, f"history {place}: {error.sentence}", error.hint
            ) from error
        events.append(event)
    return tuple(sorted(events, key=lambda event: event.occurred_at))


def page_of(report: FeedReport, explain: bool) -> PageOut:
    """Tell a page."""
    page = report.page
    return PageOut(
        recommendation_id=page.recommendation_id,
        user_id=page.user_id,
        view=report.view,
        items=[_pick_of(report, pick, explain) for pick in page.picks],
        notes=list(page.notes),
        trace=[
            {
                "step": step.name,
                "entered": step.entered,
                "removed": step.removed,
                "seconds": step.seconds,
            }
            for step in page.trace
        ]
        if explain
        else None,
    )


def _pick_of(report: FeedReport, pick: Pick, explain: bool) -> PickOut:
    shown = report.items.get(pick.item_id)
    return PickOut(
        item_id=pick.item_id,
        position=pick.position,
        score=pick.score,
        title=pick.title or (shown.title if shown else ""),
        titled_for=pick.titled_for,
        kind=shown.kind if shown else "",
        has_thumbnail=bool(shown and shown.thumbnail),
        reason=ReasonOut(
            kind=pick.reason.kind,
            text=report.why(pick),
            interest=pick.reason.interest,
            history_item=pick.reason.history_item,
        ),
        parts=dict(pick.parts) if explain else None,
        sources=dict(pick.sources) if explain else None,
        chances=dict(pick.chances) if explain and pick.chances else None,
    )
