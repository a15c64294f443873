"""Questions and answers as one page of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ingest.item import Modality
from ingest.kinds import EXTENSIONS, extension
from sensorium.cards import Card, contents, embedded, grid, link_to, write_html
from sensorium.previews import thumbnail_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One question with its answers."""

    title: str
    """The question in words."""
    cards: Sequence[Card]
    """Answers, best first; may be empty."""
    note: str = ""
    """One sentence under the question; empty for none."""
    asked_with: tuple[Path, ...] = ()
    """Local files that were part of the question."""


def write_contact_sheet(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write questions and answers as one self-contained HTML file.

    Args:
        path: the file to write; its folder is made where missing.
        title: heading of the page.
        sections: questions in the order of the page.
    """
    base = path.resolve().parent
    numbered = list(enumerate(sections, start=1))
    titles = [(f"q{number}", section.title) for number, section in numbered]
    header = [f'<p class="lead">{_summary(sections)}</p>', contents("Searches", titles)]
    foot = (
        "Relevance is calibrated: 0 is like an unrelated pair, 1 a sure match. "
        "The coloured bar shows what an item's vector is made of."
    )
    main = [_section(number, section, base) for number, section in numbered]
    write_html(path, title, header, main, foot)


def _summary(sections: Sequence[Section]) -> str:
    answers = sum(len(section.cards) for section in sections)
    searches = f"{len(sections)} search{'' if len(sections) == 1 else 'es'}"
    return f"{searches}, {answers} answer{'' if answers == 1 else 's'}"


def _section(number: int, section: Section, base: Path) -> str:
    note = f'<p class="note">{escape(section.note)}</p>' if section.note else ""
    pictures = "".join(_asked(file, base) for file in section.asked_with)
    asked = f'<div class="asked">{pictures}</div>' if pictures else ""
    answers = (
        grid(section.cards, base)
        if section.cards
        else '<p class="empty">No good match: nothing here is relevant enough.</p>'
    )
    heading = f'<h2 id="h{number}">{escape(section.title)}</h2>'
    return (
        f'<section id="q{number}" aria-labelledby="h{number}">\n<div class="head">{asked}'
        f"<div>{heading}{note}</div></div>\n{answers}\n</section>"
    )


def _asked(file: Path, base: Path) -> str:
    link = link_to(str(file.resolve()), base)
    if jpeg := thumbnail_of(file):
        alt = escape(f"The picture asked with, {file.name}")
        return f'<a href="{link}"><img src="{embedded(jpeg)}" alt="{alt}"></a>'
    label = escape(f"What was asked with, {file.name}")
    player = "video" if EXTENSIONS.get(extension(file.name)) is Modality.VIDEO else "audio"
    return f'<{player} controls preload="none" src="{link}" aria-label="{label}"></{player}>'
