"""A view as one page of pictures: each cluster with its surest and its least sure items."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from sensorium.cards import Card, contents, grid, write_html
from sensorium.reports import ClusterReport, Member, ViewReport

MOST_WORDS = 3
"""Words beside a cluster's name."""


def write_view_sheet(path: Path, report: ViewReport) -> None:
    """Write a view as one self-contained HTML file.

    Args:
        path: the file to write; its folder is made where missing.
        report: the view with the items to show.
    """
    base = path.resolve().parent
    titles = [(_anchor(cluster), f"{cluster.name} {cluster.size}") for cluster in report.clusters]
    header = [f'<p class="lead">{_lead(report)}</p>', contents("Clusters", titles)]
    main = [_section(cluster, base) for cluster in report.clusters]
    foot = (
        "Confidence says how sure an item's place is. Borderline items are those that the view is "
        "less sure of than of nine in ten when it was learnt. "
        "The coloured bar shows what an item's vector is made of."
    )
    write_html(path, report.name, header, main, foot)


def _lead(report: ViewReport) -> str:
    where = f", where <code>{escape(report.where)}</code>" if report.where else ""
    return f"{_counted(report.size)} by {escape(report.aspect)}{where}"


def _section(cluster: ClusterReport, base: Path) -> str:
    anchor = _anchor(cluster)
    also = [word for word in cluster.words if word.casefold() != cluster.name.casefold()]
    near = f"; near to {escape(', '.join(also[:MOST_WORDS]))}" if also else ""
    note = f"{_counted(cluster.size)}, {cluster.share:.0%}, {cluster.borderline} borderline{near}"
    groups = [
        f'<h3 class="group">{title}</h3>\n{grid(_cards(members), base)}'
        for title, members in (("Typical", cluster.typical), ("Borderline", cluster.doubtful))
        if members
    ]
    body = "\n".join(groups) or '<p class="empty">No item is in this cluster now.</p>'
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-name">\n'
        f'<h2 id="{anchor}-name">{escape(cluster.name)}</h2><p class="note">{note}</p>\n'
        f'<div class="track wide" aria-hidden="true">'
        f'<i style="width:{cluster.share:.1%}"></i></div>\n'
        f"{body}\n</section>"
    )


def _cards(members: Sequence[Member]) -> list[Card]:
    return [
        Card(
            item=member.item,
            score=member.confidence,
            measure="confidence",
            remark="pinned" if member.pinned else "",
        )
        for member in members
    ]


def _anchor(cluster: ClusterReport) -> str:
    return f"cluster-{cluster.cluster_id}"


def _counted(number: int) -> str:
    return f"{number:,} item{'' if number == 1 else 's'}"
