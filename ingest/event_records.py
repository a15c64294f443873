"""One row of a table, a JSON line or a request: fields in, a checked event out.

Cells may hold text only, as in CSV: numbers and times are then read from it, and a list or mapping
is written as JSON, or a list as words between bars. A time without a zone is taken as UTC.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ingest.event import Event, EventError, from_microseconds

FIELDS = (
    "event_id",
    "user_id",
    "session_id",
    "item_id",
    "event_type",
    "value",
    "timestamp",
    "recommendation_id",
    "position",
    "impressions",
    "context",
    "properties",
)
"""Fields of a row."""
NEEDED = ("user_id", "item_id", "timestamp")
"""Fields without which there is no event."""
COMMON = frozenset((*NEEDED, "event_type", "value"))
"""Fields that most rows have, and often no others."""
NESTED = ("context", "properties")
"""Fields that hold entries by name; ``context.device`` in a row fills one of them."""

MICROSECONDS_PER_UNIT = ((1e11, 1_000_000), (1e14, 1_000), (1e17, 1))
"""Numbers below the first are taken as seconds, then milliseconds, microseconds."""


def parse_event(row: Mapping[str, Any], event_type: str = "") -> Event:
    """Check one row.

    Args:
        row: values by field, or by ``context.NAME``; None, empty text and NaN mean absent; other
            keys are ignored.
        event_type: type of a row that names none.

    Raises:
        EventError: a field is missing or wrong; it names the field and what was expected.
    """
    given = row.get("event_type")
    rest = {} if row.keys() <= COMMON else _rest(row)
    return Event(
        user_id=_text("user_id", row.get("user_id")),
        item_id=_text("item_id", row.get("item_id")),
        event_type=_text("event_type", event_type if is_absent(given) else given).lower(),
        value=_number("value", row.get("value")),
        occurred_at=parse_time(row.get("timestamp")),
        **rest,
    )


def as_row(event: Event) -> dict[str, Any]:
    """Give an event as the row that ``parse_event`` reads, without what it does not say."""
    row = {name: getattr(event, name) for name in FIELDS if name != "timestamp"}
    row |= {"timestamp": event.occurred_at.isoformat(), "impressions": list(event.impressions)}
    return {name: row[name] for name in FIELDS if row[name] not in (None, "", [], {})}


def is_absent(value: Any) -> bool:
    """Whether a cell says nothing."""
    return value is None or value == "" or value != value


def parse_time(value: Any) -> datetime:
    """Read a time: ISO 8601, or a number of seconds, milliseconds or microseconds since 1970.

    Raises:
        EventError: it is none of those.
    """
    try:
        if isinstance(value, str):
            text = value.strip()
            if text.isdecimal():
                return _from_number(int(text))
            found = _from_text(text)
        elif isinstance(value, datetime):
            found = value
        else:
            number = _number("timestamp", value)
            return _from_number(math.nan if number is None else number)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        expected = "an ISO 8601 time, or seconds, milliseconds or microseconds since 1970"
        raise EventError("timestamp", expected, value) from error


def _from_number(number: float) -> datetime:
    for below, factor in MICROSECONDS_PER_UNIT:
        if abs(number) < below:
            return from_microseconds(round(number * factor))
    raise OverflowError


def _from_text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _from_number(float(text))


def _text(field: str, value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column of whole numbers with gaps arrives as floats
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise EventError(field, "text", value)


def _number(field: str, value: Any) -> float | None:
    if is_absent(value):
        return None
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise EventError(field, "a number", value)


def _whole(field: str, value: Any) -> int:
    number = _number(field, value)
    if number is None or not number.is_integer():
        raise EventError(field, "a whole number", value)
    return int(number)


def _texts(field: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        listed = _json(field, value) if value.lstrip().startswith("[") else value.split("|")
    else:
        listed = value
    if not isinstance(listed, list | tuple):
        raise EventError(field, "a list of item ids", value)
    return tuple(_text(field, part) for part in listed)


def _mapping(field: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = _json(field, value)
    if isinstance(value, list):
        try:
            value = dict(value)  # a parquet map arrives as pairs
        except (TypeError, ValueError):
            raise EventError(field, "a mapping", value) from None
    if not isinstance(value, Mapping):
        raise EventError(field, "a mapping", value)
    return {str(name): part for name, part in value.items()}


def _json(field: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise EventError(field, "JSON", text) from None


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "event_id": _text,
    "session_id": _text,
    "recommendation_id": _text,
    "position": _whole,
    "impressions": _texts,
    "context": _mapping,
    "properties": _mapping,
}


def _rest(row: Mapping[str, Any]) -> dict[str, Any]:
    """Read the fields that few rows have."""
    found = {
        field: read(field, row[field])
        for field, read in _READERS.items()
        if not is_absent(row.get(field))
    }
    for key, value in row.items():
        field, dot, entry = key.partition(".")
        if dot and field in NESTED and not is_absent(value):
            found[field] = {**found.get(field, {}), entry: value}
    return found
