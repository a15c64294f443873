"""The contract of this room: fields, records, queries and candidates.

A *field* is one vector space of the index. ``joint`` and the four modality fields live in the joint
space; the ``*_native`` fields live in their tower's own space and serve like-to-like search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.errors import SensoriumError
from ingest.item import AttrValue

JOINT = "joint"
SPACE_FIELDS = (JOINT, "video", "image", "audio", "text")
NATIVE_FIELDS = ("image_native", "audio_native", "text_native")
ITEM_FIELDS = SPACE_FIELDS + NATIVE_FIELDS
SEGMENTS = "segments"

Scalar = AttrValue | tuple[str, ...] | None
"""A filterable value; tags are a tuple; None where the item has no such value."""


class IndexUnavailableError(SensoriumError):
    """The index cannot be opened, read or written."""

    code = "index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One item (or one segment) as the index stores it."""

    key: str
    """Primary key: the item's id, or ``ITEM_ID#MODALITY#NUMBER`` for a segment."""
    vectors: Mapping[str, NDArray[np.float32]]
    """Unit vector (D_field,) per field."""
    scalars: Mapping[str, Scalar] = field(default_factory=dict)
    """Filterable values by name; attributes are named ``attrs.NAME``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One key with its similarity in one field."""

    key: str
    """The record's key."""
    score: float
    """Inner product of unit vectors, in [-1, 1]."""


class VectorIndex(Protocol):
    """Vectors by key in named fields, searchable with a filter."""

    def upsert(self, records: Sequence[Record]) -> None:
        """Insert or replace records; doing it twice changes nothing."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove records; unknown keys are ignored."""

    def search(
        self, field_name: str, vectors: NDArray[np.float32], limit: int, where: str | None = None
    ) -> list[list[Hit]]:
        """Find the nearest records.

        Args:
            field_name: one of ``ITEM_FIELDS`` or ``SEGMENTS``.
            vectors: unit queries, (B, D_field).
            limit: most hits per query.
            where: filter expression; see ``retrieval.filters``.

        Returns:
            Per query, hits in falling order of score, ties by key.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPart:
    """One thing the user searches by: words, a picture, a sound, a clip, or an item."""

    vectors: Mapping[str, NDArray[np.float32]]
    """Unit query vector per field it can be compared in."""
    weight: float = 1.0
    """Share in the total; negative for "not this"."""
    kind: str = "text"
    """What was asked with: text, image, audio, video or like; calibration depends on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One answer."""

    item_id: str
    """The item."""
    score: float
    """Weighted sum of the parts' relevances, what is ranked by; comparable within one answer."""
    relevance: float
    """Calibrated in [0, 1]: 0 is like an unrelated pair."""
    field_name: str
    """The field that matched best."""
    segment: tuple[float, float] | None = None
    """``start_seconds, end_seconds`` of the best moment, where asked for."""
