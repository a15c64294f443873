"""What a service holds in memory and in its log, for its metrics.

A cache without a limit of its own is as large as the library makes it, and has no limit here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select

from ingest.database import WorkspaceError
from ingest.event_log import events_table
from retrieval.table import View
from sensorium.feed import Recommender
from sensorium.service.serving import Host, Serving


class Cache(NamedTuple):
    """Memory held under one name."""

    name: str
    """Stable."""
    size_bytes: int
    """What is held; what is mapped from a file counts whole."""
    limit_bytes: int | None
    """What it never exceeds; None where the library decides."""


def held_by(host: Host) -> Iterator[Metric]:
    """Tell what a service holds; without the database, all but what only that knows."""
    if host.loaded is not None:
        yield from _of_state(host.loaded)
    logged = GaugeMetricFamily("sensorium_events_logged", "Number of the last event in the log.")
    reached = GaugeMetricFamily("sensorium_database_up", "1 where the database answers.")
    try:
        with host.library.workspace.engine.connect() as connection:
            last = connection.scalar(select(func.max(events_table.c.sequence)))
        logged.add_metric([], float(last or 0))
        reached.add_metric([], 1)
        yield logged
    except WorkspaceError:
        reached.add_metric([], 0)
    yield reached


def caches(serving: Serving) -> Sequence[Cache]:
    """Give every store of a state that takes memory."""
    recommender, mirror = serving.recommender, serving.mirror
    states = recommender.states
    counts = recommender.counts.standings.now
    return (
        Cache("user_states", states.size_bytes, states.config.cache_mib << 20),
        Cache("mirror_items", _table_bytes(mirror.items), None),
        Cache("mirror_segments", _table_bytes(mirror.segments), None),
        Cache("shelf_vectors", recommender.stock.shelf.vectors.nbytes, None),
        Cache(
            "source_counts", counts.shown.nbytes + counts.liked.nbytes + counts.heat.nbytes, None
        ),
        Cache("ranker_vectors", _ranker_bytes(recommender), None),
        Cache("query_words", serving.encoders.kept.size_bytes, serving.encoders.kept.most_bytes),
    )


def _of_state(serving: Serving) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "sensorium_items", "Items that are served.", value=float(len(serving.mirror))
    )
    yield GaugeMetricFamily(
        "sensorium_users_at_hand",
        "People whose state is at hand.",
        value=float(len(serving.recommender.states)),
    )
    sizes = GaugeMetricFamily("sensorium_cache_bytes", "Memory of a cache.", labels=["cache"])
    limits = GaugeMetricFamily(
        "sensorium_cache_limit_bytes", "What a cache never exceeds.", labels=["cache"]
    )
    for cache in caches(serving):
        sizes.add_metric([cache.name], float(cache.size_bytes))
        if cache.limit_bytes is not None:
            limits.add_metric([cache.name], float(cache.limit_bytes))
    yield sizes
    yield limits


def _table_bytes(view: View) -> int:
    """Vectors of a table, with what says which row each is of."""
    return sum(space.matrix.nbytes + space.rows.nbytes for space in view.spaces.values())


def _ranker_bytes(recommender: Recommender) -> int:
    """Vectors that a learnt ranker holds of the library; 0 for one that needs none."""
    learnt = getattr(recommender.feed.ranker, "recommender", None)
    return int(learnt.size_bytes) if learnt is not None else 0
