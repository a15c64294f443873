"""The page in the browser: ``/`` and its assets, which lie in ``sensorium/web``.

The files are small and read once. A browser keeps them and asks with their tag whether they are
still the ones it has, so that after an update nobody sees the old page.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

from fastapi import APIRouter, Request, Response

from sensorium.service.problems import NotFoundError

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).resolve().parents[1] / "web"
PAGE = "index.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Of the files that are served; others in the folder are not."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page."""

    content: bytes
    """What is in it."""
    media_type: str
    """What it is."""
    tag: str
    """Its entity tag, which changes with the content."""


@cache
def assets() -> dict[str, Asset]:
    """Read the files of the page, by name."""
    return {
        path.name: _asset(path) for path in sorted(FOLDER.iterdir()) if path.suffix in MEDIA_TYPES
    }


@router.get("/")
def page(request: Request) -> Response:
    """Give the page."""
    return _answer(request, assets()[PAGE])


@router.get("/assets/{name}")
def asset(request: Request, name: str) -> Response:
    """Give a stylesheet, a script or a picture of the page."""
    if name == PAGE or name not in assets():
        raise NotFoundError("asset", name)
    return _answer(request, assets()[name])


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    tag = blake2b(content, digest_size=12).hexdigest()
    return Asset(content, MEDIA_TYPES[path.suffix], f'"{tag}"')


def _answer(request: Request, asset: Asset) -> Response:
    headers = {"ETag": asset.tag, "Cache-Control": "no-cache"}
    known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
    if asset.tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
