"""Bodies that carry media: JSON with base64, or a form with files, bounded while they are read.

Such a body is megabytes, so it is neither handed to the framework, which reads all there is, nor
parsed on the loop that serves everybody else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from sensorium.service.problems import ServiceError
from sensorium.service.request_media import too_large

ModelT = TypeVar("ModelT", bound=BaseModel)

FORM = "multipart/form-data"
TEXT_BYTES = 2 << 20
"""Room for all of a body that is not media."""
MOST_FIELDS = 100
PLACE = "#/components/schemas/{model}"
"""Where the specification has the schema of a model."""


def media_type(request: Request) -> str:
    """What a body says it is, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, model: type[ModelT], media_bytes: int) -> ModelT:
    """Read a JSON body whose media are base64.

    Args:
        request: what came.
        model: what it should hold.
        media_bytes: most bytes of its media.

    Raises:
        ServiceError: it is too large, or no JSON by its type.
        RequestValidationError: it does not fit the model.
    """
    if media_type(request) != "application/json":
        raise ServiceError(
            415, "media_type", "the body is not JSON by its Content-Type", "send application/json"
        )
    most = media_bytes * 4 // 3 + TEXT_BYTES
    body = bytearray()
    async for chunk in _bounded(request, most, media_bytes):
        body += chunk
    return await run_in_threadpool(parsed, bytes(body), model)


def parsed(body: bytes | str, model: type[ModelT]) -> ModelT:
    """Check JSON against a model.

    Raises:
        RequestValidationError: it does not fit the model.
    """
    return checked(lambda: model.model_validate_json(body))


def checked(make: Callable[[], ModelT]) -> ModelT:
    """Make a model of what a client sent.

    Raises:
        RequestValidationError: it does not fit.
    """
    try:
        return make()
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"])} for one in found]
        ) from error


async def read_form(request: Request, media_bytes: int, most_files: int) -> FormData:
    """Read a form with files; whoever asks for it closes it.

    Args:
        request: what came.
        media_bytes: most bytes of its files.
        most_files: most files.

    Raises:
        ServiceError: it is too large, or no form.
    """
    stream = _bounded(request, media_bytes + TEXT_BYTES, media_bytes)
    headers = Headers(raw=request.headers.raw)
    parser = MultiPartParser(
        headers,
        stream,
        max_files=most_files,
        max_fields=MOST_FIELDS,
        max_part_size=TEXT_BYTES,
    )
    try:
        return await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise ServiceError(
            422, "invalid", f"the form cannot be read: {getattr(error, 'message', 'no boundary')}"
        ) from error


async def _bounded(request: Request, most: int, media_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes, as long as it is not too much."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > most:
        raise too_large(media_bytes)
    total = 0
    try:
        async for chunk in request.stream():
            total += len(chunk)
            if total > most:
                raise too_large(media_bytes)
            yield chunk
    except ClientDisconnect:
        raise cut_off() from None


def cut_off() -> ServiceError:
    """What is said, to the log at least, of a caller that went away before its body was whole."""
    return ServiceError(400, "cut_off", "the caller went away")


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Refer to the schema of a model; ``specification`` adds what is referred to."""
    return {"$ref": PLACE.format(model=model.__name__)}
