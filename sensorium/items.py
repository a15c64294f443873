"""What the library knows of its items, told a page at a time, whatever has become of them.

Items come in order of id. What lies in the catalogue, the marks and the pictures is asked of the
database by key; a filter is answered by the vectors' table, so only items that answer can pass one.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from sqlalchemy import Select, func, select

from ingest.catalogue import batches, items_table
from ingest.item import Item, Modality
from ranking.view_store import clusters_table, members_table
from ray_jobs.manifest import Indexed, contents_table, indexed_table

if TYPE_CHECKING:
    from retrieval.mirror import Mirror
    from sensorium.workspace import Workspace

State = Literal["ready", "pending", "partial", "quarantined"]
"""What has become of an item: it answers; it has not been looked at; it answers, but some of its
media could not be read; nothing of it could be read."""
MOST_SEGMENTS = 1_000
"""Stretches of an item that are told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """One item, and what is known of it."""

    item: Item
    """As its source describes it."""
    mark: Indexed | None
    """What the generation that answers holds of it; None where it has not been looked at."""
    duration_seconds: float | None
    """Length of its longest medium; None for stills and texts."""
    picture: str
    """Key of the content whose thumbnail stands for it; empty for none."""

    @property
    def kind(self) -> str:
        """Modality of its first medium, or text."""
        return str(self.item.media[0].modality if self.item.media else Modality.TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a clip or sound that answers by itself."""

    start_seconds: float
    """First moment."""
    end_seconds: float
    """Moment after the last."""
    modality: str
    """Which of its views it is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemQuery:
    """Which items are asked for."""

    after: str
    """Id after which to begin; empty for the start."""
    limit: int
    """Most items."""
    state: State | None = None
    """Only those that have come to this."""


def list_items(workspace: Workspace, query: ItemQuery) -> list[ItemFacts]:
    """Give a page of all items, or of those in one state, in order of id."""
    active = workspace.active
    asked = _ids(active.name if active else "", query)
    with workspace.engine.connect() as connection:
        return facts_of(workspace, list(connection.scalars(asked)))


def list_admitted(
    workspace: Workspace, mirror: Mirror, where: str, query: ItemQuery
) -> list[ItemFacts]:
    """Give a page of the items that pass a filter, in order of id.

    Args:
        workspace: the library's folder.
        mirror: of the generation that answers.
        where: the filter expression.
        query: which items.

    Raises:
        FilterError: the expression cannot be understood.
    """
    table = mirror.items
    rows = np.flatnonzero(table.admitted(where)).tolist()
    if query.state in ("pending", "quarantined"):
        return []
    keys, after = table.keys, query.after
    ids = (key for row in rows if (key := keys[row]) > after)
    if query.state is not None:
        partial = _partial(workspace)
        ids = (key for key in ids if (key in partial) is (query.state == "partial"))
    return facts_of(workspace, heapq.nsmallest(query.limit, ids))


def facts_of(workspace: Workspace, item_ids: Sequence[str]) -> list[ItemFacts]:
    """Give what is known of these items, in the order asked; those that are gone are left out."""
    active = workspace.active
    items = workspace.catalogue.get(item_ids)
    marks = workspace.manifest.indexed(active.name, item_ids) if active else {}
    lengths, pictured = _contents(workspace, list(items.values()))
    return [
        _facts(items[item_id], marks.get(item_id), lengths, pictured)
        for item_id in item_ids
        if item_id in items
    ]


def stretches_of(mirror: Mirror, item_id: str) -> list[Stretch]:
    """Give the parts of an item that answer by themselves, in order of time."""
    table = mirror.segments
    rows = np.flatnonzero(table.alive & table.member("item_id", [item_id])).astype(np.int32)
    columns = (
        table.numbers("start_seconds", rows).tolist(),
        table.numbers("end_seconds", rows).tolist(),
        table.texts("modality", rows),
    )
    found = sorted(zip(*columns, strict=True))[:MOST_SEGMENTS]
    return [Stretch(start_seconds=s, end_seconds=e, modality=m) for s, e, m in found]


def clusters_of(workspace: Workspace, item_id: str) -> dict[str, str]:
    """Give the name of the cluster that an item is in, by view."""
    member, cluster = members_table.c, clusters_table.c
    query = (
        select(member.view, cluster.name)
        .join(
            clusters_table,
            (cluster.view == member.view) & (cluster.cluster_id == member.cluster_id),
        )
        .where(member.item_id == item_id)
        .order_by(member.view)
    )
    with workspace.engine.connect() as connection:
        return {row.view: row.name for row in connection.execute(query)}


def _ids(generation: str, query: ItemQuery) -> Select[tuple[str]]:
    """Ask for the ids of a page."""
    item, mark = items_table.c, indexed_table.c
    if query.state not in (None, "pending"):
        asked = select(mark.item_id).where(
            mark.generation == generation, mark.state == query.state, mark.item_id > query.after
        )
        return asked.order_by(mark.item_id).limit(query.limit)
    asked = select(item.item_id).where(item.item_id > query.after)
    if query.state == "pending":
        of_generation = (mark.item_id == item.item_id) & (mark.generation == generation)
        asked = asked.where(~select(mark.item_id).where(of_generation).exists())
    return asked.order_by(item.item_id).limit(query.limit)


def _partial(workspace: Workspace) -> set[str]:
    """Ids of items of which some media could not be read."""
    active, mark = workspace.active, indexed_table.c
    name = active.name if active else ""
    query = select(mark.item_id).where(mark.generation == name, mark.state == "partial")
    with workspace.engine.connect() as connection:
        return set(connection.scalars(query))


def _contents(workspace: Workspace, items: Sequence[Item]) -> tuple[dict[str, float], set[str]]:
    """Length of each content, and those that have a thumbnail."""
    column = contents_table.c
    keys = sorted({medium.content_key for item in items for medium in item.media})
    lengths: dict[str, float] = {}
    pictured = set()
    with workspace.engine.connect() as connection:
        for batch in batches(keys):
            query = select(
                column.content_hash, column.duration_seconds, func.length(column.thumbnail)
            ).where(
                column.content_hash.in_(batch),
                column.decode_digest == workspace.manifest.decode_digest,
            )
            for key, seconds, size in connection.execute(query):
                lengths[key] = seconds
                if size:
                    pictured.add(key)
    return lengths, pictured


def _facts(
    item: Item, mark: Indexed | None, lengths: Mapping[str, float], pictured: set[str]
) -> ItemFacts:
    keys = [medium.content_key for medium in item.media]
    return ItemFacts(
        item=item,
        mark=mark,
        duration_seconds=max((lengths.get(key, 0.0) for key in keys), default=0.0) or None,
        picture=next((key for key in keys if key in pictured), ""),
    )
