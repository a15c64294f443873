"""Files of items: ``/v1/items/{item_id}/media/{index}``.

Only what the catalogue names is read, and only what both its name and its first bytes say is a
picture, sound or clip is shown in place. Text comes as plain text, whatever is written in it, and
everything else (a picture that became a page, say) is offered to be saved.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse, Response, StreamingResponse

from ingest.errors import DecodeError
from ingest.files import CHUNK_BYTES, absolute, is_local, look_up, open_bytes
from ingest.item import Medium, Modality
from ingest.kinds import SNIFF_BYTES, extension, sniff
from sensorium.service.access import READ
from sensorium.service.hosting import HostHere
from sensorium.service.problems import NotFoundError, ServiceError

router = APIRouter(prefix="/v1", tags=["items"])

TYPES = {
    "image": "jpg:jpeg jpeg jpe:jpeg jfif:jpeg png webp avif gif bmp tif:tiff tiff heic heif",
    "video": "mp4 m4v:mp4 mov:quicktime mkv:x-matroska webm avi:x-msvideo mpg:mpeg mpeg ogv:ogg "
    "ts:mp2t mts:mp2t m2ts:mp2t flv:x-flv wmv:x-ms-wmv 3gp:3gpp 3g2:3gpp2",
    "audio": "wav wave:wav mp3:mpeg flac ogg oga:ogg opus:ogg m4a:mp4 m4b:mp4 aac aif:aiff aiff "
    "au:basic mka:x-matroska wma:x-ms-wma",
}
"""Subtypes by extension; where no colon stands both are alike."""
MEDIA_TYPES = {
    name: f"{kind}/{subtype or name}"
    for kind, words in TYPES.items()
    for name, _, subtype in (word.partition(":") for word in words.split())
}
PLAIN_TEXT = "text/plain; charset=utf-8"
UNKNOWN = "application/octet-stream"
CONTENT: dict[str, Any] = {
    kind: {"schema": {"type": "string", "format": "binary"}}
    for kind in sorted({*MEDIA_TYPES.values(), "text/plain", UNKNOWN})
}
"""What a file may come as, for the specification."""
_RANGE = re.compile(r"bytes=\s*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\s*", re.ASCII | re.IGNORECASE)


@router.get(
    "/items/{item_id:path}/media/{index}",
    dependencies=[READ],
    response_class=Response,
    responses={200: {"content": CONTENT}, 206: {"description": "Part of it.", "content": CONTENT}},
)
def medium(
    request: Request,
    host: HostHere,
    item_id: str,
    index: Annotated[int, Path(ge=0, le=10_000, description="Place among the item's media.")],
) -> Response:
    """Give a file of an item; of a local one also parts, as Range says."""
    item = host.library.workspace.catalogue.get([item_id]).get(item_id)
    if item is None:
        raise NotFoundError("item", item_id)
    if index >= len(item.media):
        raise NotFoundError(f"medium of {item_id}", str(index))
    uri = item.media[index].uri
    try:
        size_bytes = look_up(uri).size_bytes
        media_type, shown = media_type_of(item.media[index])
        if is_local(uri):
            return _local(request, FilePath(absolute(uri)), media_type, shown)
    except (DecodeError, OSError) as error:
        raise ServiceError(
            404, "missing", f"medium {index} of {item_id} is no longer there", "index again"
        ) from error
    headers = {**_headers(uri, shown), "content-length": str(size_bytes)}
    return StreamingResponse(_chunks(uri), media_type=media_type, headers=headers)


def media_type_of(medium: Medium) -> tuple[str, bool]:
    """Content type of a file, and whether it may be shown in place."""
    with open_bytes(medium.uri) as stream:
        kind = sniff(stream.read(SNIFF_BYTES))
    if medium.modality is Modality.TEXT:
        return PLAIN_TEXT, True
    known = MEDIA_TYPES.get(extension(medium.uri))
    if known is None or kind is None or medium.modality not in kind.modalities:
        return UNKNOWN, False
    return known, True


def _local(request: Request, path: FilePath, media_type: str, shown: bool) -> Response:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(path)
    _check_range(request, found.st_size)
    return FileResponse(
        path, media_type=media_type, stat_result=found, headers=_headers(path.name, shown)
    )


def _headers(uri: str, shown: bool) -> dict[str, str]:
    name = quote(uri.rpartition("/")[2] or "file", safe="")
    how = "inline" if shown else "attachment"
    return {
        "content-disposition": f"{how}; filename*=utf-8''{name}",
        "cache-control": "private, no-cache",
    }


def _check_range(request: Request, size_bytes: int) -> None:
    """Refuse a range that a file does not have; what is no range of bytes is refused, too.

    Several ranges at once, and those on a condition, are left to the response.

    Raises:
        ServiceError: 400 or 416.
    """
    given = request.headers.get("range")
    if given is None or "," in given or "if-range" in request.headers:
        return
    found = _RANGE.fullmatch(given)
    if found is None:
        raise ServiceError(400, "range", "the Range is none of bytes", "write bytes=0-1023")
    first, last, suffix = found.groups()
    if first is not None and last and int(last) < int(first):
        raise ServiceError(400, "range", "the Range ends before it begins", "write bytes=0-1023")
    if size_bytes == 0 or (int(suffix) == 0 if first is None else int(first) >= size_bytes):
        raise ServiceError(
            416,
            "range",
            f"the file has {size_bytes} bytes",
            headers={"content-range": f"bytes */{size_bytes}"},
        )


def _chunks(uri: str) -> Iterator[bytes]:
    with open_bytes(uri) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
