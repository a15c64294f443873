"""Searches: ``/v1/search``."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from sensorium.query import SearchRequest
from sensorium.reports import Answer
from sensorium.service.access import READ
from sensorium.service.hosting import ServingHere

router = APIRouter(prefix="/v1", tags=["search"])


class SearchIn(BaseModel):
    """What is asked."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field("", max_length=10_000, description="Words; empty for none.")
    like: list[str] = Field(default_factory=list, max_length=20, description="Ids of items.")
    n: int = Field(10, ge=1, le=1_000, description="Most answers.")
    filter: str | None = Field(None, description="Expression that items must pass.")


class HitOut(BaseModel):
    """One answer."""

    item_id: str
    relevance: float = Field(description="In [0, 1].")
    title: str
    kind: str = Field(description="video, image, audio or text.")
    start_seconds: float | None = Field(description="Of the moment; null for the whole item.")
    end_seconds: float | None


class SearchOut(BaseModel):
    """Answers, best first."""

    items: list[HitOut]
    withheld: int = Field(description="Candidates below the cut-off.")
    notes: list[str]


@router.post("/search", dependencies=[READ])
def search(serving: ServingHere, asked: SearchIn) -> SearchOut:
    """Find items by words or by items."""
    found = serving.search(
        SearchRequest(text=asked.text, like=tuple(asked.like), limit=asked.n, where=asked.filter)
    )
    return SearchOut(
        items=[hit_of(one) for one in found.answers],
        withheld=found.withheld,
        notes=list(found.notes),
    )


def hit_of(found: Answer) -> HitOut:
    """Tell one answer."""
    start, end = found.candidate.segment or (None, None)
    return HitOut(
        item_id=found.item.item_id,
        relevance=found.candidate.relevance,
        title=found.item.title,
        kind=found.item.kind,
        start_seconds=start,
        end_seconds=end,
    )
