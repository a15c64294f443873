"""Items that arrive over HTTP: ``POST /v1/items``.

The answer comes when the file is on the disk; a job then indexes the folder of uploads. Several
uploads that come while such a job waits share it. A file that cannot be read is no error here: it
goes to the quarantine, as any other.
"""

from __future__ import annotations

import mimetypes
import re
import secrets
from pathlib import PurePath
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from ingest.kinds import EXTENSIONS, extension
from ingest.text import clean_line
from sensorium.service.access import WRITE
from sensorium.service.bodies import cut_off
from sensorium.service.hosting import HostHere
from sensorium.service.jobs import JobsHere
from sensorium.service.multipart import Multipart, Part
from sensorium.service.problems import ServiceError
from sensorium.service.upload_store import Incoming, UploadStore

router = APIRouter(prefix="/v1", tags=["items"])

MOST_CHARACTERS = {"item_id": 200, "title": 1_000, "text": 100_000, "tags": 10_000}
"""Longest value of each field of words."""
ITEM_ID = re.compile(r"[\w.+@:,()-][\w .+@:,()/-]*")
"""What an item may be called: letters, digits and a few signs, in steps between slashes."""
STEP_BYTES = 1 << 18
"""Bytes that are written at a time."""
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "A picture, clip, sound or .txt, known by extension.",
                        },
                        "title": {"type": "string", "maxLength": MOST_CHARACTERS["title"]},
                        "text": {"type": "string", "maxLength": MOST_CHARACTERS["text"]},
                        "tags": {
                            "type": "string",
                            "maxLength": MOST_CHARACTERS["tags"],
                            "description": "Words between semicolons, or a JSON list.",
                        },
                        "item_id": {
                            "type": "string",
                            "maxLength": MOST_CHARACTERS["item_id"],
                            "description": "What to call the item; made up if not given.",
                        },
                    },
                }
            }
        },
    }
}


class UploadOut(BaseModel):
    """An upload that is on the disk."""

    item_id: str = Field(description="What the item will be called.")
    job_id: str = Field(description="The job that indexes it.")


@router.post("/items", status_code=202, dependencies=[WRITE], openapi_extra=FORM)
async def upload_item(request: Request, host: HostHere, jobs: JobsHere) -> UploadOut:
    """Take in a file with its words; it can be found once its job is done."""
    workspace = host.library.workspace
    form = _Form(UploadStore(workspace), host.config.service.upload_bytes)
    try:
        await _receive(request, form)
        item_id = await run_in_threadpool(form.finish)
    finally:
        await run_in_threadpool(form.close)
    source = {"source": str(form.store.folder), "prune": False, "reembed": False}
    job = await run_in_threadpool(jobs.add, "index", source, True)
    return UploadOut(item_id=item_id, job_id=job.job_id)


async def _receive(request: Request, form: _Form) -> None:
    """Take in a body as it arrives, some of it at a time, in threads."""
    body = Multipart(request.headers.get("content-type", ""), form.part, form.data)
    waiting = bytearray()
    try:
        async for data in request.stream():
            waiting += data
            if len(waiting) >= STEP_BYTES:
                await run_in_threadpool(body.feed, bytes(waiting))
                waiting.clear()
    except ClientDisconnect:
        raise cut_off() from None
    await run_in_threadpool(body.feed, bytes(waiting))
    body.finish()


class _Form:
    """The fields of one upload as they arrive.

    Args:
        store: where the file goes.
        most_bytes: most bytes of it.
    """

    def __init__(self, store: UploadStore, most_bytes: int) -> None:
        self.store = store
        self._most_bytes = most_bytes
        self._words: dict[str, bytearray] = {}
        self._part = Part()
        self._incoming: Incoming | None = None
        self._filename = ""

    def part(self, part: Part) -> None:
        """Begin a field."""
        self._part = part
        if part.name == "file":
            self._begin_file(part)
        elif part.name not in MOST_CHARACTERS:
            raise _unfitting(
                part.name[:100], f"no such field; use file, {', '.join(MOST_CHARACTERS)}"
            )
        else:
            self._words[part.name] = bytearray()

    def data(self, data: bytes) -> None:
        """Take bytes of the field."""
        name = self._part.name
        if name == "file":
            assert self._incoming is not None, "it has begun"
            if self._incoming.size_bytes + len(data) > self._most_bytes:
                raise ServiceError(
                    413,
                    "too_large",
                    f"the file has more than {self._most_bytes:,} bytes",
                    "the setting service.upload_bytes is the limit",
                )
            self._incoming.write(data)
            return
        self._words[name] += data
        if len(self._words[name]) > 4 * MOST_CHARACTERS[name]:
            raise _unfitting(name, f"at most {MOST_CHARACTERS[name]:,} characters")

    def finish(self) -> str:
        """Put the upload where it belongs; give the item's id."""
        if self._incoming is None:
            raise _unfitting("file", "is missing")
        item_id = self._word("item_id") or f"uploads/{secrets.token_hex(8)}"
        if not ITEM_ID.fullmatch(item_id) or {"", ".", ".."} & set(item_id.split("/")):
            raise _unfitting("item_id", "use letters, digits and .+@:,()- in steps between slashes")
        title = self._word("title") or clean_line(PurePath(self._filename).stem)[:200]
        words = {"item_id": item_id, "title": title}
        words |= {name: told for name in ("text", "tags") if (told := self._word(name))}
        self._incoming.finish(self.store.place(item_id), words)
        return item_id

    def close(self) -> None:
        """Let go of what was not finished."""
        if self._incoming is not None:
            self._incoming.close()

    def _begin_file(self, part: Part) -> None:
        if self._incoming is not None:
            raise _unfitting("file", "one at a time")
        self._filename = part.filename or ""
        self._incoming = self.store.begin(_kind(self._filename, part.content_type))

    def _word(self, name: str) -> str:
        try:
            told = self._words.get(name, bytearray()).decode()
        except UnicodeDecodeError:
            raise _unfitting(name, "is not UTF-8") from None
        if len(told) > MOST_CHARACTERS[name]:
            raise _unfitting(name, f"at most {MOST_CHARACTERS[name]:,} characters")
        return told.strip()


def _kind(filename: str, content_type: str) -> str:
    """Extension to keep a file under: that of its name, or one of its type."""
    kind = extension(filename.replace("\\", "/"))
    if not kind:
        kind = (mimetypes.guess_extension(content_type) or "").lstrip(".")
    if kind not in EXTENSIONS:
        raise ServiceError(
            415,
            "unsupported",
            f"no medium is known by {f'.{kind[:20]}' if kind else 'a name without an extension'}",
            f"known are {', '.join(EXTENSIONS)}",
        )
    return kind


def _unfitting(name: str, why: str) -> ServiceError:
    return ServiceError(422, "invalid", f"body/{name}: {why}")
