"""Items that a caller has chosen, put in order for a person: ``/v1/rank``."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from sensorium.service.access import READ
from sensorium.service.hosting import ServingHere

router = APIRouter(prefix="/v1", tags=["recommendations"])

Id = Annotated[str, Field(min_length=1, max_length=500)]


class RankIn(BaseModel):
    """For whom, and what."""

    model_config = ConfigDict(extra="forbid")

    user_id: Id = Field(description="For whom; one of whom nothing is known gets an order, too.")
    item_ids: list[Id] = Field(max_length=1_000, description="What; repeats count once.")
    explain: StrictBool = Field(False, description="With the parts of each score.")


class RankedOut(BaseModel):
    """One item in its place."""

    item_id: str
    position: int = Field(description="From 0.")
    score: float = Field(description="Comparable within one answer.")
    parts: dict[str, float] | None = Field(description="Of the score; only with explain.")


class RankOut(BaseModel):
    """Items, best first."""

    items: list[RankedOut]
    unknown: list[str] = Field(description="Ids that the library does not hold, as given.")


@router.post("/rank", dependencies=[READ])
def rank(serving: ServingHere, asked: RankIn) -> RankOut:
    """Put items in order for a user; none is left out, equal ones stay as given."""
    recommender = serving.recommender
    known = recommender.stock.shelf.number_of
    given = list(dict.fromkeys(asked.item_ids))
    ids = [item_id for item_id in given if item_id in known]
    found = recommender.scores(asked.user_id, ids)
    order = np.argsort(-found.total, kind="stable").tolist()
    return RankOut(
        items=[
            RankedOut(
                item_id=ids[place],
                position=position,
                score=float(found.total[place]),
                parts={name: float(part[place]) for name, part in found.parts.items()}
                if asked.explain
                else None,
            )
            for position, place in enumerate(order)
        ],
        unknown=[item_id for item_id in given if item_id not in known],
    )
