"""Take the pictures of the page that the README shows, from a running service.

    sensorium demo && sensorium serve -w demo/sensorium-data --port 8000
    python scripts/take_screenshots.py http://127.0.0.1:8000 --out docs

It needs Playwright and a Chromium on the path. Looking at a feed tells the library what was shown;
nothing else is written to it. With ``--theme dark`` or ``--width 390`` the same screens are taken
otherwise, under names with the suffix that is given. Colours are reduced, so that a picture stays
below 250 kB.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SETTLE_MS = 900
MOST_BYTES = 250_000


def main() -> None:
    """Take every screen."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("address", help="of the service, such as http://127.0.0.1:8000")
    asked.add_argument("--out", type=Path, default=Path("docs"), help="folder of the pictures")
    asked.add_argument("--theme", choices=("light", "dark"), default="light")
    asked.add_argument("--width", type=int, default=1200)
    asked.add_argument("--height", type=int, default=780)
    asked.add_argument("--suffix", default="", help="of the names, such as -dark")
    asked.add_argument("--words", default="a city at night", help="to search for")
    asked.add_argument("--person", default="mira", help="whose feed and interests are shown")
    given = asked.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    address = given.address.rstrip("/")
    with _page(given.width, given.height, given.theme) as page:
        for name, route in _screens(page, address, given.words, given.person).items():
            target = given.out / f"page-{name}{given.suffix}.png"
            _take(page, f"{address}/#/{route}", target)
            sys.stdout.write(f"{target}: {target.stat().st_size // 1000} kB\n")


def _screens(page: Page, address: str, words: str, person: str) -> dict[str, str]:
    """Addresses by name of picture; of albums the view with most, of items the richest clip."""
    views = _get(page, f"{address}/v1/views")["views"]
    clips = _get(page, f"{address}/v1/items?n=50&filter=has_video and has_audio")["items"]
    richest = max(clips, key=lambda item: (len(item["modality_weights"]), len(item["text"])))
    view = max(views, key=lambda one: one["num_clusters"])["name"]
    return {
        "search": f"search?text={quote(words)}",
        "feed": f"feed/{quote(person, safe='')}",
        "albums": f"albums/{quote(view, safe='')}",
        "item": f"item/{quote(richest['item_id'], safe='')}",
        "interests": f"interests/{quote(person, safe='')}",
        "library": "library",
        "views": "albums",
        "activity": "activity",
    }


def _get(page: Page, address: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = page.request.get(address).json()
    return found


@contextmanager
def _page(width: int, height: int, theme: str) -> Iterator[Page]:
    browser = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"no Chromium on the path: {', '.join(CHROMIUM)}")
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=browser,
            headless=True,
            args=list(ARGUMENTS),
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
        )
        page = context.new_page()
        page.on("console", lambda message: sys.stderr.write(f"{message.type}: {message.text}\n"))
        page.on("pageerror", lambda error: sys.stderr.write(f"{error}\n"))
        yield page
        context.close()


def _take(page: Page, address: str, target: Path) -> None:
    """Take one screen; the picture has so many colours as fit into its size."""
    page.goto(address)
    page.wait_for_selector("#main .screen")
    expect(page.locator("[aria-busy], .picture > img:not(.seen)")).to_have_count(0, timeout=20_000)
    page.wait_for_timeout(SETTLE_MS)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (256, 128, 64, 32):
        shot.quantize(colours, dither=Image.Dither.FLOYDSTEINBERG).save(target, optimize=True)
        if target.stat().st_size <= MOST_BYTES:
            return


if __name__ == "__main__":
    main()
