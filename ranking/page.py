"""A page of recommendations: what is shown, where it came from, why, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an item is on the page; every part of it is checkable."""

    kind: str
    """``interest``, ``history``, ``relation``, ``popular``, ``new`` or ``explored``."""
    text: str
    """One sentence for a person."""
    interest: str = ""
    """Name of the interest that the item belongs to; empty for none."""
    history_item: str = ""
    """Id of the liked item without which this one would fall furthest, or that it is related to by
    name; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One item of a page."""

    item_id: str
    """Which."""
    position: int
    """Place on the page, from 0."""
    score: float
    """What it was chosen by, the sum of ``parts``; what is explored has a place kept instead."""
    parts: Mapping[str, float]
    """What the score is made of, logarithms of factors: ``ranker``, ``sources``, ``interest``,
    ``boost``, ``fatigue``, ``rules`` and, for likeness to what is above on the page, ``alike``."""
    sources: Mapping[str, int]
    """Place with each source that found it, from 0, by name of the source."""
    reason: Reason
    """Why."""
    chances: Mapping[str, float] = field(default_factory=dict)
    """How likely each action is, should some happen to it, by name; empty where nothing tells."""
    title: str = ""
    """Title that was written for the person's group; empty where the item's own is shown."""
    titled_for: str = ""
    """Name of that group; empty where the item's own title is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step did."""

    name: str
    """Such as ``seen`` or ``near copies``."""
    entered: int
    """Candidates that came in."""
    removed: int
    """Candidates that it took out."""
    seconds: float
    """Wall time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one request gave."""

    recommendation_id: str
    """Name of this answer; events that bring it are traced back here."""
    user_id: str
    """For whom."""
    asked_us: int
    """When, microseconds since 1970."""
    picks: tuple[Pick, ...]
    """Best first."""
    found: Mapping[str, int]
    """Candidates by name of the source."""
    trace: tuple[Step, ...]
    """Steps in order."""
    notes: tuple[str, ...] = ()
    """What a person should know, such as that no ranker has been learnt."""
