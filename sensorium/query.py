"""What a person asks for, turned into query vectors: words, pictures, sounds, clips, items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from encoders.base import Embedding
from fusion.views import fuse_items
from ingest.decoded import Decoded
from ingest.errors import DecodeError, SensoriumError
from ingest.item import Medium, Modality
from ray_jobs.write import Fusion
from retrieval.base import JOINT, QueryPart
from retrieval.filter_conditions import Where
from retrieval.search import NATIVE_OF

DecodeFiles = Callable[[Sequence[Medium]], Sequence[Decoded]]


class Encoders(Protocol):
    """What a ``Family`` does for searches."""

    def query_text(self, texts: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        """Encode words: unit vectors (B, D_field) per field they can be compared in."""

    def embed(self, contents: Sequence[Decoded]) -> list[list[Embedding] | DecodeError]:
        """Encode every view of each content."""


class QueryError(SensoriumError):
    """The question cannot be asked as it stands."""

    code = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What a person asks for."""

    text: str = ""
    """Words; empty for none."""
    images: tuple[Path, ...] = ()
    """Pictures to search by."""
    sounds: tuple[Path, ...] = ()
    """Sounds to search by."""
    clips: tuple[Path, ...] = ()
    """Clips to search by."""
    like: tuple[str, ...] = ()
    """Ids of items to search by."""
    views: tuple[tuple[Modality, str], ...] = ()
    """Modalities and ids of items to search by one view of theirs: its picture, its sound."""
    without: tuple[str, ...] = ()
    """Words that answers should not be like."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Share per kind of part (text, image, audio, video, like, not); 1 where not named."""
    modalities: tuple[str, ...] = ()
    """Modalities to look in; empty for all."""
    where: Where | None = None
    """Filter on items."""
    moments: bool = False
    """Find stretches of clips and sounds."""
    limit: int = 10
    """Most answers."""
    min_relevance: float | None = None
    """Cut-off in [0, 1]; None for the calibrated default."""
    duplicates: bool = False
    """Show repeats of an item, too."""

    def __post_init__(self) -> None:
        known = [str(modality) for modality in Modality]
        for name in self.modalities:
            if name not in known:
                raise QueryError(f"no modality {name!r}", f"use {', '.join(known)}")
        media = self.images or self.sounds or self.clips or self.views
        if not (self.text or media or self.like):
            raise QueryError(
                "nothing to search by", "give words, --image, --audio, --video or --like"
            )

    @property
    def title(self) -> str:
        """The question in words."""
        parts = [
            *([f"“{self.text}”"] if self.text else []),
            *(f"{path.name}" for path in (*self.images, *self.sounds, *self.clips)),
            *(f"like {item_id}" for item_id in self.like),
            *(f"the {modality} of {item_id}" for modality, item_id in self.views),
            *(f"not “{words}”" for words in self.without),
        ]
        notes = [
            *([f"in {', '.join(self.modalities)}"] if self.modalities else []),
            *([f"where {self.where}"] if self.where else []),
            *(["moments"] if self.moments else []),
        ]
        return " + ".join(parts) + (f" ({'; '.join(notes)})" if notes else "")


class QueryEncoder:
    """Turns requests into query parts with the library's own encoders.

    Args:
        family: the encoders.
        decode: reads the files to search by with the decode options of index time.
        fusion: how views are aligned and fused; the same as at index time.
    """

    def __init__(self, family: Encoders, decode: DecodeFiles, fusion: Fusion) -> None:
        self.family = family
        self.decode = decode
        self.fusion = fusion

    def parts(
        self, request: SearchRequest, item_vectors: Mapping[str, Mapping[str, NDArray[np.float32]]]
    ) -> tuple[QueryPart, ...]:
        """Encode every part of a request.

        Args:
            request: what is asked.
            item_vectors: vectors per field of each item in ``request.like`` and
                ``request.views``.

        Raises:
            DecodeError: a file cannot be read.
            QueryError: an item has no such view.
        """
        share = request.weights
        parts = [
            *self._words([request.text] if request.text else [], share.get("text", 1.0)),
            *self._words(request.without, -share.get("not", 1.0)),
        ]
        files = (
            (request.images, Modality.IMAGE),
            (request.sounds, Modality.AUDIO),
            (request.clips, Modality.VIDEO),
        )
        for paths, modality in files:
            weight = share.get(str(modality), 1.0)
            vectors = self.media(paths, modality)
            parts += [QueryPart(vectors=v, weight=weight, kind=str(modality)) for v in vectors]
        parts += [
            QueryPart(
                vectors=_view(item_vectors[item_id], modality, item_id),
                weight=share.get(str(modality), 1.0),
                kind=str(modality),
            )
            for modality, item_id in request.views
        ]
        weight = share.get("like", 1.0)
        parts += [
            QueryPart(vectors=item_vectors[item_id], weight=weight, kind="like")
            for item_id in request.like
        ]
        return tuple(parts)

    def _words(self, texts: Sequence[str], weight: float) -> list[QueryPart]:
        if not texts:
            return []
        vectors = self.family.query_text(texts)
        return [
            QueryPart(vectors={name: rows[i] for name, rows in vectors.items()}, weight=weight)
            for i in range(len(texts))
        ]

    def media(
        self, paths: Iterable[Path], modality: Modality
    ) -> list[Mapping[str, NDArray[np.float32]]]:
        """Encode files.

        Args:
            paths: B files of one modality.
            modality: what they should hold.

        Returns:
            Unit vectors by field of the index, of each file.

        Raises:
            DecodeError: a file cannot be read, or has nothing to encode.
        """
        contents = self.decode([_medium(path, modality) for path in paths])
        views: dict[str, Sequence[Embedding]] = {}
        for number, embedded in enumerate(self.family.embed(contents)):
            if isinstance(embedded, DecodeError):
                raise embedded
            views[str(number)] = embedded
        vectors = fuse_items(views, self.fusion.align, self.fusion.fuser, self.fusion.native_field)
        return [vector.vectors for vector in vectors]


def _view(
    vectors: Mapping[str, NDArray[np.float32]], modality: Modality, item_id: str
) -> dict[str, NDArray[np.float32]]:
    """One view of an item as if it had been asked with: in the joint space, and its tower's own."""
    if modality not in vectors:
        raise QueryError(f"{item_id!r} has no {modality}", "search by another part of it, or like")
    view, native = vectors[str(modality)], NATIVE_OF[modality]
    found = {JOINT: view, str(modality): view}
    return found | ({native: vectors[native]} if native in vectors else {})


def _medium(path: Path, modality: Modality) -> Medium:
    if not path.is_file():
        raise QueryError(f"there is no file {path}", "check the path")
    return Medium(
        uri=str(path.resolve()),
        modality=modality,
        content_hash=f"query:{path}",
        size_bytes=path.stat().st_size,
    )
