"""Items: ``/v1/items``, each with what has become of it, its thumbnail; and taking one down."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, Field

from ingest.item import AttrValue
from retrieval.filters import MAX_LENGTH
from sensorium.items import (
    ItemFacts,
    ItemQuery,
    State,
    clusters_of,
    facts_of,
    list_admitted,
    list_items,
    stretches_of,
)
from sensorium.library import EmptyLibraryError
from sensorium.search import PREVIEW_CHARACTERS
from sensorium.service.access import ADMIN, READ
from sensorium.service.cursors import Cursor, PageHere
from sensorium.service.events import NO_NUL
from sensorium.service.hosting import HostHere
from sensorium.service.problems import NotFoundError
from sensorium.service.serving import Host
from sensorium.takedown import take_down

router = APIRouter(prefix="/v1", tags=["items"])

PLACES = Cursor("items", str)
CACHED = "private, max-age=300"
"""For so long a browser shows a thumbnail without asking."""
ItemPath = Annotated[
    str, Path(min_length=1, max_length=4_096, pattern=NO_NUL, description="Id of the item.")
]


class MediumOut(BaseModel):
    """One file of an item."""

    index: int = Field(description="Place in the item, from 0; its bytes are at /media/{index}.")
    kind: str = Field(description="video, image, audio or text.")
    size_bytes: int


class ItemOut(BaseModel):
    """One item."""

    item_id: str
    kind: str = Field(description="video, image, audio or text.")
    title: str = Field(description="Empty where it has none.")
    text: str = Field(description="In a list, the first 200 characters.")
    tags: list[str]
    lang: str = Field(description="BCP 47 tag; empty where unknown.")
    created_at: datetime | None
    duration_seconds: float | None = Field(description="Of its longest medium; null for stills.")
    state: State = Field(
        description="ready; partial: some media could not be read; quarantined: none could; "
        "pending: not looked at yet."
    )
    modality_weights: dict[str, float] = Field(description="Share of each in the item's vector.")
    media: list[MediumOut]
    has_thumbnail: bool
    duplicate_of: str | None = Field(description="The item that it repeats.")


class SegmentOut(BaseModel):
    """A stretch of an item that answers by itself."""

    start_seconds: float
    end_seconds: float
    modality: str


class ItemDetail(ItemOut):
    """One item, with all that is known of it."""

    attrs: dict[str, AttrValue] = Field(description="Extra fields, filterable as attrs.NAME.")
    segments: list[SegmentOut] = Field(description="In order of time.")
    clusters: dict[str, str] = Field(description="Name of its cluster, by view.")
    made_by: dict[str, str] = Field(description="What made its vectors.")


class ItemsOut(BaseModel):
    """Items in order of their ids."""

    items: list[ItemOut]
    next_cursor: str | None


class TakenDownOut(BaseModel):
    """What taking an item down did."""

    item_id: str
    taken_at: datetime
    removed: dict[str, int] = Field(description="What was taken away, by store.")
    left: list[str] = Field(description="Files elsewhere that were left where they are.")
    notes: list[str] = Field(description="What else a person should know.")


@router.get("/items", dependencies=[READ])
def items(
    host: HostHere,
    page: PageHere,
    filter: Annotated[  # noqa: A002
        str | None,
        Query(max_length=MAX_LENGTH, description="Expression to pass; only items that answer can."),
    ] = None,
    state: Annotated[State | None, Query(description="Only items in this state.")] = None,
) -> ItemsOut:
    """List items by id, whatever has become of them."""
    keys = PLACES.read(page.cursor)
    query = ItemQuery(after=keys[0] if keys else "", limit=page.n + 1, state=state)
    workspace = host.library.workspace
    if filter is None or not filter.strip():
        found = list_items(workspace, query)
    else:
        found = list_admitted(workspace, host.serving.mirror, filter, query)
    kept, last = page.cut(found)
    return ItemsOut(
        items=[ItemOut(**_told(facts, PREVIEW_CHARACTERS)) for facts in kept],
        next_cursor=PLACES.write(last.item.item_id) if last else None,
    )


@router.get(
    "/items/{item_id:path}/thumbnail",
    dependencies=[READ],
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, 304: {"description": "Not changed"}},
)
def thumbnail(
    host: HostHere,
    item_id: ItemPath,
    if_none_match: Annotated[str | None, Header(max_length=1_000)] = None,
) -> Response:
    """Give the small picture of an item, as JPEG."""
    facts = _found(host, item_id)
    if not facts.picture:
        raise NotFoundError("thumbnail of item", item_id)
    tag = f'"{facts.picture}"'
    headers = {"ETag": tag, "Cache-Control": CACHED}
    known = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    pictures = host.library.workspace.manifest.thumbnails([facts.picture])
    if facts.picture not in pictures:
        raise NotFoundError("thumbnail of item", item_id)
    return Response(pictures[facts.picture], media_type="image/jpeg", headers=headers)


@router.get("/items/{item_id:path}", dependencies=[READ])
def item(host: HostHere, item_id: ItemPath) -> ItemDetail:
    """Tell all that is known of an item."""
    facts, workspace = _found(host, item_id), host.library.workspace
    try:
        mirror = host.serving.mirror
        segments = stretches_of(mirror, item_id)
    except EmptyLibraryError:
        segments = []
    active = workspace.active
    return ItemDetail(
        **_told(facts),
        attrs=dict(facts.item.attrs),
        segments=[
            SegmentOut(
                start_seconds=one.start_seconds, end_seconds=one.end_seconds, modality=one.modality
            )
            for one in segments
        ],
        clusters=clusters_of(workspace, item_id),
        made_by=active.made_by if active and facts.mark else {},
    )


@router.delete("/items/{item_id:path}", dependencies=[ADMIN])
def remove(host: HostHere, item_id: ItemPath) -> TakenDownOut:
    """Take an item down: out of the answers, the views, the catalogue and the caches."""
    _found(host, item_id)
    done = take_down(host.library, [item_id])
    host.show()
    return TakenDownOut(
        item_id=item_id,
        taken_at=done.taken_at,
        removed=dict(done.removed),
        left=list(done.left),
        notes=list(done.notes),
    )


def _found(host: Host, item_id: str) -> ItemFacts:
    found = facts_of(host.library.workspace, [item_id])
    if not found:
        raise NotFoundError("item", item_id)
    return found[0]


def _told(facts: ItemFacts, characters: int | None = None) -> dict[str, object]:
    """What an item and its entry in a list have in common.

    Args:
        facts: the item.
        characters: most of its text; None for all.
    """
    item, mark = facts.item, facts.mark
    return {
        "item_id": item.item_id,
        "kind": facts.kind,
        "title": item.title,
        "text": item.text[:characters],
        "tags": list(item.tags),
        "lang": item.lang,
        "created_at": item.created_at,
        "duration_seconds": facts.duration_seconds,
        "state": mark.state if mark else "pending",
        "modality_weights": dict(mark.modality_weights) if mark else {},
        "media": [
            {"index": index, "kind": str(medium.modality), "size_bytes": medium.size_bytes}
            for index, medium in enumerate(item.media)
        ],
        "has_thumbnail": bool(facts.picture),
        "duplicate_of": (mark.duplicate_of or None) if mark else None,
    }
