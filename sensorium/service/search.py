"""Searches: ``/v1/search`` by words, media and items, and what is similar to an item."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import FormData, UploadFile

from ingest.item import Modality
from sensorium.query import SearchRequest
from sensorium.reports import Answer
from sensorium.service.access import READ
from sensorium.service.bodies import (
    FORM,
    checked,
    media_type,
    parsed,
    read_form,
    read_json,
    schema_of,
)
from sensorium.service.filters import FilterIn, FilterQuery
from sensorium.service.hosting import HostHere, ServingHere
from sensorium.service.problems import NotFoundError, ServiceError
from sensorium.service.request_media import (
    MOST_FILES,
    GivenMedia,
    Kind,
    MediaIn,
    given_media,
    limits_of,
)
from sensorium.service.serving import Serving

router = APIRouter(prefix="/v1", tags=["search"])

Id = Annotated[str, Field(max_length=500)]
Words = Annotated[str, Field(max_length=10_000)]
Weight = Annotated[float, Field(ge=-100, le=100)]
ModalityName = Literal["video", "image", "audio", "text"]
MediaField = MediaIn | Annotated[list[MediaIn], Field(max_length=MOST_FILES)]
KINDS: tuple[Kind, ...] = ("image", "audio", "video")
REPEATED = ("like", "not", "modalities")
"""Fields of a form that may come several times."""
NESTED = ("weights", *KINDS)
"""Fields of a form whose text is JSON."""


class WeightsIn(BaseModel):
    """How much each kind of part counts; below 0 for what answers should not be like."""

    model_config = ConfigDict(extra="forbid")

    text: Weight = 1.0
    image: Weight = 1.0
    audio: Weight = 1.0
    video: Weight = 1.0
    like: Weight = 1.0
    without: float = Field(1.0, alias="not", ge=0, le=100)


class SearchIn(BaseModel):
    """What is asked; at least one of text, image, audio, video and like."""

    model_config = ConfigDict(extra="forbid")

    text: Words = Field("", description="Words; empty for none.")
    image: MediaField = Field(default_factory=list, description="Pictures.")
    audio: MediaField = Field(default_factory=list, description="Sounds.")
    video: MediaField = Field(default_factory=list, description="Clips.")
    like: list[Id] = Field(default_factory=list, max_length=20, description="Ids of items.")
    without: list[Words] = Field(
        default_factory=list, alias="not", max_length=20, description="Words for what is unwanted."
    )
    weights: WeightsIn = Field(default_factory=WeightsIn, description="By kind of part.")
    modalities: list[ModalityName] = Field(
        default_factory=list, max_length=4, description="Where to look; empty for everywhere."
    )
    filter: FilterIn = None
    moments: bool = Field(False, description="Find stretches of clips and sounds.")
    min_relevance: float | None = Field(
        None, ge=0, le=1, description="Cut-off; null for the calibrated one."
    )
    n: int = Field(10, ge=1, le=1_000, description="Most answers.")
    duplicates: bool = Field(False, description="With repeats of an item.")

    def media(self, kind: Kind) -> list[MediaIn]:
        """The media of one kind that are named in the body."""
        given: MediaIn | list[MediaIn] = getattr(self, kind)
        return given if isinstance(given, list) else [given]


class HitOut(BaseModel):
    """One answer."""

    item_id: str
    relevance: float = Field(description="In [0, 1]; 0.5 is the usual cut-off.")
    score: float = Field(description="Weighted sum of the parts; comparable within one answer.")
    title: str
    kind: str = Field(description="video, image, audio or text.")
    field: str = Field(description="The vector that matched best.")
    start_seconds: float | None = Field(description="Of the moment; null for the whole item.")
    end_seconds: float | None
    modality_weights: dict[str, float] = Field(description="Share of each in the joint vector.")
    has_thumbnail: bool


class SearchOut(BaseModel):
    """Answers, best first."""

    items: list[HitOut]
    withheld: int = Field(description="Candidates below the cut-off.")
    notes: list[str]
    took_ms: float = Field(description="Time that the search took, without reading the request.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with the files that came along."""

    query: SearchIn
    """The question."""
    files: Mapping[Kind, Sequence[UploadFile]] = field(default_factory=dict)
    """Files of a form by what they should hold."""


async def _asked(request: Request, host: HostHere) -> AsyncIterator[Asked]:
    most = host.config.service.media_bytes
    if media_type(request) != FORM:
        yield Asked(query=await read_json(request, SearchIn, most))
        return
    form = await read_form(request, most, len(KINDS) * MOST_FILES)
    try:
        yield _of_form(form)
    finally:
        await form.close()


def _of_form(form: FormData) -> Asked:
    """Read a form: the question as JSON under ``query``, its fields one by one, or both."""
    files: dict[Kind, list[UploadFile]] = {kind: [] for kind in KINDS}
    said: dict[str, Any] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name not in files:
                raise ServiceError(
                    422, "invalid", f"there is no file {name!r}", f"use {', '.join(KINDS)}"
                )
            files[name].append(value)
        elif name in (*REPEATED, *KINDS):
            said.setdefault(name, []).append(_nested(name, value) if name in KINDS else value)
        elif name != "query":
            said[name] = _nested(name, value)
    if any(len(given) > MOST_FILES for given in files.values()):
        raise ServiceError(422, "invalid", f"more than {MOST_FILES} files of one kind")
    query = form.get("query")
    if isinstance(query, str):
        stated = parsed(query, SearchIn).model_dump(by_alias=True, exclude_unset=True)
        said = stated | said
    return Asked(query=checked(lambda: SearchIn.model_validate(said)), files=files)


def _nested(name: str, value: str) -> Any:
    """Text of a form field, or what it says as JSON where that is expected."""
    if name not in NESTED and not (name == "filter" and value.lstrip().startswith("{")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ServiceError(422, "invalid", f"the field {name} is not JSON") from error


_SCHEMA = schema_of(SearchIn)
_FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "The JSON of a search."},
        "text": {"type": "string"},
        "filter": {"type": "string"},
        "n": {"type": "integer"},
        **{str(kind): {"type": "array", "maxItems": MOST_FILES, "items": _FILE} for kind in KINDS},
    },
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _SCHEMA}, FORM: {"schema": _FORM}},
    }
}
"""What the specification says of the body, which is read here and not by the framework."""


@router.post("/search", dependencies=[READ], openapi_extra=BODY)
def search(
    host: HostHere, serving: ServingHere, asked: Annotated[Asked, Depends(_asked)]
) -> SearchOut:
    """Find items by words, pictures, sounds, clips and items, alone or together."""
    started = time.perf_counter()
    limits = limits_of(host.config.service)
    with given_media(limits) as kept:
        return answered(serving, _request(asked, kept), started)


def _request(asked: Asked, kept: GivenMedia) -> SearchRequest:
    query = asked.query
    paths: dict[Kind, list[Path]] = {"image": [], "audio": [], "video": []}
    for kind, files in asked.files.items():
        paths[kind] += [kept.keep(one.file, kind) for one in files]
    views = []
    for kind in KINDS:
        for one in query.media(kind):
            if one.item_id is not None:
                views.append((Modality(kind), one.item_id))
            elif one.data is not None:
                paths[kind].append(kept.keep_data(one.data, kind))
            else:
                paths[kind].append(kept.keep_fetched(one.url or "", kind))
    if not (query.text or query.like or views or any(paths.values())):
        raise ServiceError(
            422, "query", "nothing to search by", "give text, image, audio, video or like"
        )
    return SearchRequest(
        text=query.text,
        images=tuple(paths["image"]),
        sounds=tuple(paths["audio"]),
        clips=tuple(paths["video"]),
        like=tuple(query.like),
        views=tuple(views),
        without=tuple(query.without),
        weights=query.weights.model_dump(by_alias=True),
        modalities=tuple(query.modalities),
        where=query.filter,
        moments=query.moments,
        limit=query.n,
        min_relevance=query.min_relevance,
        duplicates=query.duplicates,
    )


@router.get("/items/{item_id:path}/similar", dependencies=[READ])
def similar(
    serving: ServingHere,
    item_id: str,
    n: Annotated[int, Query(ge=1, le=1_000, description="Most answers.")] = 10,
    where: FilterQuery = None,
    modalities: Annotated[
        list[ModalityName] | None, Query(max_length=4, description="Where to look.")
    ] = None,
) -> SearchOut:
    """Find what is like an item."""
    started = time.perf_counter()
    if not serving.mirror.vectors(item_id):
        raise NotFoundError("item", item_id)
    request = SearchRequest(
        like=(item_id,), limit=n, where=where, modalities=tuple(modalities or ())
    )
    return answered(serving, request, started)


def answered(serving: Serving, request: SearchRequest, started: float) -> SearchOut:
    """Answer a search that began at a moment of the performance counter."""
    found = serving.search(request)
    return SearchOut(
        items=[hit_of(one) for one in found.answers],
        withheld=found.withheld,
        notes=list(found.notes),
        took_ms=1000 * (time.perf_counter() - started),
    )


def hit_of(found: Answer) -> HitOut:
    """Tell one answer."""
    start, end = found.candidate.segment or (None, None)
    return HitOut(
        item_id=found.item.item_id,
        relevance=found.candidate.relevance,
        score=found.candidate.score,
        title=found.item.title,
        kind=found.item.kind,
        field=found.candidate.field_name,
        start_seconds=start,
        end_seconds=end,
        modality_weights=dict(found.item.modality_weights),
        has_thumbnail=bool(found.item.thumbnail),
    )
