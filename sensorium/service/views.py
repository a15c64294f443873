"""Albums over HTTP: ``/v1/views`` and ``/v1/aspects``.

Edits run in the thread of their request and hold the workspace meanwhile: renaming takes
milliseconds, splitting a large cluster seconds. While an index run holds it they are answered with
503. The next request after an edit sees it. Views are made by jobs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console

from ranking.view_store import Tally, ViewStore
from ranking.views import Cluster, View, ViewError
from ranking.vocabulary import aspects
from sensorium.albums import Albums
from sensorium.items import facts_of
from sensorium.service.access import READ, WRITE
from sensorium.service.cursors import Cursor, PageHere
from sensorium.service.hosting import HostHere
from sensorium.service.problems import NotFoundError, ServiceError

router = APIRouter(prefix="/v1", tags=["views"])

CURSOR = Cursor("view members", int, str)
TYPICAL = 8
"""Surest items of each cluster that are named with a view."""
NOBODY = Tally(size=0, pinned=0, borderline=0)
LARGEST = 2**31 - 1
"""Largest number of a cluster."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
ItemId = Annotated[str, Field(min_length=1, max_length=1_000)]
ClusterKey = Annotated[int, Field(ge=1, le=LARGEST)] | Name
"""A cluster by number or by name."""


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RenameIn(_In):
    """A new name."""

    name: Name


class MergeIn(_In):
    """Clusters to make one of."""

    clusters: list[ClusterKey] = Field(min_length=2, max_length=200, description="Names or ids.")
    name: str = Field("", max_length=200, description="Of the one; empty for the first's.")


class SplitIn(_In):
    """A cluster to make several of."""

    cluster: ClusterKey
    parts: int = Field(2, ge=2, le=100, description="How many.")


class PinIn(_In):
    """Where an item belongs."""

    item_id: ItemId
    cluster: ClusterKey


class UnpinIn(_In):
    """An item to let go."""

    item_id: ItemId


class ViewOut(BaseModel):
    """A view."""

    name: str
    aspect: str = Field(description="What items are grouped by.")
    size: int = Field(description="How many items it has.")
    num_clusters: int
    created_at: datetime
    updated_at: datetime


class ClusterOut(BaseModel):
    """A cluster of a view."""

    cluster_id: int = Field(description="Its number; stays whatever it is called.")
    name: str
    words: list[str] = Field(description="Candidates that fit it, best first.")
    size: int
    share: float = Field(description="Of the view's items, in [0, 1].")
    pinned: int = Field(description="Items that a person put there.")
    borderline: int = Field(description="Items that it is doubtful of.")
    typical: list[str] = Field(description="Ids of its surest items.")


class ViewDetail(ViewOut):
    """A view with its clusters, largest first."""

    filter: str | None = Field(description="Expression that its items pass; null for all.")
    words_from: str = Field(description="user, language model or vocabulary.")
    clusters: list[ClusterOut]


class ViewsOut(BaseModel):
    """Every view, in order of name."""

    views: list[ViewOut]


class MemberOut(BaseModel):
    """An item of a cluster."""

    item_id: str
    kind: str = Field(description="video, image, audio or text.")
    title: str
    confidence: float = Field(description="How sure its place is, in [0, 1].")
    pinned: bool
    has_thumbnail: bool


class MembersOut(BaseModel):
    """Items of a cluster, surest first."""

    items: list[MemberOut]
    next_cursor: str | None


class AspectOut(BaseModel):
    """Something that items differ in."""

    name: str
    words: list[str]


class AspectsOut(BaseModel):
    """Aspects with known words."""

    aspects: list[AspectOut]


def _store(host: HostHere) -> ViewStore:
    return ViewStore(host.library.workspace.engine)


StoreHere = Annotated[ViewStore, Depends(_store)]


def _view(store: StoreHere, view: Annotated[str, Path(max_length=200)]) -> View:
    return store.view(view)


ViewHere = Annotated[View, Depends(_view)]
"""The view that the path names."""
ClusterPath = Annotated[int, Path(ge=1, le=LARGEST)]


@router.get("/aspects", dependencies=[READ])
def list_aspects() -> AspectsOut:
    """List the aspects that have known words; others can be grouped by with words of your own."""
    return AspectsOut(
        aspects=[AspectOut(name=one.name, words=list(one.words)) for one in aspects()]
    )


@router.get("/views", dependencies=[READ])
def list_views(store: StoreHere) -> ViewsOut:
    """List the views of the library."""
    views = [store.view(name) for name in store.names()]
    return ViewsOut(views=[_told(view, sum(store.sizes(view.name).values())) for view in views])


@router.get("/views/{view}", dependencies=[READ])
def get_view(store: StoreHere, view: ViewHere) -> ViewDetail:
    """Show a view with its clusters, largest first."""
    return _detail(store, view)


@router.get("/views/{view}/clusters/{cluster_id}/items", dependencies=[READ])
def list_members(
    host: HostHere, store: StoreHere, view: ViewHere, cluster_id: ClusterPath, page: PageHere
) -> MembersOut:
    """List the items of a cluster, surest first."""
    cluster = _by_number(view, cluster_id)
    keys = CURSOR.read(page.cursor)
    after = None if keys is None else (_as_float(keys[0]), keys[1])
    found = store.surest(view.name, cluster.cluster_id, page.n + 1, after)
    rows, last = page.cut(found)
    workspace = host.library.workspace
    known = {one.item.item_id: one for one in facts_of(workspace, [row.item_id for row in rows])}
    members = [
        MemberOut(
            item_id=row.item_id,
            kind=known[row.item_id].kind,
            title=known[row.item_id].item.title,
            confidence=row.confidence,
            pinned=row.pinned,
            has_thumbnail=bool(known[row.item_id].picture),
        )
        for row in rows
        if row.item_id in known
    ]
    more = last and CURSOR.write(_as_int(last.confidence), last.item_id)
    return MembersOut(items=members, next_cursor=more)


@router.patch("/views/{view}/clusters/{cluster_id}", dependencies=[WRITE])
def rename_cluster(
    host: HostHere, store: StoreHere, view: ViewHere, cluster_id: ClusterPath, asked: RenameIn
) -> ViewDetail:
    """Call a cluster something else."""
    cluster = _by_number(view, cluster_id)
    with _edit(host):
        Albums(host.library).rename(view.name, cluster.name, asked.name)
    return _detail(store, store.view(view.name))


@router.post("/views/{view}/merge", dependencies=[WRITE])
def merge_clusters(host: HostHere, store: StoreHere, view: ViewHere, asked: MergeIn) -> ViewDetail:
    """Make one cluster of several; it keeps the number of the first."""
    names = [_by_key(view, key).name for key in asked.clusters]
    with _edit(host):
        Albums(host.serving.library).merge(view.name, names, asked.name, _console())
    return _detail(store, store.view(view.name))


@router.post("/views/{view}/split", dependencies=[WRITE])
def split_cluster(host: HostHere, store: StoreHere, view: ViewHere, asked: SplitIn) -> ViewDetail:
    """Make several clusters of one; this takes seconds for a large one."""
    name = _by_key(view, asked.cluster).name
    with _edit(host):
        Albums(host.serving.library).split(view.name, name, asked.parts, _console())
    return _detail(store, store.view(view.name))


@router.post("/views/{view}/pin", dependencies=[WRITE])
def pin_item(host: HostHere, store: StoreHere, view: ViewHere, asked: PinIn) -> ViewDetail:
    """Put an item into a cluster and hold it there, whatever is learnt later."""
    name = _by_key(view, asked.cluster).name
    with _edit(host):
        Albums(host.serving.library).pin(view.name, asked.item_id, name, _console())
    return _detail(store, store.view(view.name))


@router.post("/views/{view}/unpin", dependencies=[WRITE])
def unpin_item(host: HostHere, store: StoreHere, view: ViewHere, asked: UnpinIn) -> ViewDetail:
    """Let an item go where the view puts it."""
    with _edit(host):
        Albums(host.serving.library).unpin(view.name, asked.item_id, _console())
    return _detail(store, store.view(view.name))


@router.delete("/views/{view}", status_code=204, dependencies=[WRITE])
def delete_view(host: HostHere, view: ViewHere) -> None:
    """Forget a view; its items stay in the library."""
    with _edit(host):
        Albums(host.library).delete(view.name)


@contextmanager
def _edit(host: HostHere) -> Iterator[None]:
    """Tell what an edit cannot do as a fault of the request, and let what it did show."""
    try:
        yield
    except ViewError as error:
        raise ServiceError(422, error.code, error.sentence, error.hint) from None
    host.refresh()


def _console() -> Console:
    return Console(stderr=True)


def _by_number(view: View, number: int) -> Cluster:
    for cluster in view.clusters:
        if cluster.cluster_id == number:
            return cluster
    raise NotFoundError(f"cluster of the view {view.name}", str(number))


def _by_key(view: View, key: int | str) -> Cluster:
    if isinstance(key, int):
        return _by_number(view, key)
    return view.cluster(key)


def _told(view: View, size: int) -> ViewOut:
    return ViewOut(
        name=view.name,
        aspect=view.candidates.aspect,
        size=size,
        num_clusters=len(view.clusters),
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def _detail(store: ViewStore, view: View) -> ViewDetail:
    tallies = store.tallies(view)
    size = sum(tally.size for tally in tallies.values())
    clusters = [
        ClusterOut(
            cluster_id=cluster.cluster_id,
            name=cluster.name,
            words=list(cluster.words),
            size=tally.size,
            share=tally.size / max(size, 1),
            pinned=tally.pinned,
            borderline=tally.borderline,
            typical=[one.item_id for one in store.surest(view.name, cluster.cluster_id, TYPICAL)],
        )
        for cluster in view.clusters
        for tally in [tallies.get(cluster.cluster_id, NOBODY)]
    ]
    return ViewDetail(
        **_told(view, size).model_dump(),
        filter=view.where,
        words_from=view.candidates.source,
        clusters=sorted(clusters, key=lambda one: (-one.size, one.name)),
    )


def _as_int(value: float) -> int:
    """The bits of a number, which a cursor carries without rounding."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def _as_float(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])
