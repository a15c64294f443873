"""Answers as one page of pictures that opens anywhere, also without a network.

- One file: style inside, thumbnails as base64, no script, nothing requested from elsewhere. Local
  media are linked for playing, with ``preload="none"``: they are read when a person asks.
- Files below the page's folder are linked by relative path, so that the folder can be served or
  moved; other local files by ``file:`` URI; remote ones by plain link, and only over http(s).
- Everything a user wrote (titles, ids, file names, questions) passes through ``escape`` on its way
  in; a URI of another scheme never becomes a link.
- Shape of sounds is drawn when the page is written; where that cannot be, a sign stands in.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from pathlib import Path
from urllib.parse import quote, urlsplit

from ingest.item import MODALITIES, Modality
from ingest.kinds import EXTENSIONS, extension
from sensorium.previews import peaks_of, thumbnail_of

MOST_CHARACTERS = 240
"""Words of a text item that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One answer as the page shows it."""

    item_id: str
    """The item."""
    title: str
    """Its title; empty for none."""
    kind: str
    """video, image, audio or text."""
    uri: str
    """Its first file: absolute path or URI; empty for none."""
    text: str
    """Its first words; empty for none."""
    relevance: float
    """In [0, 1]."""
    modality_weights: Mapping[str, float]
    """Share of each modality; they add to one."""
    segment: tuple[float, float] | None = None
    """``start_seconds, end_seconds`` of the moment found."""
    thumbnail: bytes = field(default=b"", repr=False)
    """JPEG; empty for none."""


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
    path.parent.mkdir(parents=True, exist_ok=True)
    base = path.resolve().parent
    style = resources.files("sensorium").joinpath("data/contact_sheet.css").read_text("utf-8")
    numbered = list(enumerate(sections, start=1))
    page = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>",
        f"<header>\n<h1>{escape(title)}</h1>",
        f'<p class="lead">{_summary(sections)}</p>',
        _contents(numbered) if len(numbered) > 1 else "",
        f"{_key()}\n</header>\n<main>",
        *(_section(number, section, base) for number, section in numbered),
        "</main>\n<footer>Relevance is calibrated: 0 is like an unrelated pair, 1 a sure match. "
        "The coloured bar shows what an item's vector is made of.</footer>\n</body>\n</html>\n",
    ]
    path.write_text("\n".join(part for part in page if part), encoding="utf-8")


def _summary(sections: Sequence[Section]) -> str:
    answers = sum(len(section.cards) for section in sections)
    searches = f"{len(sections)} search{'' if len(sections) == 1 else 'es'}"
    return f"{searches}, {answers} answer{'' if answers == 1 else 's'}"


def _contents(numbered: Sequence[tuple[int, Section]]) -> str:
    entries = "".join(
        f'<li><a href="#q{number}">{escape(section.title)}</a></li>' for number, section in numbered
    )
    return f'<nav aria-label="Searches">\n<ul>{entries}</ul>\n</nav>'


def _key() -> str:
    entries = "".join(
        f'<span><i class="dot {modality}" aria-hidden="true"></i>{modality}</span>'
        for modality in MODALITIES
    )
    return f'<p class="key" aria-label="Colours of the modalities">{entries}</p>'


def _section(number: int, section: Section, base: Path) -> str:
    note = f'<p class="note">{escape(section.note)}</p>' if section.note else ""
    pictures = "".join(_asked(file, base) for file in section.asked_with)
    asked = f'<div class="asked">{pictures}</div>' if pictures else ""
    cards = "\n".join(_card(rank, card, base) for rank, card in enumerate(section.cards, start=1))
    answers = (
        f'<ol class="grid">\n{cards}\n</ol>'
        if section.cards
        else '<p class="empty">No good match: nothing here is relevant enough.</p>'
    )
    heading = f'<h2 id="h{number}">{escape(section.title)}</h2>'
    return (
        f'<section id="q{number}" aria-labelledby="h{number}">\n<div class="head">{asked}'
        f"<div>{heading}{note}</div></div>\n{answers}\n</section>"
    )


def _asked(file: Path, base: Path) -> str:
    link = _link(str(file.resolve()), base)
    if jpeg := thumbnail_of(file):
        alt = escape(f"The picture asked with, {file.name}")
        return f'<a href="{link}"><img src="{_embedded(jpeg)}" alt="{alt}"></a>'
    label = escape(f"What was asked with, {file.name}")
    player = "video" if EXTENSIONS.get(extension(file.name)) is Modality.VIDEO else "audio"
    return f'<{player} controls preload="none" src="{link}" aria-label="{label}"></{player}>'


def _card(rank: int, card: Card, base: Path) -> str:
    name = card.title or card.item_id
    link = _link(card.uri, base)
    heading = f'<a href="{link}">{escape(name)}</a>' if link else escape(name)
    item_id = f'<p class="id">{escape(card.item_id)}</p>' if card.title else ""
    moment = (
        f'<span class="chip">{card.segment[0]:.1f} to {card.segment[1]:.1f} s</span>'
        if card.segment
        else ""
    )
    kind = card.kind if card.kind in MODALITIES else "text"
    return (
        f'<li class="card"><div class="picture">{_picture(card, link)}'
        f'<span class="rank" aria-label="Rank {rank}">{rank}</span></div>\n<div class="body">'
        f'<h3>{heading}</h3>{item_id}<p class="facts"><span class="chip tint-{kind}">'
        f"{escape(card.kind)}</span>{moment}</p>{_meter(card.relevance)}"
        f"{_shares(card.modality_weights)}</div></li>"
    )


def _picture(card: Card, link: str) -> str:
    name = escape(card.title or card.item_id)
    source = _embedded(card.thumbnail) if card.thumbnail else ""
    local = bool(link) and not link.startswith("http")
    if card.kind == "video" and local:
        moment = f"#t={card.segment[0]:.2f},{card.segment[1]:.2f}" if card.segment else ""
        poster = f' poster="{source}"' if source else ""
        return (
            f'<video controls preload="none"{poster} src="{link}{moment}" '
            f'aria-label="Clip {name}"></video>'
        )
    if card.kind == "audio":
        player = (
            f'<audio controls preload="none" src="{link}" aria-label="Sound {name}"></audio>'
            if local
            else ""
        )
        return f'<div class="sound">{_wave(card.uri)}{player}</div>'
    if source:
        picture = f'<img src="{source}" alt="{name}" loading="lazy">'
        return f'<a href="{link}">{picture}</a>' if link else picture
    return f'<p class="words">{escape(_shortened(card.text or card.title or card.item_id))}</p>'


def _embedded(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _wave(uri: str) -> str:
    peaks = peaks_of(uri)
    if not peaks:
        bars = [0.25, 0.6, 1.0, 0.45, 0.8, 0.3]
        return f'<span class="glyph">{_bars(bars, "Sound")}</span>'
    return _bars(peaks, "Shape of the sound over time")


def _bars(heights: Sequence[float], label: str) -> str:
    width = 4 * len(heights)
    bars = "".join(
        f"M{4 * i + 2} {50 - 46 * max(height, 0.02):.1f}V{50 + 46 * max(height, 0.02):.1f}"
        for i, height in enumerate(heights)
    )
    return (
        f'<svg viewBox="0 0 {width} 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}"><path d="{bars}" stroke="currentColor" stroke-width="2.4" '
        f'stroke-linecap="round"/></svg>'
    )


def _meter(relevance: float) -> str:
    share = min(max(relevance, 0.0), 1.0)
    return (
        f'<div class="meter"><span>relevance <b>{relevance:.2f}</b></span>'
        f'<span class="track" aria-hidden="true"><i style="width:{share:.1%}"></i></span></div>'
    )


def _shares(weights: Mapping[str, float]) -> str:
    shares = [(str(name), weights[name]) for name in MODALITIES if weights.get(name, 0.0) > 0]
    if not shares:
        return ""
    bars = "".join(f'<i class="{name}" style="width:{share:.1%}"></i>' for name, share in shares)
    words = ", ".join(f"{name} {share:.0%}" for name, share in shares)
    return (
        f'<span class="shares" aria-hidden="true">{bars}</span><p class="shares-text">{words}</p>'
    )


def _link(uri: str, base: Path) -> str:
    """Attribute value that opens a file from the page; empty where none is safe or possible."""
    scheme = urlsplit(uri).scheme.lower()
    if scheme in {"http", "https"}:
        return escape(uri)
    if scheme == "file":
        uri = uri.removeprefix("file://")
    elif scheme or not uri.startswith("/"):
        return ""
    path = Path(uri)
    if path.is_relative_to(base):
        return escape(quote(str(path.relative_to(base))))
    return escape(path.as_uri())


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1].rstrip() + "…"
