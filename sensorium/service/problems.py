"""Errors as clients see them: RFC 9457 problem details with stable codes.

Every error of the rooms has a code, a sentence and a way out; the table says which status it is.
What is not in the table is a fault of ours: it is logged whole and told as ``internal``, without
detail.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from ingest.errors import DecodeError, SensoriumError
from sensorium.service.logs import without_secrets
from sensorium.service.middleware import ID_HEADER, SAFE_HEADERS

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
HELD = "held"
"""Code of what an edit is told while a job writes."""
STATUS_OF_CODE = {
    "bad_event": 422,
    "filter": 422,
    "query": 422,
    "search": 422,
    "aspect": 422,
    "cluster": 422,
    "preference": 422,
    "usage": 422,
    "view": 404,
    "empty": 409,
    HELD: 409,
    "fitted": 409,
    "training": 409,
    "workspace": 503,
    "index": 503,
    "model": 503,
    "language_model": 503,
    "busy": 503,
}
"""Status by code of a ``SensoriumError``; contents that cannot be read are 422."""
TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Request took too long",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    416: "No such range",
    421: "Not the service that was asked for",
    422: "Cannot be processed",
    429: "Too many requests",
    431: "Head too large",
    500: "Internal error",
    503: "Unavailable",
}
CODES = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
}
RETRY_SECONDS = 2
"""What ``Retry-After`` says where nothing better is known."""


class Problem(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    type: str = Field("about:blank", description="Always about:blank; the code tells kinds apart.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The status.")
    code: str = Field(description="Stable name of the cause.")
    detail: str = Field(description="What happened, in one sentence.")
    hint: str = Field("", description="The next step; may be empty.")
    request_id: str = Field("", description="Id of the request, as in its X-Request-ID.")
    errors: list[dict[str, Any]] = Field(
        default_factory=list, description="Of a body or query that does not fit: where and why."
    )


class ServiceError(SensoriumError):
    """An error of the service itself.

    Args:
        status: HTTP status.
        code: stable name of the cause.
        sentence: what happened.
        hint: the next step; may be empty.
        headers: to answer with.
    """

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        hint: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence, hint)
        self.status, self.code = status, code
        self.headers = dict(headers or {})


class NotFoundError(ServiceError):
    """There is no such thing.

    Args:
        what: kind of thing.
        name: the one asked for.
    """

    def __init__(self, what: str, name: str) -> None:
        super().__init__(404, "not_found", f"there is no {what} {name!r}")


class OpeningError(ServiceError):
    """The library has not been looked at yet."""

    def __init__(self) -> None:
        super().__init__(503, "opening", "the library is being opened", "try again in a moment")


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": title,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, title in TITLES.items()
    if status not in (405, 431)
}
PROBLEMS[431] = {"description": TITLES[431]}  # Told before anything is known to answer with.
"""Answers that any route may give, for the specification."""


def install(app: FastAPI) -> None:
    """Let every error of an application be told as a problem."""
    app.add_exception_handler(SensoriumError, _told)
    app.add_exception_handler(RequestValidationError, _unfitting)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(PoolTimeoutError, _crowded)
    app.add_exception_handler(Exception, _fault)


def answer(
    request: Request, error: ServiceError, errors: list[dict[str, Any]] | None = None
) -> JSONResponse:
    """Answer with an error as a problem; what passes by itself says when to try again."""
    told = Problem(
        title=TITLES.get(error.status, "Error"),
        status=error.status,
        code=error.code,
        detail=without_secrets(error.sentence),
        hint=error.hint,
        request_id=getattr(request.state, "request_id", ""),
        errors=errors or [],
    )
    headers = dict(error.headers)
    if error.status in (429, 503) or error.code == HELD:
        headers.setdefault("Retry-After", str(RETRY_SECONDS))
    return JSONResponse(told.model_dump(), error.status, headers=headers, media_type=MEDIA_TYPE)


def as_service_error(error: SensoriumError) -> ServiceError:
    """Give the error with its status; 500 where it is not known to be anybody's but ours."""
    if isinstance(error, ServiceError):
        return error
    status = 422 if isinstance(error, DecodeError) else STATUS_OF_CODE.get(error.code, 500)
    return ServiceError(status, error.code, error.sentence, error.hint)


async def _told(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SensoriumError)
    told = as_service_error(error)
    if told.status == 500:
        log.error("%s: %s", error.code, error, exc_info=error)
    return answer(request, told)


async def _unfitting(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"where": "/".join(map(str, one["loc"])), "why": one["msg"]} for one in error.errors()
    ]
    detail = "; ".join(f"{one['where']}: {one['why']}" for one in errors[:3])
    return answer(request, ServiceError(422, "invalid", detail), errors)


async def _crowded(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PoolTimeoutError)
    log.warning("%s %s: no free connection: %s", request.method, request.url.path, error)
    return answer(request, ServiceError(503, "busy", "the database has too much to do"))


async def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = CODES.get(error.status_code, "http")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    told = ServiceError(error.status_code, code, str(error.detail), headers=headers)
    return answer(request, told)


def _methods(request: Request) -> set[str]:
    """What a path may be asked by, over all of its routes; the framework names those of one."""
    routes: Sequence[Route] = request.app.state.routes
    fitting = [one for one in routes if one.matches(request.scope)[0] is not Match.NONE]
    # A path that another's ids may look like is its own: it comes first.
    same = [one for one in fitting if one.path == fitting[0].path]
    return {method for route in same for method in route.methods or ()}


async def _fault(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    hint = "the log of the service has the cause under this request id"
    told = answer(request, ServiceError(500, "internal", "something went wrong here", hint))
    # A fault is answered outside of all middleware, so what that adds is added here.
    told.headers.update({ID_HEADER: getattr(request.state, "request_id", ""), **SAFE_HEADERS})
    return told
