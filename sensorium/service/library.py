"""Where the library stands: ``/v1/library`` and ``/v1/quarantine``."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ranking.view_store import ViewStore
from sensorium.quarantine import quarantined_items
from sensorium.service.access import READ
from sensorium.service.cursors import Cursor, PageHere
from sensorium.service.hosting import HostHere

router = APIRouter(prefix="/v1", tags=["library"])

CURSOR = Cursor("quarantine", str, str)


class LibraryOut(BaseModel):
    """Where the library stands."""

    items: int
    states: dict[str, int] = Field(description="Items by state: ready, partial or quarantined.")
    quarantined: dict[str, int] = Field(description="Files that cannot be read, by code.")
    generation: str = Field(description="The vectors that answer; empty before the first run.")
    building: str = Field(description="Vectors that are being made anew; empty for none.")
    views: list[str]
    users: int = Field(description="People of whom there are events.")
    disk_bytes: int = Field(description="Space of the workspace.")
    made_by: dict[str, str] = Field(description="The models and settings behind the vectors.")


class QuarantinedOut(BaseModel):
    """A file that could not be read."""

    item_id: str
    uri: str = Field(description="Where it was found.")
    code: str = Field(description="Stable name of the cause.")
    message: str = Field(description="The cause in one sentence.")
    attempts: int = Field(description="How often it was tried.")
    failed_at: datetime | None = Field(description="When it was tried last; null: not kept.")


class QuarantineOut(BaseModel):
    """Files that could not be read, in order of item id; a job of kind retry tries them again."""

    files: list[QuarantinedOut]
    next_cursor: str | None


@router.get("/library", dependencies=[READ])
def get_library(host: HostHere) -> LibraryOut:
    """Show where the library stands."""
    status, workspace = host.library.status(), host.library.workspace
    return LibraryOut(
        items=status.items,
        states=dict(status.states),
        quarantined=dict(status.quarantined),
        generation=status.generation,
        building=status.building,
        views=ViewStore(workspace.engine).names(),
        users=sum(1 for _ in workspace.event_log.users()),
        disk_bytes=status.disk_bytes,
        made_by=dict(status.made_by),
    )


@router.get("/quarantine", dependencies=[READ])
def list_quarantine(host: HostHere, page: PageHere) -> QuarantineOut:
    """List files that could not be read."""
    found = quarantined_items(host.library.workspace)
    found.sort(key=lambda pair: (pair[0], pair[1].content_hash))
    after = CURSOR.read(page.cursor)
    keys = [(item_id, entry.content_hash) for item_id, entry in found]
    start = 0 if after is None else bisect_right(keys, after)
    rows, last = page.cut(found[start : start + page.n + 1])
    return QuarantineOut(
        files=[
            QuarantinedOut(
                item_id=item_id,
                uri=entry.uri,
                code=entry.code,
                message=entry.message,
                attempts=entry.attempts,
                failed_at=entry.failed_at,
            )
            for item_id, entry in rows
        ],
        next_cursor=last and CURSOR.write(last[0], last[1].content_hash),
    )
