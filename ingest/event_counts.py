"""What the log of events tells of itself: what an append did, how much there is, and of whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What an append did."""

    accepted: int
    """Events that are new."""
    duplicates: int
    """Events whose id was there already: nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCounts:
    """What the log holds."""

    by_type: dict[str, int]
    """Events of each type, most frequent first."""
    users: int
    """Different users."""
    items: int
    """Different items."""
    unknown_items: int
    """Items among them that the catalogue does not know, or not yet."""
    first: datetime | None
    """Time of the earliest event; None for an empty log."""
    last: datetime | None
    """Time of the latest event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActivity:
    """What the log holds of one user."""

    user_id: str
    """Who."""
    events: int
    """How many events."""
    first: datetime
    """Time of the earliest."""
    last: datetime
    """Time of the latest."""
