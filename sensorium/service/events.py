"""What people do, told over HTTP: ``/v1/events``, and ``/v1/users/{user_id}/events``.

Items and types need not be known: events may outrun indexing. A row that says nothing is rejected
by itself, and the others count. An answer is given when the log has them on the disk, in one
transaction. Every way of sending rows again is safe: by an ``event_id`` of the caller, by a
``timestamp``, from both of which the log knows what it has, or by an ``Idempotency-Key``, from
which rows without either get an id of their own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field

from ingest.event import MOST_CHARACTERS, Event, EventError
from ingest.event_records import FIELDS, NESTED, as_row, is_absent, parse_event
from sensorium.service.access import READ, WRITE
from sensorium.service.cursors import Cursor, PageHere
from sensorium.service.hosting import HostHere
from sensorium.service.idempotency import OnceHere
from sensorium.service.problems import ServiceError

router = APIRouter(prefix="/v1", tags=["events"])

PLACES = Cursor("events", str, int, int)
MOST_ROW_CHARACTERS = 100_000
"""Longest row, as JSON."""
Name = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
NO_NUL = r"^[^\x00]+$"
"""Text that every database can be asked for."""
UserPath = Annotated[
    str, Path(min_length=1, max_length=MOST_CHARACTERS, pattern=NO_NUL, description="Who.")
]


class EventFields(BaseModel):
    """One thing a person did with an item."""

    model_config = ConfigDict(extra="forbid")

    user_id: Name = Field(description="Who.")
    item_id: Name = Field(description="With what; it need not be known yet.")
    event_type: Name = Field(
        description="view, play, watch_time, complete, click, like, dislike, share, save, follow, "
        "comment, purchase, rating, skip, not_interested, report, impression, or another word."
    )
    value: float | None = Field(
        None, description="Stars of a rating; for watch_time the share watched, 1 for all."
    )
    event_id: Name | None = Field(None, description="Name under which it counts once.")
    session_id: str | None = Field(None, description="Visit it belongs to.")
    recommendation_id: str | None = Field(None, description="List of recommendations behind it.")
    position: int | None = Field(None, ge=0, description="Place in that list, from 0.")
    impressions: list[str] = Field(default_factory=list, description="Items shown beside it.")
    context: dict[str, Any] = Field(default_factory=dict, description="Such as the device.")
    properties: dict[str, Any] = Field(default_factory=dict, description="Anything else.")


class EventIn(EventFields):
    """An event as it is told."""

    timestamp: str | float | None = Field(
        None,
        description="ISO 8601, or seconds, milliseconds or microseconds since 1970; now if absent.",
    )


class EventOut(EventFields):
    """An event as it is kept."""

    timestamp: datetime = Field(description="When, UTC.")


class EventsIn(BaseModel):
    """Several events."""

    model_config = ConfigDict(extra="forbid")

    events: list[EventIn] = Field(description="In any order.")


class RowOut(BaseModel):
    """What became of one event."""

    index: int = Field(description="Place in the request, from 0.")
    status: Literal["accepted", "duplicate", "rejected"]
    event_id: str | None = Field(description="Its id; null where it was rejected.")
    error: str | None = Field(description="Why it was rejected.")


class EventsOut(BaseModel):
    """What became of the events."""

    accepted: int = Field(description="New ones.")
    duplicates: int = Field(description="Ones that were there already: nothing was changed.")
    rejected: int = Field(description="Rows that say nothing.")
    rows: list[RowOut]


class UserEventsOut(BaseModel):
    """Events of somebody, latest first."""

    events: list[EventOut]
    next_cursor: str | None


@router.post("/events", dependencies=[WRITE])
def tell(host: HostHere, once: OnceHere, body: Annotated[dict[str, Any], Body()]) -> EventsOut:
    """Tell of one event, or of several in `{"events": [...]}`.

    Of several, each is accepted or rejected by itself. A single one that is wrong is a problem.
    """
    several = "events" in body
    rows = _rows(body, host.config.service.most_rows) if several else [body]

    def make() -> EventsOut:
        return _tell(host, rows, once.key and f"{once.route} {once.key}", several)

    return once.answer(body, EventsOut, make)


@router.get("/users/{user_id:path}/events", dependencies=[READ])
def user_events(host: HostHere, user_id: UserPath, page: PageHere) -> UserEventsOut:
    """List what somebody did, latest first."""
    keys = PLACES.read(page.cursor)
    if keys is not None and keys[0] != user_id:
        raise ServiceError(422, "cursor", "the cursor is of another user's events")
    place = None if keys is None else (keys[1], keys[2])
    found = host.library.workspace.event_log.before(user_id, place, page.n + 1)
    kept, last = page.cut(found)
    return UserEventsOut(
        events=[_told(event) for _, event in kept],
        next_cursor=None if last is None else PLACES.write(user_id, *last[0]),
    )


def _rows(body: dict[str, Any], most: int) -> list[Any]:
    rows = body["events"]
    if len(body) > 1 or not isinstance(rows, list):
        raise ServiceError(422, "invalid", "body: events should be a list, and nothing beside it")
    if len(rows) > most:
        raise ServiceError(
            422, "invalid", f"body/events: {len(rows)} rows", f"send at most {most} at a time"
        )
    return rows


def _tell(host: HostHere, rows: Sequence[Any], request: str | None, several: bool) -> EventsOut:
    """Append what can be read of some rows.

    Args:
        host: the library.
        rows: as they were sent.
        request: names this request for good; None where nothing does.
        several: whether a row that cannot be read is told in its place; otherwise it is raised.
    """
    now, read = datetime.now(UTC), dict[int, Event | EventError]()
    for index, row in enumerate(rows):
        try:
            read[index] = _read(row, now, request and f"{request} {index}")
        except EventError as error:
            if not several:
                raise
            read[index] = error
    events = {index: event for index, event in read.items() if isinstance(event, Event)}
    new = set(host.library.workspace.event_log.append_new(list(events.values())))
    told = []
    for index, one in read.items():
        if isinstance(one, EventError):
            told.append(RowOut(index=index, status="rejected", event_id=None, error=one.sentence))
            continue
        status: Literal["accepted", "duplicate"] = "duplicate"
        if one.event_id in new:  # The first of several with one id is the one that was added.
            new.remove(one.event_id)
            status = "accepted"
        told.append(RowOut(index=index, status=status, event_id=one.event_id, error=None))
    accepted = sum(row.status == "accepted" for row in told)
    return EventsOut(
        accepted=accepted,
        duplicates=len(events) - accepted,
        rejected=len(rows) - len(events),
        rows=told,
    )


def _read(row: Any, now: datetime, request: str | None) -> Event:
    """Read one row.

    Args:
        row: as it was sent.
        now: when it happened, where it does not say.
        request: names the row for good; None where nothing does.

    Raises:
        EventError: it cannot be read.
    """
    if not isinstance(row, dict):
        raise EventError("an event", "an object", row)
    unknown = [key for key in row if key.partition(".")[0] not in NESTED and key not in FIELDS]
    if unknown:
        raise EventError("a field", f"one of {', '.join(FIELDS)}", unknown[0])
    try:
        written = json.dumps(row, ensure_ascii=False, allow_nan=False)
        written.encode()
    except (ValueError, RecursionError):
        raise EventError("an event", "finite numbers and whole characters", row) from None
    if len(written) > MOST_ROW_CHARACTERS:
        raise EventError("an event", f"at most {MOST_ROW_CHARACTERS} characters", f"{written[:40]}")
    if is_absent(row.get("timestamp")):
        row = {**row, "timestamp": now.isoformat()}
        if request is not None and is_absent(row.get("event_id")):
            row["event_id"] = blake2b(request.encode(), digest_size=16).hexdigest()
    return parse_event(row)


def _told(event: Event) -> EventOut:
    """Tell an event; what JSON cannot hold, from an imported file, is left out of it."""
    text = json.dumps(as_row(event), ensure_ascii=False, default=str)
    row = json.loads(text.encode(errors="replace"), parse_constant=lambda _: None)
    return EventOut.model_construct(
        **{"event_id": event.event_id, **row, "timestamp": event.occurred_at}
    )
