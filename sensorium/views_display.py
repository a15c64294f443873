"""What the commands about albums print: tables for people, one JSON object a line for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from sensorium.display import counted, plain_table, print_json
from sensorium.reports import ClusterReport, Member, ViewReport

MOST_CHARACTERS = 32
"""Longest name of an item in a table."""
MOST_CLUSTERS = 8
"""Clusters of a view that a list of views names."""


def show_view(report: ViewReport, console: Console, notes: Sequence[str] = ()) -> None:
    """Print a view: a row per cluster."""
    console.print(f"[bold]{escape(_headline(report))}[/bold]", highlight=False)
    table = plain_table("cluster", "items", "share", "borderline", "pinned", "typical")
    for cluster in report.clusters:
        table.add_row(
            escape(cluster.name),
            str(cluster.size),
            f"{cluster.share:.0%}",
            str(cluster.borderline),
            str(cluster.pinned or ""),
            escape(", ".join(_short(member) for member in cluster.typical)),
        )
    console.print(table)
    for note in notes:
        console.print(f"[dim]{escape(note)}[/dim]")


def show_clusters(report: ViewReport, console: Console) -> None:
    """Print a view as one JSON object per cluster."""
    for cluster in report.clusters:
        print_json(console, {"view": report.name, **_row(cluster)})


def show_members(rows: Iterable[dict[str, Any]], console: Console) -> None:
    """Print items of a view as one JSON object each."""
    for row in rows:
        print_json(console, row)


def show_views(reports: Sequence[ViewReport], console: Console, as_json: bool) -> None:
    """Print every view with its clusters."""
    if as_json:
        for report in reports:
            print_json(console, _summary(report))
        return
    if not reports:
        console.print('no views yet: make one with sensorium cluster --by "colour"')
        return
    table = plain_table("view", "by", "items", "clusters", "changed")
    for report in reports:
        names = [f"{cluster.name} {cluster.size}" for cluster in report.clusters]
        more = [f"and {len(names) - MOST_CLUSTERS} more"] if len(names) > MOST_CLUSTERS else []
        table.add_row(
            escape(report.name),
            escape(report.aspect),
            str(report.size),
            escape(", ".join(names[:MOST_CLUSTERS] + more)),
            f"{report.updated_at:%Y-%m-%d %H:%M}",
        )
    console.print(table)


def write_page(path: Path, report: ViewReport, console: Console) -> None:
    """Write a view as one self-contained HTML page, and say so."""
    from sensorium.view_sheet import write_view_sheet

    write_view_sheet(path, report)
    console.print(f"wrote {path}", markup=False, highlight=False)


def _headline(report: ViewReport) -> str:
    clusters = counted(len(report.clusters), "cluster")
    where = f" where {report.where}" if report.where else ""
    return (
        f"{report.name}: {counted(report.size, 'item')} by {report.aspect}{where}, {clusters} "
        f"(words: {report.source})"
    )


def _short(member: Member) -> str:
    name = member.item.title or member.item.item_id
    return name if len(name) <= MOST_CHARACTERS else name[: MOST_CHARACTERS - 1].rstrip() + "…"


def _row(cluster: ClusterReport) -> dict[str, Any]:
    return {
        "cluster": cluster.cluster_id,
        "name": cluster.name,
        "size": cluster.size,
        "share": round(cluster.share, 4),
        "borderline": cluster.borderline,
        "pinned": cluster.pinned,
        "words": cluster.words,
        "typical": [member.item.item_id for member in cluster.typical],
    }


def _summary(report: ViewReport) -> dict[str, Any]:
    return {
        "view": report.name,
        "by": report.aspect,
        "source": report.source,
        "filter": report.where,
        "items": report.size,
        "clusters": {cluster.name: cluster.size for cluster in report.clusters},
        "created_at": report.created_at.isoformat(),
        "updated_at": report.updated_at.isoformat(),
    }
