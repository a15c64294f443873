"""Pages of recommendations as one page of pictures, with the reason under each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from sensorium.cards import Card, contents, grid, write_html
from sensorium.recommend_display import parts_in_words
from sensorium.recommend_reports import FeedReport


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSection:
    """One page under its heading."""

    title: str
    """What it shows, such as whom it is for."""
    report: FeedReport
    """The page."""
    note: str = ""
    """A sentence under the heading, before those that the page brings; empty for none."""


def write_feed_sheet(path: Path, title: str, sections: Sequence[FeedSection]) -> None:
    """Write pages of recommendations as one self-contained HTML file.

    Args:
        path: the file to write; its folder is made where missing.
        title: heading of the whole.
        sections: pages in order.
    """
    base = path.resolve().parent
    numbered = list(enumerate(sections, start=1))
    header = [contents("Pages", [(f"p{number}", one.title) for number, one in numbered])]
    main = [_section(number, one, base) for number, one in numbered]
    foot = (
        "Under each item: why it is here, and what its score is made of. "
        "The coloured bar shows what an item's vector is made of."
    )
    write_html(path, title, header, main, foot)


def _section(number: int, section: FeedSection, base: Path) -> str:
    said = " ".join(filter(None, (section.note, *section.report.page.notes)))
    note = f'<p class="note">{escape(said)}</p>' if said else ""
    cards = _cards(section.report)
    body = grid(cards, base) if cards else '<p class="empty">There is nothing left to show.</p>'
    return (
        f'<section id="p{number}" aria-labelledby="h{number}">\n'
        f'<h2 id="h{number}">{escape(section.title)}</h2>{note}\n{body}\n</section>'
    )


def _cards(report: FeedReport) -> list[Card]:
    return [
        Card(
            item=report.items[pick.item_id],
            measure="",
            remark=pick.reason.interest,
            note=report.why(pick),
            small=f"{pick.score:.3f} = {parts_in_words(pick.parts)}",
        )
        for pick in report.page.picks
        if pick.item_id in report.items
    ]
