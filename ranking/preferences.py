"""What people said about interests themselves: none of this, more of that.

It lies in the workspace's database. A factor belongs to a cluster of a view by its number, so it
outlives a new name. Where clusters are merged or divided, or a view is made anew under its name,
``regroup`` takes along what is said of the clusters that the new ones are made of, within the
transaction that changes the view. Who muted a part of a cluster sees nothing of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    select,
)

from ingest.catalogue import upsert
from ingest.errors import SensoriumError
from ingest.event import is_name
from ingest.event_log import NAME

METADATA = MetaData()

preferences_table = Table(
    "preferences",
    METADATA,
    Column("user_id", NAME, primary_key=True),
    Column("view", String, primary_key=True),
    Column("cluster_id", Integer, primary_key=True),
    Column("factor", Float, nullable=False),
)

MUTED, NEUTRAL, MORE = 0.0, 1.0, 2.0
"""Factors of an interest: nothing of it, nothing said about it, more of it."""
HIGHEST = 10.0
"""Highest factor."""


class PreferenceError(SensoriumError):
    """A preference that cannot be."""

    code = "preference"


class Preferences:
    """What the people of one workspace said about interests.

    Args:
        engine: from ``ingest.database.open_database``.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        METADATA.create_all(engine)

    def set(self, user_id: str, view: str, cluster_id: int, factor: float) -> None:
        """Keep how much of an interest somebody wants.

        Args:
            user_id: who.
            view: the view that the interest is of.
            cluster_id: number of its cluster there.
            factor: 0 for nothing of it, 1 to take back what was said, up to ``HIGHEST`` for more.

        Raises:
            PreferenceError: the factor or the user's id cannot be.
        """
        if not math.isfinite(factor) or not MUTED <= factor <= HIGHEST:
            raise PreferenceError(
                f"{factor:g} is no factor of an interest",
                f"use {MUTED:g} for none of it, {NEUTRAL:g} for as it is, up to {HIGHEST:g} for "
                "more",
            )
        if not is_name(user_id):
            raise PreferenceError(f"{user_id!r} is no user", "use the id that their events have")
        key: dict[str, str | int] = {"user_id": user_id, "view": view, "cluster_id": cluster_id}
        with self.engine.begin() as connection:
            if factor == NEUTRAL:
                _delete(connection, **key)
            else:
                upsert(connection, preferences_table, [{**key, "factor": factor}])

    def of(self, user_id: str, view: str) -> dict[int, float]:
        """Give what somebody said about the interests of a view: factors by cluster number."""
        table = preferences_table
        query = select(table.c.cluster_id, table.c.factor).where(
            table.c.user_id == user_id, table.c.view == view
        )
        with self.engine.connect() as connection:
            return {row.cluster_id: row.factor for row in connection.execute(query)}

    def users(self) -> list[str]:
        """Give the users who said something, in byte order."""
        column = preferences_table.c.user_id
        query = select(column).distinct().order_by(column)
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    def erase(self, user_id: str) -> int:
        """Take away all that a user said, for good; give how many factors there were."""
        with self.engine.begin() as connection:
            return _delete(connection, user_id=user_id)


def regroup(connection: Connection, view: str, parts: Mapping[int, Collection[int]]) -> None:
    """Take along what people said of a view's clusters when others come in their place.

    Args:
        connection: within the transaction that changes the view.
        view: name of the view.
        parts: numbers of the old clusters that each new one is made of, by its number; what is said
            of any other is forgotten. Empty for a view that is deleted.
    """
    query = select(preferences_table).where(preferences_table.c.view == view)
    said: dict[str, dict[int, float]] = {}
    for row in connection.execute(query):
        said.setdefault(row.user_id, {})[row.cluster_id] = row.factor
    _delete(connection, view=view)
    kept = [
        {"user_id": user_id, "view": view, "cluster_id": number, "factor": _of_parts(given)}
        for user_id, factors in said.items()
        for number, of in parts.items()
        if (given := [factors[part] for part in of if part in factors])
    ]
    upsert(connection, preferences_table, kept)


def _of_parts(factors: list[float]) -> float:
    """What is said of a whole by what was said of some parts: muting holds, else the most."""
    return MUTED if MUTED in factors else max(factors)


def _delete(connection: Connection, **key: str | int) -> int:
    query = delete(preferences_table)
    for name, value in key.items():
        query = query.where(preferences_table.c[name] == value)
    return connection.execute(query).rowcount
