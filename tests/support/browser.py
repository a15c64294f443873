"""The page as a person sees it: the real application on this machine, in a real browser."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sensorium.service.app import create_app
from sensorium.service.serving import Host
from support.library import CONFIG

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SIZE = (1200, 800)
PATIENCE_MS = 20_000
OPENING_SECONDS = 60.0


@contextlib.contextmanager
def served(workspace: Path) -> Iterator[str]:
    """Serve a workspace on a free port; gives the address."""
    host = Host(workspace, CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(create_app(host), log_level="error", lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="served")
        thread.start()
        try:
            until = time.monotonic() + OPENING_SECONDS
            while not (server.started and host.ready) and time.monotonic() < until:
                time.sleep(0.02)
            assert host.serving is not None
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
            host.library.workspace.engine.dispose()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a Chromium of this machine; skips, saying so, where there is none."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser on the path: {', '.join(CHROMIUM)}")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, headless=True, args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


class Seen:
    """A page that somebody looks at, and what happened on it.

    Args:
        browser: a new profile in it is used.
        address: of the service.
        size: of the window.
    """

    def __init__(self, browser: Browser, address: str, size: tuple[int, int] = SIZE) -> None:
        self.address = address
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._told)
        self.page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))
        self.page.on("request", self._asked)

    def go(self, route: str = "library") -> Page:
        """Open a screen, and wait until it is there."""
        self.page.goto(f"{self.address}/#/{route}")
        self.page.locator("#main .screen").wait_for()
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until nothing on the screen is on its way."""
        self.page.locator("[aria-busy]").first.wait_for(state="detached")

    def tiles(self) -> list[str]:
        """Ids of the items that are shown, in their order."""
        self.settle()
        expect(self.page.locator("#main")).not_to_have_text("")
        expect(self.page.locator("#main .problem")).to_have_count(0)
        self.page.locator("#main .tile").first.wait_for()
        ids: list[str] = self.page.eval_on_selector_all(
            "#main .tile", "tiles => tiles.map(tile => tile.dataset.id)"
        )
        return ids

    def close(self) -> None:
        """Close it; nothing may have gone wrong, and nobody else may have been asked."""
        self.context.close()
        assert self.errors == []
        assert self.outside == []

    def _told(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        if kind == "error" and "Failed to load resource" not in text:
            self.errors.append(text)

    def _asked(self, request: object) -> None:
        url = getattr(request, "url", "")
        if not url.startswith((self.address, "data:", f"blob:{self.address}")):
            self.outside.append(url)
