"""People: ``/v1/users``, what they like, what they say about interests; and erasing them.

Somebody of whom nothing is known has done nothing: that is an answer, not an error, so that an
erased person cannot be told from one who never came.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ranking.preferences import HIGHEST
from sensorium.library import EmptyLibraryError
from sensorium.people import erase
from sensorium.service.access import ADMIN, READ, WRITE
from sensorium.service.cursors import Cursor, PageHere
from sensorium.service.events import UserPath
from sensorium.service.hosting import HostHere
from sensorium.service.serving import Host
from sensorium.users import UserInterest, UserReport, list_users, report_of, say, user_report

router = APIRouter(prefix="/v1", tags=["users"])

PLACES = Cursor("users", str)
BELOW = ("/events", "/interests")
"""What stands below a person in paths."""
MOST_DEEDS = 20
"""Events told of with a person; ``/events`` lists them all."""
ViewQuery = Annotated[
    str,
    Query(
        max_length=500,
        pattern=r"^[^\x00]*$",
        description="View that interests are read from; the one made last if empty.",
    ),
]


class UserRowOut(BaseModel):
    """One person in a list."""

    user_id: str
    events: int = Field(description="How many events.")
    last: datetime | None = Field(description="Time of the latest.")


class UsersOut(BaseModel):
    """People in order of their ids."""

    users: list[UserRowOut]
    next_cursor: str | None


class InterestOut(BaseModel):
    """What is known of somebody and one interest."""

    name: str = Field(description="What it is called.")
    cluster: int = Field(description="Number of its cluster in the view.")
    share: float = Field(description="Of all the person's interest, in [0, 1].")
    interest: float = Field(description="Decayed sum of event weights, 0 or more.")
    exposure: float = Field(description="Decayed count of items shown.")
    last_met: datetime | None = Field(description="When it was last acted upon.")
    factor: float = Field(description="What the person says: 0 muted, 1 nothing, more for more.")


class DeedOut(BaseModel):
    """One event of somebody."""

    event_type: str
    item_id: str
    title: str = Field(description="Of the item; empty where it has none.")
    interest: str = Field(description="The item's; empty for none.")
    value: float | None
    timestamp: datetime


class UserOut(BaseModel):
    """What is known of somebody."""

    user_id: str
    view: str = Field(description="View that interests are read from; empty for none.")
    events: int = Field(description="How many events.")
    liked: int = Field(description="Events that say: more like this.")
    seen: int = Field(description="Items met within memory.")
    first: datetime | None = Field(description="Time of the earliest event.")
    last: datetime | None = Field(description="Time of the latest.")
    refused: list[str] = Field(description="Ids of items that were refused.")
    interests: list[InterestOut] = Field(description="The strongest first.")
    recent: list[DeedOut] = Field(description="The last events, latest first.")


class InterestsOut(BaseModel):
    """Somebody's interests, the strongest first."""

    user_id: str
    view: str
    interests: list[InterestOut]


class SayingIn(BaseModel):
    """What somebody says about an interest."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=500, description="What the interest is called.")
    factor: float = Field(
        ge=0, le=HIGHEST, description="0 mutes it, 1 takes back what was said, more for more."
    )


class ErasureOut(BaseModel):
    """What erasing somebody did."""

    user_id: str
    erased_at: datetime
    removed: dict[str, int] = Field(description="What was taken away, by store.")
    clean: bool = Field(description="Whether the id stands nowhere any more.")
    found: dict[str, int] = Field(description="Where it still stands, and how often.")
    retrain: list[str] = Field(description="Learnt files that may hold what this person did.")
    notes: list[str] = Field(description="What else a person should know.")


@router.get("/users", dependencies=[READ])
def users(host: HostHere, page: PageHere) -> UsersOut:
    """List people by id: those with events, and those who said something about interests."""
    keys = PLACES.read(page.cursor)
    rows = list_users(host.library.workspace, keys[0] if keys else "", page.n + 1)
    kept, last = page.cut(rows)
    return UsersOut(
        users=[UserRowOut(user_id=r.user_id, events=r.events, last=r.last) for r in kept],
        next_cursor=PLACES.write(last.user_id) if last else None,
    )


@router.get("/users/{user_id:path}/interests", dependencies=[READ])
def interests(host: HostHere, user_id: UserPath, view: ViewQuery = "") -> InterestsOut:
    """Tell somebody's interests."""
    return _interests(_report(host, user_id, view, num_deeds=1))


@router.patch("/users/{user_id:path}/interests", dependencies=[WRITE])
def change_interest(
    host: HostHere, user_id: UserPath, said: SayingIn, view: ViewQuery = ""
) -> InterestsOut:
    """Keep what somebody says about an interest; it counts from the next page on."""
    chosen = view or _report(host, user_id, "", num_deeds=1).view
    say(host.library.workspace, user_id, said.name, said.factor, chosen)
    return _interests(_report(host, user_id, view, num_deeds=1))


@router.get("/users/{user_id:path}", dependencies=[READ])
def user(host: HostHere, user_id: UserPath, view: ViewQuery = "") -> UserOut:
    """Tell what is known of somebody."""
    report = _report(host, user_id, view, MOST_DEEDS)
    return UserOut(
        user_id=report.user_id,
        view=report.view,
        events=report.events,
        liked=report.liked,
        seen=report.seen,
        first=report.first,
        last=report.last,
        refused=list(report.refused),
        interests=[_interest(one) for one in report.interests],
        recent=[
            DeedOut(
                event_type=deed.event.event_type,
                item_id=deed.event.item_id,
                title=deed.title,
                interest=deed.interest,
                value=deed.event.value,
                timestamp=deed.event.occurred_at,
            )
            for deed in report.deeds
        ],
    )


def _check_path(request: Request) -> None:
    """Refuse to erase ``anna/events``, where somebody wanted to delete the events of anna.

    Who is called so cannot be asked about by path either; the command line erases them.
    """
    if request.url.path.endswith(BELOW):
        raise HTTPException(405, "there is nothing to delete here but the person: /v1/users/ID")


@router.delete("/users/{user_id:path}", dependencies=[ADMIN, Depends(_check_path)])
def erase_user(host: HostHere, user_id: UserPath) -> ErasureOut:
    """Take everything of somebody away for good, and look whether it is gone."""
    receipt = erase(host.library.workspace, user_id, {"states at hand": host.forget})
    return ErasureOut(
        user_id=receipt.user_id,
        erased_at=receipt.erased_at,
        removed=dict(receipt.erased),
        clean=receipt.clean,
        found={trace.place: trace.count for trace in receipt.found},
        retrain=list(receipt.retrain),
        notes=list(receipt.notes),
    )


def _report(host: Host, user_id: str, view: str, num_deeds: int) -> UserReport:
    try:
        recommenders = host.serving.recommenders
    except EmptyLibraryError:
        return user_report(host.library, user_id, view, num_deeds)
    states = recommenders.of(view).states
    return report_of(host.library.workspace, states, user_id, num_deeds)


def _interests(report: UserReport) -> InterestsOut:
    return InterestsOut(
        user_id=report.user_id,
        view=report.view,
        interests=[_interest(one) for one in report.interests],
    )


def _interest(one: UserInterest) -> InterestOut:
    return InterestOut(
        name=one.name,
        cluster=one.cluster,
        share=one.share,
        interest=one.interest,
        exposure=one.exposure,
        last_met=one.last_met,
        factor=one.factor,
    )
