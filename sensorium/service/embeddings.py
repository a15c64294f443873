"""Vectors of texts and media: ``/v1/embeddings`` and ``/v1/models`` as OpenAI's clients call them.

A text gets the vector that a search by it uses, a medium the joint vector that it would have as an
item of its own. All are of one space, so that they compare with each other.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Depends, Request
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ingest.item import Modality
from retrieval.base import JOINT
from sensorium.service.access import READ
from sensorium.service.bodies import read_json, schema_of
from sensorium.service.hosting import HostHere, ServingHere
from sensorium.service.problems import ServiceError
from sensorium.service.request_media import GivenMedia, given_media, limits_of
from sensorium.service.serving import Serving

router = APIRouter(prefix="/v1", tags=["embeddings"])

MODEL = "sensorium-joint"
"""Name of the joint space to clients of this shape."""
MOST_INPUTS = 256
MOST_CHARACTERS = 1_000_000
"""Most characters of all texts of one request."""
Text = Annotated[str, Field(max_length=100_000)]


class TextPart(BaseModel):
    """A text."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: Text


class UrlIn(BaseModel):
    """Where a medium is."""

    model_config = ConfigDict(extra="ignore")

    url: str = Field(description="A data URI in base64; another address where that is allowed.")


class ImagePart(BaseModel):
    """A picture."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["image_url"]
    image_url: UrlIn


class VideoPart(BaseModel):
    """A clip."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["video_url"]
    video_url: UrlIn


class AudioIn(BaseModel):
    """A sound."""

    model_config = ConfigDict(extra="ignore")

    data: str = Field(description="The file as base64.")


class AudioPart(BaseModel):
    """A sound."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["input_audio"]
    input_audio: AudioIn


Part = Annotated[TextPart | ImagePart | VideoPart | AudioPart, Field(discriminator="type")]


class EmbeddingsIn(BaseModel):
    """What to embed."""

    model_config = ConfigDict(extra="forbid")

    input: Text | Annotated[list[Text | Part], Field(min_length=1, max_length=MOST_INPUTS)] = Field(
        description="A text, or a list of texts and content parts; one vector for each."
    )
    model: str = Field(max_length=200, description=f"Always {MODEL}; see /v1/models.")
    encoding_format: Literal["float", "base64"] = Field(
        "float", description="base64 is that of float32, little end first."
    )
    dimensions: int | None = Field(None, description="Nothing but the width of the space.")
    user: str | None = Field(None, max_length=500, description="Ignored.")


class EmbeddingOut(BaseModel):
    """One vector."""

    object: Literal["embedding"] = "embedding"
    index: int = Field(description="Of the input.")
    embedding: list[float] | str = Field(description="Unit vector, or base64 of it.")


class UsageOut(BaseModel):
    """What was read."""

    prompt_tokens: int = Field(description="Of the texts, as the sentence encoder cuts them.")
    total_tokens: int


class EmbeddingsOut(BaseModel):
    """Vectors in the order of the inputs."""

    object: Literal["list"] = "list"
    data: list[EmbeddingOut]
    model: str
    usage: UsageOut


class ModelOut(BaseModel):
    """A space to embed into."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="Always 0: it is as old as its library.")
    owned_by: str
    dimensions: int = Field(description="Width of its vectors.")
    made_by: dict[str, str] = Field(description="What makes them; others do not compare.")


class ModelsOut(BaseModel):
    """Every space to embed into."""

    object: Literal["list"] = "list"
    data: list[ModelOut]


async def _asked(request: Request, host: HostHere) -> AsyncIterator[EmbeddingsIn]:
    yield await read_json(request, EmbeddingsIn, host.config.service.media_bytes)


BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": schema_of(EmbeddingsIn)}},
    }
}


@router.post("/embeddings", dependencies=[READ], openapi_extra=BODY)
def embed(
    host: HostHere, serving: ServingHere, asked: Annotated[EmbeddingsIn, Depends(_asked)]
) -> EmbeddingsOut:
    """Give the vectors of texts, pictures, sounds and clips in the joint space."""
    check_model(asked.model)
    width = serving.encoders.family.space_width
    if asked.dimensions not in (None, width):
        raise ServiceError(
            422,
            "dimensions",
            f"vectors of {MODEL} have {width} numbers; the first few of them mean nothing alone",
            "leave dimensions out",
        )
    inputs = [asked.input] if isinstance(asked.input, str) else asked.input
    texts = {place: words for place, one in enumerate(inputs) if (words := _words(one)) is not None}
    if sum(map(len, texts.values())) > MOST_CHARACTERS:
        raise ServiceError(413, "too_large", f"more than {MOST_CHARACTERS} characters of text")
    vectors: dict[int, NDArray[np.float32]] = {}
    if texts:
        rows = serving.encoders.query_text(list(texts.values()))[JOINT]
        vectors |= dict(zip(texts, rows, strict=True))
    with given_media(limits_of(host.config.service)) as kept:
        for place, one in enumerate(inputs):
            if not isinstance(one, str | TextPart):
                vectors[place] = _medium(serving, one, kept)
    return EmbeddingsOut(
        data=[
            EmbeddingOut(index=place, embedding=_told(vectors[place], asked.encoding_format))
            for place in range(len(inputs))
        ],
        model=MODEL,
        usage=used(serving, list(texts.values())),
    )


@router.get("/models", dependencies=[READ])
def models(serving: ServingHere) -> ModelsOut:
    """List the spaces to embed into: the joint one."""
    one = ModelOut(
        id=MODEL,
        created=0,
        owned_by="sensorium",
        dimensions=serving.encoders.family.space_width,
        made_by=dict(serving.generation.made_by),
    )
    return ModelsOut(data=[one])


def check_model(name: str) -> None:
    """Refuse a model that is not here, so that nobody takes these vectors for another's.

    Raises:
        ServiceError: it is not ``MODEL``.
    """
    if name != MODEL:
        raise ServiceError(
            404, "model_not_found", f"there is no model {name!r}", f"the model here is {MODEL}"
        )


def used(serving: Serving, texts: Sequence[str]) -> UsageOut:
    """Say how much text was read."""
    count = serving.encoders.count_tokens(texts) if texts else 0
    return UsageOut(prompt_tokens=count, total_tokens=count)


def _words(one: str | TextPart | ImagePart | VideoPart | AudioPart) -> str | None:
    if isinstance(one, TextPart):
        return one.text
    return one if isinstance(one, str) else None


def _medium(
    serving: Serving, part: ImagePart | VideoPart | AudioPart, kept: GivenMedia
) -> NDArray[np.float32]:
    match part:
        case ImagePart():
            kind, path = Modality.IMAGE, kept.keep_address(part.image_url.url, "image")
        case VideoPart():
            kind, path = Modality.VIDEO, kept.keep_address(part.video_url.url, "video")
        case AudioPart():
            kind, path = Modality.AUDIO, kept.keep_data(part.input_audio.data, "audio")
    [vectors] = serving.encoder.media([path], kind)
    return vectors[JOINT]


def _told(vector: NDArray[np.float32], encoding: str) -> list[float] | str:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    found: list[float] = vector.tolist()
    return found
