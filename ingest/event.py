"""One thing a person did with an item, checked once.

Users and items need not be known: events may outrun indexing. A type without a rule is kept, too,
for a rule may come later; until then it weighs nothing (``ingest.event_rules``).

An event that brings no id gets one from what it says, so that a file read twice adds nothing. Two
events alike in user, item, type, time and value are therefore one. Such an id begins with its time:
what is appended in order of time lands at one end of the index of ids, which is twice as fast.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from ingest.errors import SensoriumError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOST_CHARACTERS = 500
"""Longest id or type."""
ID_OFFSET_US = 1 << 56
"""Added to the time in a derived id, so that no year has a sign."""


class EventType(StrEnum):
    """Types that have a meaning here; any other word is a type as well."""

    VIEW = "view"
    PLAY = "play"
    WATCH_TIME = "watch_time"
    COMPLETE = "complete"
    CLICK = "click"
    LIKE = "like"
    DISLIKE = "dislike"
    SHARE = "share"
    SAVE = "save"
    FOLLOW = "follow"
    COMMENT = "comment"
    PURCHASE = "purchase"
    RATING = "rating"
    SKIP = "skip"
    NOT_INTERESTED = "not_interested"
    REPORT = "report"
    IMPRESSION = "impression"


class EventError(SensoriumError):
    """An event lacks something or says something impossible.

    Args:
        field: the field at fault.
        expected: what it should be.
        value: what it is.
    """

    code = "bad_event"

    def __init__(self, field: str, expected: str, value: Any) -> None:
        shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:57] + "..."
        super().__init__(f"{field} should be {expected}, but is {shown}")
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing a person did with an item.

    Raises:
        EventError: a field is missing or impossible.
    """

    user_id: str
    """Who."""
    item_id: str
    """With what."""
    event_type: str
    """One of ``EventType``, or another word."""
    occurred_at: datetime
    """When, aware; kept as UTC."""
    value: float | None = None
    """Stars of a rating; for watch_time the share watched, 1 for all, more for repeats."""
    event_id: str = ""
    """Name under which it counts once; empty derives one from what the event says."""
    session_id: str = ""
    """Visit it belongs to."""
    recommendation_id: str = ""
    """List of recommendations that led to it."""
    position: int | None = None
    """Place in that list, from 0."""
    impressions: tuple[str, ...] = ()
    """Items shown beside it."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Where it happened, such as the device; values that JSON can hold."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Anything else; values that JSON can hold."""

    def __post_init__(self) -> None:
        if not (is_name(self.user_id) and is_name(self.item_id) and is_name(self.event_type)):
            raise self._misnamed("user_id", "item_id", "event_type")
        if self.value is not None and not math.isfinite(self.value):
            raise EventError("value", "a finite number", self.value)
        if self.position is not None and self.position < 0:
            raise EventError("position", "0 or more", self.position)
        if self.occurred_at.tzinfo is None:
            raise EventError("timestamp", "a time with its zone", self.occurred_at)
        if self.occurred_at.tzinfo is not UTC:
            object.__setattr__(self, "occurred_at", self.occurred_at.astimezone(UTC))
        if not self.event_id:
            object.__setattr__(self, "event_id", self._derived_id())
        elif not is_name(self.event_id):
            raise self._misnamed("event_id")

    @property
    def occurred_us(self) -> int:
        """Microseconds since 1970, exact; earlier ones are negative."""
        return (self.occurred_at - EPOCH) // MICROSECOND

    def _misnamed(self, *fields: str) -> EventError:
        field = next(name for name in fields if not is_name(getattr(self, name)))
        expected = f"text of 1 to {MOST_CHARACTERS} characters"
        return EventError(field, expected, getattr(self, field))

    def _derived_id(self) -> str:
        # No name holds a NUL, so joining with it is unambiguous.
        said = f"{self.user_id}\0{self.item_id}\0{self.event_type}\0{self.value!r}"
        digest = blake2b(said.encode(), digest_size=12).hexdigest()
        return f"{self.occurred_us + ID_OFFSET_US:015x}{digest}"


def from_microseconds(occurred_us: int) -> datetime:
    """Give the time that is so many microseconds after 1970.

    Raises:
        OverflowError: beyond the year 9999, or before the year 1.
    """
    return EPOCH + timedelta(microseconds=occurred_us)


def is_name(text: str) -> bool:
    """Whether every database can keep it as text."""
    if not 0 < len(text) <= MOST_CHARACTERS or "\0" in text or text.isspace():
        return False
    return text.isascii() or _has_bytes(text)


def _has_bytes(text: str) -> bool:
    """Whether it can be written as UTF-8; half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
