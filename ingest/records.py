"""One row of a manifest, or one JSON file beside a medium: columns in, checked fields out.

The columns are those of ``Item``. Where a cell may hold text only (CSV), a list or mapping is
written as JSON, or a list as words between semicolons. A time without a zone is taken as UTC.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ingest.errors import DecodeError
from ingest.item import AttrValue, Modality
from ingest.text import clean, clean_line

COLUMNS = (
    "item_id",
    "uri",
    "media",
    "title",
    "text",
    "tags",
    "created_at",
    "creator_id",
    "lang",
    "attrs",
)
"""Columns of a manifest, and keys of a JSON file beside a medium."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediumRecord:
    """One file that a row names."""

    uri: str
    """As written: relative to the manifest's folder, or absolute."""
    modality: Modality | None = None
    """What the row says it is; none to go by its extension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A checked row; empty fields were absent."""

    item_id: str = ""
    """Stable name."""
    media: tuple[MediumRecord, ...] = ()
    """Files, in order."""
    title: str = ""
    """Cleaned, one line."""
    text: str = ""
    """Cleaned and limited in length."""
    tags: tuple[str, ...] = ()
    """Cleaned, without repeats."""
    created_at: datetime | None = None
    """Aware UTC time."""
    creator_id: str = ""
    """Who made it."""
    lang: str = ""
    """BCP 47 language tag."""
    attrs: Mapping[str, AttrValue] = field(default_factory=dict)
    """Typed extra fields."""


def parse_record(row: Mapping[str, Any], max_text_characters: int) -> Record:
    """Check one row.

    Args:
        row: values by column; None and empty text mean absent; unknown columns are ignored.
        max_text_characters: longest ``text`` kept.

    Raises:
        DecodeError: ``bad_metadata``, naming the column and what was expected.
    """
    present = {key: row[key] for key in COLUMNS if not _absent(row.get(key))}
    return Record(
        item_id=_text(present, "item_id"),
        media=_media(present),
        title=clean_line(_text(present, "title")),
        text=clean(_text(present, "text"), max_text_characters),
        tags=_tags(present),
        created_at=_created_at(present),
        creator_id=_text(present, "creator_id"),
        lang=_text(present, "lang"),
        attrs=_attrs(present),
    )


def _absent(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _refuse(column: str, expected: str, value: Any) -> DecodeError:
    shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."
    return DecodeError("bad_metadata", f"column {column} should be {expected}, but is {shown}")


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column, "")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _refuse(column, "text", value)
    return value.strip()


def _media(row: Mapping[str, Any]) -> tuple[MediumRecord, ...]:
    listed = _listed(row, "media") + ([row["uri"]] if "uri" in row else [])
    return tuple(dict.fromkeys(_medium(value) for value in listed))


def _medium(value: Any) -> MediumRecord:
    if isinstance(value, str) and value.strip():
        return MediumRecord(uri=value.strip())
    if not isinstance(value, Mapping) or not isinstance(value.get("uri"), str):
        raise _refuse("media", "a list of URIs or of {uri, kind}", value)
    kind = value.get("kind")
    if kind is None:
        return MediumRecord(uri=value["uri"])
    if kind not in {Modality.VIDEO, Modality.IMAGE, Modality.AUDIO}:
        raise _refuse("media", "of kind video, image or audio", kind)
    return MediumRecord(uri=value["uri"], modality=Modality(kind))


def _listed(row: Mapping[str, Any], column: str) -> list[Any]:
    value = row.get(column, [])
    if isinstance(value, str):
        if value.lstrip().startswith(("[", "{")):
            value = _from_json(column, value)
        else:
            return [part.strip() for part in value.split(";") if part.strip()]
    if isinstance(value, Mapping):
        return [value]
    if not isinstance(value, list | tuple):
        raise _refuse(column, "a list", value)
    return list(value)


def _from_json(column: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise _refuse(column, "JSON", value) from error


def _tags(row: Mapping[str, Any]) -> tuple[str, ...]:
    values = _listed(row, "tags")
    if not all(isinstance(value, str) for value in values):
        raise _refuse("tags", "a list of texts", values)
    return tuple(dict.fromkeys(tag for tag in (clean_line(v, 100) for v in values) if tag))


def _created_at(row: Mapping[str, Any]) -> datetime | None:
    value = row.get("created_at")
    if value is None:
        return None
    try:
        if isinstance(value, datetime):
            found = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value, UTC)
        else:
            found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise _refuse("created_at", "an ISO 8601 time or seconds since 1970", value) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _attrs(row: Mapping[str, Any]) -> dict[str, AttrValue]:
    value = row.get("attrs", {})
    if isinstance(value, str):
        value = _from_json("attrs", value)
    if isinstance(value, list):  # a parquet map arrives as pairs
        value = dict(value)
    if not isinstance(value, Mapping):
        raise _refuse("attrs", "a mapping of names to text, numbers or truth values", value)
    attrs = {str(name): part for name, part in value.items() if not _absent(part)}
    for name, part in attrs.items():
        if not isinstance(part, str | int | float):
            raise _refuse(f"attrs.{name}", "text, a number or a truth value", part)
        if isinstance(part, float) and not math.isfinite(part):
            raise _refuse(f"attrs.{name}", "a finite number", part)
    return attrs
