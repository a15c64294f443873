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
from sensorium.reports import Answer, Glimpse
from sensorium.steps import timed
from sensorium.workspace import Generation, Workspace

PREVIEW_CHARACTERS = 200


def answer(
    mirror: Mirror, calibration: Calibration, encoder: QueryEncoder, request: SearchRequest
) -> SearchAnswer:
    """Find what fits a request.

    Raises:
        QueryError: an item to search by is not in the library.
    """
    viewed = [item_id for _, item_id in request.views]
    liked = {item_id: mirror.vectors(item_id) for item_id in (*request.like, *viewed)}
    for item_id, vectors in liked.items():
        if not vectors:
            raise QueryError(f"there is no item {item_id!r}", "ids are listed by sensorium export")
    with timed("search", "encoding"):
        parts = encoder.parts(request, liked)
    query = SearchQuery(
        parts=parts,
        modalities=request.modalities,
        where=request.where,
        limit=request.limit,
        moments=request.moments,
        min_relevance=request.min_relevance,
        exclude=tuple(liked),
        duplicates=request.duplicates,
    )
    with timed("search", "search"):
        return search(mirror, calibration, query)


def described(
    workspace: Workspace, generation: Generation, candidates: Sequence[Candidate]
) -> tuple[Answer, ...]:
    """Add to each candidate what a person wants to see of it."""
    shown = glimpses(workspace, generation, [candidate.item_id for candidate in candidates])
    return tuple(
        Answer(candidate=candidate, item=shown[candidate.item_id])
        for candidate in candidates
        if candidate.item_id in shown
    )


def glimpses(
    workspace: Workspace, generation: Generation, item_ids: Sequence[str]
) -> dict[str, Glimpse]:
    """What a person wants to see of these items, by id; those that are gone are left out."""
    items = workspace.catalogue.get(item_ids)
    marks = workspace.manifest.indexed(generation.name, item_ids)
    pictures = workspace.manifest.thumbnails(
        medium.content_key for item in items.values() for medium in item.media
    )
    return {
        item_id: _glimpse(items[item_id], marks[item_id], pictures)
        for item_id in item_ids
        if item_id in items and item_id in marks
    }


def _glimpse(item: Item, mark: Indexed, pictures: Mapping[str, bytes]) -> Glimpse:
    thumbnails = (pictures.get(medium.content_key, b"") for medium in item.media)
    return Glimpse(
        item_id=item.item_id,
        uri=item.uri,
        title=item.title,
        text=item.text[:PREVIEW_CHARACTERS],
        kind=str(item.media[0].modality if item.media else Modality.TEXT),
        modality_weights=mark.modality_weights,
        thumbnail=next(filter(None, thumbnails), b""),
    )
