"""Several parts in ("like this picture, with a dog, not indoors"), one ranked answer out.

Each part finds candidates in each field it can be compared in; then every candidate is scored
exactly against every part. A part's relevance is that of its best field, and parts add up by
weight. Relevance saturates, so an item that fits two parts beats one that fits a single part
extremely well, and a negative part costs only those items that are like it. Of two items that are
fully relevant the nearer comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.errors import SensoriumError
from ingest.item import MODALITIES
from retrieval.base import (
    ITEM_FIELDS,
    JOINT,
    SEGMENTS,
    SPACE_FIELDS,
    Candidate,
    QueryPart,
)
from retrieval.filter_conditions import Where
from retrieval.filters import Kind
from retrieval.mirror import Mirror
from retrieval.relevance import DEFAULT_CUT, Calibration
from retrieval.table import View

DEPTH = 50
"""Fewest candidates per part and field."""
NATIVE_OF = {
    "video": "image_native",
    "image": "image_native",
    "audio": "audio_native",
    "text": "text_native",
}
"""Field of a modality's tower."""


class SearchError(SensoriumError):
    """A search cannot be carried out as asked."""

    code = "search"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What is asked."""

    parts: tuple[QueryPart, ...]
    """At least one with a positive weight."""
    modalities: tuple[str, ...] = ()
    """Compare only with these views; empty for every view and the joint vector."""
    where: Where | None = None
    """Filter on items; see ``retrieval.filters`` and ``retrieval.filter_conditions``."""
    limit: int = 10
    """Most answers."""
    moments: bool = False
    """Whether to find stretches within items, the best one of each."""
    min_relevance: float | None = None
    """Answers below are withheld; none for the calibrated default, 0 for all."""
    exclude: tuple[str, ...] = ()
    """Items that must not answer, such as the one searched by."""
    duplicates: bool = False
    """Whether repeats of other items may answer."""

    def __post_init__(self) -> None:
        if not any(part.weight > 0 for part in self.parts):
            raise SearchError("nothing to look for", "give at least one part that is wanted")
        unknown = set(self.modalities) - set(MODALITIES)
        if unknown:
            raise SearchError(
                f"no modality is called {min(unknown)}", f"use {', '.join(MODALITIES)}"
            )
        if self.limit < 1:
            raise SearchError(f"a search gives at least one answer, not {self.limit}")
        if self.min_relevance is not None and not 0 <= self.min_relevance <= 1:
            raise SearchError(f"relevance lies between 0 and 1, not {self.min_relevance}")

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields to compare in."""
        if self.moments:
            return (SEGMENTS,)
        if not self.modalities:
            return ITEM_FIELDS
        natives = dict.fromkeys(NATIVE_OF[modality] for modality in self.modalities)
        return (*self.modalities, *natives)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """What was found."""

    candidates: tuple[Candidate, ...]
    """In falling order of score, ties by item."""
    withheld: int
    """How many of the best ``limit`` were left out as not relevant enough."""
    searched_fields: tuple[str, ...]
    """The fields that some part was compared in."""


def search(mirror: Mirror, calibration: Calibration, query: SearchQuery) -> SearchAnswer:
    """Answer a query.

    Args:
        mirror: the index.
        calibration: learnt from this catalogue.
        query: what is asked.

    Returns:
        The most relevant items; none where nothing stands out from unrelated items.

    Raises:
        FilterError: the filter cannot be understood.
        ValueError: a query vector is not as wide as its field.
    """
    items = mirror.items
    view = mirror.segments if query.moments else items
    admitted = _admitted_segments(view, items, query) if query.moments else _admitted(items, query)
    comparisons = [_vectors(part, query.fields, view) for part in query.parts]
    rows = _gather(view, query, comparisons, admitted)
    fields = tuple(f for f in query.fields if any(f in vectors for vectors in comparisons))
    if len(rows) == 0:
        return SearchAnswer(candidates=(), withheld=0, searched_fields=fields)
    total, closeness = np.zeros(len(rows)), np.zeros(len(rows))
    best_relevance, best_field = np.full(len(rows), -1.0), np.zeros(len(rows), np.intp)
    for part, vectors in zip(query.parts, comparisons, strict=True):
        relevance, field, nearest = _relevance(view, calibration, part.kind, vectors, rows)
        total += part.weight * relevance
        closeness += part.weight * nearest
        if part.weight > 0:
            better = relevance > best_relevance
            best_relevance[better] = relevance[better]
            best_field[better] = np.array([fields.index(f) for f in vectors] or [0])[field[better]]
    wanted = sum(part.weight for part in query.parts if part.weight > 0)
    cut = DEFAULT_CUT if query.min_relevance is None else query.min_relevance
    order = sorted(
        range(len(rows)), key=lambda i: (-total[i], -closeness[i], view.keys[int(rows[i])])
    )
    ranked = _best(view, query, rows, order)
    overall = np.clip(total / wanted, 0, 1)
    kept = [i for i in ranked if overall[i] >= cut]
    shown = [(rows[i], total[i], overall[i], fields[best_field[i]]) for i in kept]
    return SearchAnswer(
        candidates=tuple(_candidate(view, query, *values) for values in shown),
        withheld=len(ranked) - len(kept),
        searched_fields=fields,
    )


def _admitted(items: View, query: SearchQuery) -> NDArray[np.bool_]:
    """Items that may answer, (N,)."""
    mask = items.admitted(query.where).copy()
    if not query.duplicates and "duplicate_of" in items.columns:
        mask &= ~items.columns["duplicate_of"].present(Kind.TEXT, len(mask))
    if query.exclude:
        mask &= ~items.member("item_id", query.exclude)
    if query.modalities and not query.moments:
        seen = np.zeros(len(mask), np.bool_)
        for modality in query.modalities:
            if modality in items.spaces:
                rows = items.spaces[modality].rows
                seen[rows[rows < len(mask)]] = True
        mask &= seen
    return mask


def _admitted_segments(segments: View, items: View, query: SearchQuery) -> NDArray[np.bool_]:
    """Segments that may answer: those of admitted items, (N,)."""
    mask = segments.alive.copy()
    if query.modalities:
        mask &= segments.member("modality", query.modalities)
    allowed = _admitted(items, query)
    if not np.array_equal(allowed, items.alive):
        mask &= segments.member(
            "item_id", [items.keys[row] for row in np.flatnonzero(allowed).tolist()]
        )
    return mask


def _vectors(part: QueryPart, fields: Sequence[str], view: View) -> dict[str, NDArray[np.float32]]:
    """The part's vector in each field where it can be compared; spaces share the joint one."""
    found = {}
    for field in fields:
        vector = part.vectors.get(field)
        if vector is None and field in (*SPACE_FIELDS, SEGMENTS):
            vector = part.vectors.get(JOINT)
        if vector is not None and field in view.spaces:
            found[field] = vector
    return found


def _gather(
    view: View,
    query: SearchQuery,
    comparisons: Sequence[dict[str, NDArray[np.float32]]],
    admitted: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Rows that some wanted part finds near in some field, (C,)."""
    depth = max(DEPTH, (8 if query.moments else 3) * query.limit)
    found = [np.empty(0, np.int32)]
    for part, vectors in zip(query.parts, comparisons, strict=True):
        if part.weight > 0:
            found += [view.nearest(f, v, depth, admitted)[0] for f, v in vectors.items()]
    return np.unique(np.concatenate(found))


def _relevance(
    view: View,
    calibration: Calibration,
    kind: str,
    vectors: dict[str, NDArray[np.float32]],
    rows: NDArray[np.int32],
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Relevance of each row in its best field, which of the part's fields that is, its score."""
    if not vectors:
        return np.zeros(len(rows)), np.zeros(len(rows), np.intp), np.zeros(len(rows))
    scores = np.stack([view.scores(field, vector, rows) for field, vector in vectors.items()])
    rated = np.stack(
        [
            calibration.relevance(kind, field, found, view.num_alive)
            for field, found in zip(vectors, scores, strict=True)
        ]
    )
    best = np.nan_to_num(rated, nan=-1.0).argmax(axis=0)
    places = np.arange(len(rows))
    return (
        np.nan_to_num(rated, nan=0.0)[best, places],
        best,
        np.nan_to_num(scores, nan=0.0)[best, places].astype(np.float64),
    )


def _best(view: View, query: SearchQuery, rows: NDArray[np.int32], ordered: list[int]) -> list[int]:
    """The first ``limit`` places of an order, one per item."""
    if not query.moments:
        return ordered[: query.limit]
    best: dict[str, int] = {}
    for place, item in zip(ordered, view.texts("item_id", rows[ordered]), strict=True):
        best.setdefault(item, place)
    return list(best.values())[: query.limit]


def _candidate(
    view: View, query: SearchQuery, row: np.int32, total: float, relevance: float, field: str
) -> Candidate:
    segment = None
    item_id = view.keys[int(row)]
    if query.moments:
        one = np.array([row])
        item_id = view.texts("item_id", one)[0]
        start, end = view.numbers("start_seconds", one), view.numbers("end_seconds", one)
        segment = (float(start[0]), float(end[0]))
    return Candidate(
        item_id=item_id,
        score=float(total),
        relevance=float(relevance),
        field_name=field,
        segment=segment,
    )
