"""What the catalogue knows of one piece of media.

An item is what a person finds; a medium is one file (or one text) that belongs to it. Files that
share a stem are media of one item. Work is done once per distinct content, so that renaming or
copying a file costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Modality(StrEnum):
    """The four kinds of view that fusion knows, in the order of its axis M."""

    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"
    TEXT = "text"


MODALITIES = tuple(Modality)

AttrValue = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """One file of an item."""

    uri: str
    """Absolute path, or a URI that fsspec opens."""
    modality: Modality
    """What the extension (or the manifest) promises; decoding checks it."""
    content_hash: str
    """Hex BLAKE2b-160 of the bytes."""
    size_bytes: int
    """Length of the file, not negative."""
    modified_ns: int = 0
    """Modification time in nanoseconds since the epoch; 0 where the source has none."""

    @property
    def content_key(self) -> str:
        """Names the work on this file: the same bytes may be a fine still and a broken video."""
        return f"{self.content_hash}:{self.modality}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece of media as its source describes it."""

    item_id: str
    """Stable name: the manifest's, or the path below the scanned root without its extension."""
    media: tuple[Medium, ...]
    """Files of the item; may be empty where ``title`` or ``text`` is not."""
    title: str = ""
    """Short text, cleaned."""
    text: str = ""
    """Long text, cleaned and limited in length."""
    tags: tuple[str, ...] = ()
    """Short labels."""
    created_at: datetime | None = None
    """Aware UTC time of creation."""
    creator_id: str = ""
    """Who made it; empty where unknown."""
    lang: str = ""
    """BCP 47 language tag of the text; empty where unknown."""
    attrs: Mapping[str, AttrValue] = field(default_factory=dict)
    """Typed extra fields, filterable as ``attrs.NAME``."""

    @property
    def uri(self) -> str:
        """The first file's URI; empty for an item of text alone."""
        return self.media[0].uri if self.media else ""

    @property
    def words(self) -> str:
        """Title, text and tags as one text; empty where the item has none."""
        return "\n".join(part for part in (self.title, self.text, ", ".join(self.tags)) if part)
