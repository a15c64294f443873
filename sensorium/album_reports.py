"""Views as they are told to a person: clusters with their surest and their least sure items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranking.view_store import ViewStore
from ranking.views import Cluster, Members, View
from sensorium.reports import ClusterReport, Glimpse, Member, ViewReport
from sensorium.search import glimpses
from sensorium.workspace import Workspace


class _Picked(NamedTuple):
    """Rows of a cluster's members."""

    every: NDArray[np.int64]
    """All of them, surest first."""
    borderline: NDArray[np.int64]
    """Those that are doubtful and not pinned, least sure first."""


def view_reports(workspace: Workspace) -> list[ViewReport]:
    """Every view without its items, in order of name."""
    return [
        view_report(workspace, name, num_shown=0) for name in ViewStore(workspace.engine).names()
    ]


def view_report(
    workspace: Workspace, name: str, cluster: str = "", num_shown: int = 3
) -> ViewReport:
    """Give a view with some items of each cluster.

    Args:
        workspace: the library's folder.
        name: the view.
        cluster: only this one; empty for all.
        num_shown: most typical and most borderline items of each.

    Raises:
        ViewError: there is no such view or cluster.
    """
    store = ViewStore(workspace.engine)
    view = store.view(name)
    chosen = [view.cluster(cluster)] if cluster else view.clusters
    members = store.members(view)
    picked = {c.cluster_id: _picked(view, members, c) for c in chosen}
    shown = _shown(workspace, members, [*picked.values()], num_shown)
    reports = [_report(members, c, picked[c.cluster_id], shown, num_shown) for c in chosen]
    return ViewReport(
        name=name,
        aspect=view.candidates.aspect,
        source=view.candidates.source,
        where=view.where,
        size=len(members),
        clusters=tuple(sorted(reports, key=lambda report: (-report.size, report.name))),
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def member_rows(
    workspace: Workspace, name: str, cluster: str = "", most: int | None = None
) -> Iterator[dict[str, Any]]:
    """Walk the items of a view cluster by cluster, the surest first, as programs read them.

    Args:
        workspace: the library's folder.
        name: the view.
        cluster: only this one; empty for all.
        most: items of each; None for every one.

    Raises:
        ViewError: there is no such view or cluster.
    """
    store = ViewStore(workspace.engine)
    view = store.view(name)
    members = store.members(view)
    for one in [view.cluster(cluster)] if cluster else view.clusters:
        for row in _picked(view, members, one).every[:most]:
            yield {
                "item_id": members.item_ids[row],
                "cluster": one.cluster_id,
                "name": one.name,
                "confidence": round(float(members.confidence[row]), 4),
                "pinned": bool(members.pinned[row]),
            }


def _picked(view: View, members: Members, cluster: Cluster) -> _Picked:
    rows = np.flatnonzero(members.clusters == cluster.cluster_id)
    rows = rows[np.argsort(-members.confidence[rows], kind="stable")]
    doubtful = (members.confidence[rows] < view.watch.doubt) & ~members.pinned[rows]
    return _Picked(rows, rows[doubtful][::-1])


def _shown(
    workspace: Workspace, members: Members, picked: Sequence[_Picked], num_shown: int
) -> dict[str, Glimpse]:
    active = workspace.active
    rows = {int(row) for parts in picked for part in parts for row in part[:num_shown]}
    ids = [members.item_ids[row] for row in sorted(rows)]
    return glimpses(workspace, active, ids) if active else {}


def _report(
    members: Members, cluster: Cluster, picked: _Picked, shown: dict[str, Glimpse], num_shown: int
) -> ClusterReport:
    def told(rows: NDArray[np.int64]) -> tuple[Member, ...]:
        return tuple(
            Member(
                confidence=float(members.confidence[row]),
                pinned=bool(members.pinned[row]),
                item=shown[members.item_ids[row]],
            )
            for row in rows[:num_shown]
            if members.item_ids[row] in shown
        )

    typical = picked.every[:num_shown]
    return ClusterReport(
        cluster_id=cluster.cluster_id,
        name=cluster.name,
        words=cluster.words,
        size=len(picked.every),
        share=len(picked.every) / max(len(members), 1),
        pinned=int(members.pinned[picked.every].sum()),
        borderline=len(picked.borderline),
        typical=told(typical),
        doubtful=told(picked.borderline[~np.isin(picked.borderline, typical)]),
    )
