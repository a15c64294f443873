"""Documents by how relevant they are to a query: ``/v1/rerank``, in Jina's and Cohere's shape.

Relevance is that of a search: how far a likeness in the joint space stands out from what unrelated
pairs score in this library. A document may be a text, or an item by its stored vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from retrieval.base import JOINT, SPACE_FIELDS
from sensorium.service.access import READ
from sensorium.service.embeddings import MODEL, UsageOut, check_model, used
from sensorium.service.hosting import ServingHere
from sensorium.service.problems import ServiceError
from sensorium.service.serving import Serving

router = APIRouter(prefix="/v1", tags=["search"])

MOST_CHARACTERS = 1_000_000
"""Most characters of all documents of one request."""
TEXT = "text"
"""Field of the index that words of items are in, and so documents are compared as."""
Text = Annotated[str, Field(max_length=100_000)]


class DocumentIn(BaseModel):
    """A text, or an item of the library."""

    model_config = ConfigDict(extra="forbid")

    text: Text | None = None
    item_id: str | None = Field(None, max_length=500)

    @model_validator(mode="after")
    def _one(self) -> DocumentIn:
        if (self.text is None) == (self.item_id is None):
            raise ValueError("give either text or item_id")
        return self


class RerankIn(BaseModel):
    """A query and what may answer it."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, Field(min_length=1, max_length=10_000)]
    documents: Annotated[list[Text | DocumentIn], Field(min_length=1, max_length=1_000)]
    top_n: int | None = Field(None, ge=1, description="Most results; null for all.")
    return_documents: StrictBool = Field(False, description="With the documents as given.")
    model: str = Field(MODEL, max_length=200, description="See /v1/models.")


class RerankedOut(BaseModel):
    """One document in its place."""

    index: int = Field(description="Of the document as given, from 0.")
    relevance_score: float = Field(description="In [0, 1], as of a search.")
    document: DocumentIn | None = Field(None, description="Only with return_documents.")


class RerankOut(BaseModel):
    """Documents, most relevant first."""

    model: str
    results: list[RerankedOut]
    usage: UsageOut


@router.post("/rerank", dependencies=[READ], response_model_exclude_none=True)
def rerank(serving: ServingHere, asked: RerankIn) -> RerankOut:
    """Put documents in order by their relevance to a query."""
    check_model(asked.model)
    documents = [DocumentIn(text=one) if isinstance(one, str) else one for one in asked.documents]
    texts = [one.text for one in documents if one.text is not None]
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise ServiceError(413, "too_large", f"more than {MOST_CHARACTERS} characters of text")
    rated = _relevances(serving, asked.query, documents)
    order = np.argsort(-rated, kind="stable")[: asked.top_n].tolist()
    return RerankOut(
        model=MODEL,
        results=[
            RerankedOut(
                index=place,
                relevance_score=float(rated[place]),
                document=documents[place] if asked.return_documents else None,
            )
            for place in order
        ],
        usage=used(serving, [asked.query, *texts]),
    )


def _relevances(serving: Serving, query: str, documents: list[DocumentIn]) -> NDArray[np.float64]:
    """Relevance of each document, (B,)."""
    texts = [one.text for one in documents if one.text is not None]
    asked = {name: rows[0] for name, rows in serving.encoders.query_text([query]).items()}
    rows = iter(serving.encoders.query_text(texts)[JOINT] if texts else ())
    found = []
    for one in documents:
        if one.item_id is None:
            vectors: Mapping[str, NDArray[np.float32]] = {TEXT: next(rows)}
        else:
            vectors = serving.mirror.vectors(one.item_id)
            if not vectors:
                raise ServiceError(422, "query", f"there is no item {one.item_id!r}")
        found.append(_relevance(serving, asked, vectors))
    return np.array(found)


def _relevance(
    serving: Serving,
    asked: Mapping[str, NDArray[np.float32]],
    held: Mapping[str, NDArray[np.float32]],
) -> float:
    """Relevance in the field where it is highest, as in a search."""
    rated = [0.0]
    for name, vector in held.items():
        query = asked.get(name, asked[JOINT] if name in SPACE_FIELDS else None)
        if query is not None:
            score = np.array(query @ vector)
            size = len(serving.mirror)
            rated.append(float(serving.calibration.relevance("text", name, score, size)))
    return max(rated)
