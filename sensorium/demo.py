"""The demo: fetch real media, index them on Ray, search them, group them, recommend from them.

The workspace stays, so a second run finds everything done and only asks again. The bundled family
is set, because the demo promises to need nothing but a package index.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sensorium.album_reports import view_report
from sensorium.albums import Albums, ClusterRequest
from sensorium.config import Config
from sensorium.demo_feed import OTHERS, PERSON, show_feeds
from sensorium.demo_feed import PAGE as FEED_PAGE
from sensorium.demo_media import place_media
from sensorium.display import show_answers, show_report, write_page
from sensorium.intake import IndexRequest
from sensorium.library import Library, open_library
from sensorium.progress import bar_progress, download_progress, format_seconds
from sensorium.query import SearchRequest
from sensorium.views_display import show_view
from sensorium.views_display import write_page as write_view_page

if TYPE_CHECKING:
    from rich.console import Console

PAGE = "contact-sheet.html"
"""The page of answers in the demo's folder."""
LISTED, PICTURED = 3, 8
"""Items of each cluster in the terminal and on the page."""
ALBUMS = ("mood", "type of thing")
"""Aspects that the demo's library is grouped by."""
WORKSPACE = "sensorium-data"
"""The workspace in the demo's folder."""


def run(folder: Path, progress: Console, out: Console) -> None:
    """Run the demo.

    Args:
        folder: where media, index and page go; made where missing.
        progress: writes to stderr.
        out: writes to stdout.

    Raises:
        ModelUnavailableError: media or weights cannot be fetched.
    """
    started = time.monotonic()
    progress.print("fetching photographs, clips and sounds", highlight=False)
    with download_progress(progress) as fetched:
        place_media(folder, fetched)
    library = open_library(folder / WORKSPACE, demo_config(), create=True)
    progress.print("indexing them on Ray", highlight=False)
    outcome = library.index(IndexRequest(source=str(folder / "media"), prune=True), progress, False)
    show_report(outcome, out, as_json=False)
    pages = []
    for request in questions(folder / "queries"):
        page = library.search(request, progress)
        out.print()
        out.rule(page.title, align="left", style="dim")
        show_answers(page, out, as_json=False)
        pages.append(page)
    write_page(folder / PAGE, pages, title="Sensorium demo")
    for aspect in ALBUMS:
        out.print()
        _group(library, aspect, folder, progress, out)
    show_feeds(library, folder, out)
    spent = format_seconds(time.monotonic() - started)
    pages_made = f"{PAGE}, album-*.html and {FEED_PAGE} in {folder}"
    out.print(f"\ndone in {spent}; look at {pages_made}", markup=False, highlight=False)
    out.print(
        f"or in a browser, with the feeds of {', '.join((PERSON, *OTHERS))}: make serve, or\n"
        f"sensorium serve -w {folder / WORKSPACE}",
        markup=False,
        highlight=False,
    )


def _group(library: Library, aspect: str, folder: Path, progress: Console, out: Console) -> None:
    """Make a view of the library, print it and write its page."""
    request = ClusterRequest(by=aspect, replace=True)
    with bar_progress(progress, quiet=False) as show:
        name, notes = Albums(library).create(request, progress, lambda at, done: show(done, at))
    show_view(view_report(library.workspace, name, "", LISTED), out, notes)
    write_view_page(
        folder / f"album-{name}.html", view_report(library.workspace, name, "", PICTURED), progress
    )


def demo_config() -> Config:
    """The settings of the demo: bundled encoders, on Ray."""
    plain = Config()
    return replace(plain, family="bundled", run=replace(plain.run, backend="ray"))


def questions(queries: Path) -> Sequence[SearchRequest]:
    """What the demo asks: one search of each kind.

    Args:
        queries: folder of the media that are asked with and not indexed.
    """
    ask = SearchRequest
    motorcycle, duck = queries / "motorcycle_right.png", queries / "duck.mp3"
    return (
        ask(text="a dog barking", limit=4),
        ask(text="fruit", limit=4),
        ask(text="outer space", limit=5),
        ask(text="how to bake bread", limit=3),
        ask(text="music", modalities=("audio", "video"), limit=3),
        ask(text="a parrot looks into the camera", modalities=("video",), moments=True, limit=3),
        ask(images=(motorcycle,), limit=3),
        ask(sounds=(duck,), limit=4),
        ask(sounds=(duck,), modalities=("image",), limit=4),
        ask(clips=(queries / "single_face.mp4",), modalities=("video", "image"), limit=4),
        ask(like=("photos/chelsea",), limit=4),
        ask(text="a rocket", like=("photos/tesla_tower1_lg",), limit=4),
        ask(text="tall buildings", without=("at night",), limit=4),
        ask(text="an animal", where="has_image and width > 300", limit=5),
        ask(text="quarterly tax return of a shipping company", limit=5),
    )
