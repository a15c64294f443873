"""From a request to answers that can be shown: encode, search, add what a person wants to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingest.item import Item, Modality
from ray_jobs.manifest import Indexed
from retrieval.base import Candidate
from retrieval.mirror import Mirror
from retrieval.relevance import Calibration
from retrieval.search import SearchAnswer, SearchQuery, search
from sensorium.query import QueryEncoder, QueryError, SearchRequest
from sensorium.reports import Answer
from sensorium.workspace import Generation, Workspace

PREVIEW_CHARACTERS = 200


def answer(
    mirror: Mirror, calibration: Calibration, encoder: QueryEncoder, request: SearchRequest
) -> SearchAnswer:
    """Find what fits a request.

    Raises:
        QueryError: an item to search by is not in the library.
    """
    liked = {item_id: mirror.vectors(item_id) for item_id in request.like}
    for item_id, vectors in liked.items():
        if not vectors:
            raise QueryError(f"there is no item {item_id!r}", "ids are listed by sensorium export")
    query = SearchQuery(
        parts=encoder.parts(request, liked),
        modalities=request.modalities,
        where=request.where,
        limit=request.limit,
        moments=request.moments,
        min_relevance=request.min_relevance,
        exclude=request.like,
        duplicates=request.duplicates,
    )
    return search(mirror, calibration, query)


def described(
    workspace: Workspace, generation: Generation, candidates: Sequence[Candidate]
) -> tuple[Answer, ...]:
    """Add to each candidate what a person wants to see of it."""
    ids = [candidate.item_id for candidate in candidates]
    items = workspace.catalogue.get(ids)
    marks = workspace.manifest.indexed(generation.name, ids)
    pictures = workspace.manifest.thumbnails(
        medium.content_key for item in items.values() for medium in item.media
    )
    return tuple(
        _described(candidate, items[candidate.item_id], marks[candidate.item_id], pictures)
        for candidate in candidates
        if candidate.item_id in items and candidate.item_id in marks
    )


def _described(
    candidate: Candidate, item: Item, mark: Indexed, pictures: Mapping[str, bytes]
) -> Answer:
    thumbnails = (pictures.get(medium.content_key, b"") for medium in item.media)
    return Answer(
        candidate=candidate,
        uri=item.uri,
        title=item.title,
        text=item.text[:PREVIEW_CHARACTERS],
        kind=str(item.media[0].modality if item.media else Modality.TEXT),
        modality_weights=mark.modality_weights,
        thumbnail=next(filter(None, thumbnails), b""),
    )
