"""Views in the workspace's database: what they are, who is in them, and what they have learnt.

Everything of a view is written in one transaction: whatever ends the process leaves the view as it
was or as it should be, and nothing between. Learnt arrays are one value of the view's row
(safetensors), so that they change with the clusters that they speak of.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from safetensors.numpy import load, save
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    case,
    delete,
    func,
    select,
)

from ingest.catalogue import batches, upsert
from ranking.base import Readout
from ranking.candidates import Candidates
from ranking.space import AspectSpace
from ranking.views import Cluster, Learnt, Members, View, ViewError, Watch, meant

METADATA = MetaData()
Beside = Callable[[Connection], None]

views_table = Table(
    "views",
    METADATA,
    Column("name", String, primary_key=True),
    Column("candidates", Text, nullable=False),
    Column("where_clause", Text),
    Column("seed", Integer, nullable=False),
    Column("ablate", Text, nullable=False),
    Column("next_id", Integer, nullable=False),
    Column("generation", String, nullable=False),
    Column("watch", Text, nullable=False),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    Column("learnt", LargeBinary, nullable=False),
)

clusters_table = Table(
    "view_clusters",
    METADATA,
    Column("view", String, primary_key=True),
    Column("cluster_id", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("words", Text, nullable=False),
)

members_table = Table(
    "view_members",
    METADATA,
    Column("view", String, primary_key=True),
    Column("item_id", String, primary_key=True),
    Column("cluster_id", Integer, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("digest", String, nullable=False),
)

members_by_confidence = Index(
    "view_members_by_confidence",
    members_table.c.view,
    members_table.c.cluster_id,
    members_table.c.confidence.desc(),
    members_table.c.item_id,
    members_table.c.pinned,
)
"""Finds the surest members of a cluster, and counts members, without reading the table."""

_ROWS_OF_A_VIEW = (
    (views_table, views_table.c.name),
    (clusters_table, clusters_table.c.view),
    (members_table, members_table.c.view),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One member of a cluster."""

    item_id: str
    """The item."""
    confidence: float
    """How sure its place is, in [0, 1]."""
    pinned: bool
    """Whether a person chose its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Members of a cluster, counted."""

    size: int
    """All of them."""
    pinned: int
    """Those whose place a person chose."""
    borderline: int
    """Those of the others that it is doubtful of."""


class ViewStore:
    """The views of one workspace.

    Args:
        engine: from ``ingest.database.open_database``.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)
        members_by_confidence.create(engine, checkfirst=True)  # Older tables lack it.

    def names(self) -> list[str]:
        """Names of all views, sorted."""
        with self.engine.connect() as connection:
            return sorted(connection.scalars(select(views_table.c.name)))

    def view(self, name: str) -> View:
        """Give a view.

        Raises:
            ViewError: there is none of this name.
        """
        columns = [column for column in views_table.c if column.name != "learnt"]
        clusters = clusters_table
        with self.engine.connect() as connection:
            row = connection.execute(select(*columns).where(views_table.c.name == name)).first()
            found = connection.execute(
                select(clusters).where(clusters.c.view == name).order_by(clusters.c.position)
            ).all()
        if row is None:
            known = self.names()
            raise ViewError(
                f"there is no view {name!r}",
                meant(name, known, "the views") or 'make one with sensorium cluster --by "colour"',
            )
        return _view(row, found)

    def learnt(self, view: View) -> Learnt:
        """Give what a view has learnt."""
        query = select(views_table.c.learnt).where(views_table.c.name == view.name)
        with self.engine.connect() as connection:
            return _from_bytes(connection.scalars(query).one())

    def members(self, view: View) -> Members:
        """Give who is in a view, in order of item id."""
        table = members_table
        query = (
            select(
                table.c.item_id, table.c.cluster_id, table.c.confidence, table.c.pinned,
                table.c.digest,
            )
            .where(table.c.view == view.name, table.c.cluster_id.in_(view.ids.tolist()))
            .order_by(table.c.item_id)
        )  # fmt: skip
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        ids, clusters, confidence, pinned, digests = zip(*rows, strict=True) if rows else [()] * 5
        return Members(
            item_ids=ids,
            clusters=np.array(clusters, np.int64),
            confidence=np.array(confidence, np.float32),
            pinned=np.array(pinned, np.bool_),
            digests=digests,
        )

    def sizes(self, name: str) -> dict[int, int]:
        """Count a view's members by the number of their cluster."""
        table = members_table
        query = (
            select(table.c.cluster_id, func.count())
            .where(table.c.view == name)
            .group_by(table.c.cluster_id)
        )
        with self.engine.connect() as connection:
            return {number: int(count) for number, count in connection.execute(query)}

    def tallies(self, view: View) -> dict[int, Tally]:
        """Count a view's members by the number of their cluster; empty clusters are left out."""
        table = members_table
        doubtful = case((table.c.confidence < view.watch.doubt, 1), else_=0)
        query = (
            select(
                table.c.cluster_id,
                func.count(),
                func.sum(case((table.c.pinned, 1), else_=0)),
                func.sum(case((table.c.pinned, 0), else_=doubtful)),
            )
            .where(table.c.view == view.name)
            .group_by(table.c.cluster_id)
        )
        with self.engine.connect() as connection:
            return {
                number: Tally(size=size, pinned=pinned, borderline=borderline)
                for number, size, pinned, borderline in connection.execute(query)
            }

    def surest(
        self, name: str, cluster_id: int, limit: int, after: tuple[float, str] | None = None
    ) -> list[Placed]:
        """Give members of a cluster, surest first, those alike by id.

        Args:
            name: the view.
            cluster_id: the cluster.
            limit: most members.
            after: confidence and id of the one after whom to begin; None for the first.
        """
        table = members_table
        query = select(table.c.item_id, table.c.confidence, table.c.pinned).where(
            table.c.view == name, table.c.cluster_id == cluster_id
        )
        if after is not None:
            confidence, item_id = after
            query = query.where(
                table.c.confidence <= confidence,
                (table.c.confidence < confidence) | (table.c.item_id > item_id),
            )
        query = query.order_by(table.c.confidence.desc(), table.c.item_id).limit(limit)
        with self.engine.connect() as connection:
            return [
                Placed(item_id=row.item_id, confidence=row.confidence, pinned=row.pinned)
                for row in connection.execute(query)
            ]

    def write(
        self,
        view: View,
        learnt: Learnt,
        members: Members,
        beside: Beside = lambda _connection: None,
    ) -> None:
        """Write a whole view, in place of what has its name.

        Args:
            view: the view.
            learnt: what it has learnt.
            members: who is in it.
            beside: what else changes with it, in the same transaction.
        """
        with self.engine.begin() as connection:
            beside(connection)
            _delete(connection, view.name)
            upsert(connection, views_table, [_to_row(view) | {"learnt": _to_bytes(learnt)}])
            _write_clusters(connection, view)
            _write_members(connection, view, members)

    def update(self, view: View, arrived: Members | None = None, gone: Sequence[str] = ()) -> None:
        """Write a view that has learnt nothing new, and those of its members that changed.

        Args:
            view: the view as it is now; it must be there.
            arrived: members that are new or have another place; None for nobody.
            gone: items that have left.
        """
        table = members_table
        row = _to_row(view)
        with self.engine.begin() as connection:
            connection.execute(
                views_table.update().where(views_table.c.name == view.name).values(**row)
            )
            connection.execute(delete(clusters_table).where(clusters_table.c.view == view.name))
            _write_clusters(connection, view)
            for batch in batches(gone):
                connection.execute(
                    delete(table).where(table.c.view == view.name, table.c.item_id.in_(batch))
                )
            if arrived is not None:
                _write_members(connection, view, arrived)

    def delete(self, name: str, beside: Beside = lambda _connection: None) -> None:
        """Forget a view; its items stay in the library.

        Args:
            name: of the view.
            beside: what else changes with it, in the same transaction.

        Raises:
            ViewError: there is none of this name.
        """
        self.view(name)
        with self.engine.begin() as connection:
            beside(connection)
            _delete(connection, name)


def _delete(connection: Connection, name: str) -> None:
    for table, column in _ROWS_OF_A_VIEW:
        connection.execute(delete(table).where(column == name))


def _write_clusters(connection: Connection, view: View) -> None:
    rows = [
        {
            "view": view.name,
            "cluster_id": cluster.cluster_id,
            "position": position,
            "name": cluster.name,
            "words": json.dumps(cluster.words),
        }
        for position, cluster in enumerate(view.clusters)
    ]
    upsert(connection, clusters_table, rows)


def _write_members(connection: Connection, view: View, members: Members) -> None:
    columns = (members.clusters, members.confidence, members.pinned)
    rows = zip(members.item_ids, *(c.tolist() for c in columns), members.digests, strict=True)
    names = ("item_id", "cluster_id", "confidence", "pinned", "digest")
    upsert(
        connection,
        members_table,
        [{"view": view.name, **dict(zip(names, row, strict=True))} for row in rows],
    )


def _to_row(view: View) -> dict[str, Any]:
    return {
        "name": view.name,
        "candidates": json.dumps(asdict(view.candidates)),
        "where_clause": view.where,
        "seed": view.seed,
        "ablate": json.dumps(view.ablate),
        "next_id": view.next_id,
        "generation": view.generation,
        "watch": json.dumps(asdict(view.watch)),
        "created_at": view.created_at.isoformat(),
        "updated_at": view.updated_at.isoformat(),
    }


def _view(row: Any, clusters: Sequence[Any]) -> View:
    known = json.loads(row.candidates)
    lists = {name: tuple(known[name]) for name in ("words", "templates")}
    return View(
        name=row.name,
        candidates=Candidates(**{**known, **lists}),
        where=row.where_clause,
        seed=row.seed,
        ablate=tuple(json.loads(row.ablate)),
        clusters=tuple(
            Cluster(cluster_id=c.cluster_id, name=c.name, words=tuple(json.loads(c.words)))
            for c in clusters
        ),
        next_id=row.next_id,
        generation=row.generation,
        watch=Watch(**json.loads(row.watch)),
        created_at=datetime.fromisoformat(row.created_at),
        updated_at=datetime.fromisoformat(row.updated_at),
    )


def _to_bytes(learnt: Learnt) -> bytes:
    space, readout = learnt.space, learnt.readout
    # Tensors come back in order of name; the number keeps the blocks in theirs.
    means = {f"mean.{n:02d}.{field}": m for n, (field, m) in enumerate(space.means.items())}
    arrays = {
        "words": space.words,
        "anchors": space.anchors,
        "weights": readout.weights,
        "bias": readout.bias,
        **means,
    }
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _from_bytes(data: bytes) -> Learnt:
    arrays = load(data)
    means = {
        name.split(".", 2)[2]: arrays[name] for name in sorted(arrays) if name.startswith("mean.")
    }
    return Learnt(
        space=AspectSpace(means=means, words=arrays["words"], anchors=arrays["anchors"]),
        readout=Readout(weights=arrays["weights"], bias=arrays["bias"]),
    )
