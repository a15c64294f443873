"""Pages for people: ``/v1/recommendations``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from sensorium.feed import FeedRequest
from sensorium.recommend_reports import FeedReport
from sensorium.service.access import READ
from sensorium.service.hosting import ServingHere

router = APIRouter(prefix="/v1", tags=["recommendations"])


class ReasonOut(BaseModel):
    """Why an item is on a page."""

    kind: str = Field(description="interest, history, popular, new or explored.")
    text: str = Field(description="One sentence for a person.")
    interest: str = Field(description="Name of the item's interest; empty for none.")
    history_item: str = Field(description="Id of the liked item behind it; empty for none.")


class PickOut(BaseModel):
    """One item of a page."""

    item_id: str = Field(description="Which.")
    position: int = Field(description="Place on the page, from 0.")
    score: float = Field(description="The sum of its parts.")
    title: str = Field(description="Title; empty where it has none.")
    kind: str = Field(description="video, image, audio or text.")
    reason: ReasonOut
    parts: dict[str, float] | None = Field(description="Of the score; only with explain.")
    sources: dict[str, int] | None = Field(description="Places by source; only with explain.")


class PageOut(BaseModel):
    """A page for somebody."""

    recommendation_id: str = Field(description="Names this answer; events may bring it back.")
    user_id: str
    items: list[PickOut]
    notes: list[str] = Field(description="What a person should know of this page.")
    trace: list[dict[str, Any]] | None = Field(description="What each step did; with explain.")


@router.get("/recommendations/{user_id}", dependencies=[READ])
def recommend(
    serving: ServingHere,
    user_id: str,
    n: Annotated[int, Query(ge=1, le=200, description="Most items.")] = 10,
    filter: Annotated[  # noqa: A002
        str | None, Query(description="Expression that items must pass.")
    ] = None,
    explain: Annotated[bool, Query(description="With parts, sources and trace.")] = False,
) -> PageOut:
    """Recommend items to a user."""
    request = FeedRequest(user_id=user_id, limit=n, where=filter)
    return page_of(serving.recommender.report(request), explain)


def page_of(report: FeedReport, explain: bool) -> PageOut:
    """Tell a page."""
    page = report.page
    return PageOut(
        recommendation_id=page.recommendation_id,
        user_id=page.user_id,
        items=[
            PickOut(
                item_id=pick.item_id,
                position=pick.position,
                score=pick.score,
                title=report.name(pick.item_id),
                kind=report.items[pick.item_id].kind if pick.item_id in report.items else "",
                reason=ReasonOut(
                    kind=pick.reason.kind,
                    text=report.why(pick),
                    interest=pick.reason.interest,
                    history_item=pick.reason.history_item,
                ),
                parts=dict(pick.parts) if explain else None,
                sources=dict(pick.sources) if explain else None,
            )
            for pick in page.picks
        ],
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
