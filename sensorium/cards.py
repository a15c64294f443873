"""Items as cards on one page that opens anywhere, also without a network.

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
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from urllib.parse import quote, urlsplit

from ingest.item import MODALITIES
from sensorium.previews import peaks_of
from sensorium.reports import Glimpse

MOST_CHARACTERS = 240
"""Words of a text item that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One item as a page shows it."""

    item: Glimpse
    """What is shown of it."""
    score: float = 0.0
    """In [0, 1]."""
    measure: str = "relevance"
    """What the score is; empty for none."""
    segment: tuple[float, float] | None = None
    """``start_seconds, end_seconds`` of the moment found."""
    remark: str = ""
    """A word besides; empty for none."""
    note: str = ""
    """A sentence about why it is here; empty for none."""
    small: str = ""
    """What stands below that in small letters; empty for nothing."""


def write_html(
    path: Path, title: str, header: Sequence[str], main: Sequence[str], foot: str
) -> None:
    """Write one self-contained HTML file.

    Args:
        path: the file to write; its folder is made where missing.
        title: name and heading of the page, unescaped.
        header: elements below the heading.
        main: elements of the body.
        foot: the last element's content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    style = resources.files("sensorium").joinpath("data/contact_sheet.css").read_text("utf-8")
    page = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>",
        f"<header>\n<h1>{escape(title)}</h1>",
        *header,
        f"{_key()}\n</header>\n<main>",
        *main,
        f"</main>\n<footer>{foot}</footer>\n</body>\n</html>\n",
    ]
    path.write_text("\n".join(part for part in page if part), encoding="utf-8")


def contents(label: str, titles: Sequence[tuple[str, str]]) -> str:
    """A list of links to the page's own sections; empty where one would lead nowhere else.

    Args:
        label: what the sections are.
        titles: anchor and unescaped title of each.
    """
    if len(titles) < 2:
        return ""
    entries = "".join(
        f'<li><a href="#{anchor}">{escape(title)}</a></li>' for anchor, title in titles
    )
    return f'<nav aria-label="{label}">\n<ul>{entries}</ul>\n</nav>'


def grid(cards: Sequence[Card], base: Path) -> str:
    """Cards in rows, each with its rank.

    Args:
        cards: first to last.
        base: folder of the page.
    """
    entries = "\n".join(_card(rank, card, base) for rank, card in enumerate(cards, start=1))
    return f'<ol class="grid">\n{entries}\n</ol>'


def _key() -> str:
    entries = "".join(
        f'<span><i class="dot {modality}" aria-hidden="true"></i>{modality}</span>'
        for modality in MODALITIES
    )
    return f'<p class="key" aria-label="Colours of the modalities">{entries}</p>'


def _card(rank: int, card: Card, base: Path) -> str:
    item = card.item
    name = item.title or item.item_id
    link = link_to(item.uri, base)
    heading = f'<a href="{link}">{escape(name)}</a>' if link else escape(name)
    item_id = f'<p class="id">{escape(item.item_id)}</p>' if item.title else ""
    moment = (
        f'<span class="chip">{card.segment[0]:.1f} to {card.segment[1]:.1f} s</span>'
        if card.segment
        else ""
    )
    remark = f'<span class="chip">{escape(card.remark)}</span>' if card.remark else ""
    note = f'<p class="why">{escape(card.note)}</p>' if card.note else ""
    small = f'<p class="id">{escape(card.small)}</p>' if card.small else ""
    meter = _meter(card.measure, card.score) if card.measure else ""
    kind = item.kind if item.kind in MODALITIES else "text"
    return (
        f'<li class="card"><div class="picture">{_picture(card, link)}'
        f'<span class="rank" aria-label="Rank {rank}">{rank}</span></div>\n<div class="body">'
        f'<h3>{heading}</h3>{item_id}<p class="facts"><span class="chip tint-{kind}">'
        f"{escape(item.kind)}</span>{moment}{remark}</p>{note}{small}{meter}"
        f"{_shares(item.modality_weights)}</div></li>"
    )


def _picture(card: Card, link: str) -> str:
    item = card.item
    name = escape(item.title or item.item_id)
    source = embedded(item.thumbnail) if item.thumbnail else ""
    local = bool(link) and not link.startswith("http")
    if item.kind == "video" and local:
        moment = f"#t={card.segment[0]:.2f},{card.segment[1]:.2f}" if card.segment else ""
        poster = f' poster="{source}"' if source else ""
        return (
            f'<video controls preload="none"{poster} src="{link}{moment}" '
            f'aria-label="Clip {name}"></video>'
        )
    if item.kind == "audio":
        player = (
            f'<audio controls preload="none" src="{link}" aria-label="Sound {name}"></audio>'
            if local
            else ""
        )
        return f'<div class="sound">{_wave(item.uri)}{player}</div>'
    if source:
        picture = f'<img src="{source}" alt="{name}" loading="lazy">'
        return f'<a href="{link}">{picture}</a>' if link else picture
    return f'<p class="words">{escape(_shortened(item.text or item.title or item.item_id))}</p>'


def embedded(jpeg: bytes) -> str:
    """A thumbnail as an attribute's value."""
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


def _meter(measure: str, score: float) -> str:
    share = min(max(score, 0.0), 1.0)
    return (
        f'<div class="meter"><span>{measure} <b>{score:.2f}</b></span>'
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


def link_to(uri: str, base: Path) -> str:
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
