"""What the library answers: plain data that the command line, the page and programs read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from retrieval.base import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One entry of a source that never became an item."""

    where: str
    """File, or manifest with line."""
    reason: str
    """One sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOutcome:
    """What an index run did and where the library stands after it."""

    items: int
    """Items in scope."""
    encoded: int
    """Contents decoded and encoded."""
    indexed: int
    """Items whose vectors were written."""
    unchanged: int
    """Items already as they should be."""
    pruned: int
    """Items removed because their files are gone."""
    duplicates: int
    """Items known to repeat another one."""
    quarantined: Mapping[str, int]
    """Contents of this source that cannot be read, by code, from this run and before."""
    examples: Mapping[str, str]
    """One sentence per code."""
    rejected: tuple[Rejected, ...]
    """Entries that never became items."""
    skipped: int
    """Files of kinds that are not media."""
    seconds: float
    """Wall time."""
    notes: tuple[str, ...] = ()
    """What a person should know besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport:
    """What a run would do."""

    items: int
    """Items in scope."""
    to_write: int
    """Items whose vectors would be made."""
    to_decode: Mapping[str, int]
    """Contents to decode, by kind."""
    to_encode: Mapping[str, int]
    """Views to encode, by source."""
    quarantined: int
    """Contents left aside because they failed before."""
    model_changes: str
    """Which settings differ from the workspace's; empty where none."""
    seconds: float | None
    """Estimate from the last run on this workspace; None before the first."""
    disk_bytes: int
    """Estimate of the space that new vectors take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Where a library stands."""

    items: int
    """Items in the catalogue."""
    states: Mapping[str, int]
    """Items of the active generation by state."""
    quarantined: Mapping[str, int]
    """Contents that cannot be read, by code."""
    generation: str
    """Name of the generation that answers; empty before the first run."""
    building: str
    """Generation that a re-embedding is filling; empty when none is."""
    made_by: Mapping[str, str]
    """The models and settings behind the vectors."""
    disk_bytes: int
    """Space of the workspace folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What a person wants to see of an item."""

    item_id: str
    """The item."""
    uri: str
    """Its first file; empty for an item of words alone."""
    title: str
    """Its title; empty where it has none."""
    text: str
    """Its first words; empty where it has none."""
    kind: str
    """video, image, audio or text."""
    modality_weights: Mapping[str, float]
    """Share of each modality in the joint vector."""
    thumbnail: bytes = field(repr=False)
    """JPEG; empty where there is no picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One found item."""

    candidate: Candidate
    """Id, score, relevance and moment."""
    item: Glimpse
    """What to show of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything found for one request."""

    title: str
    """The question in words."""
    answers: tuple[Answer, ...]
    """Best first."""
    withheld: int
    """Candidates below the relevance cut-off."""
    asked_with: tuple[Path, ...] = ()
    """Files that were part of the question."""
    notes: tuple[str, ...] = ()
    """What a person should know besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One item of a cluster."""

    confidence: float
    """How sure its place is, in [0, 1]."""
    pinned: bool
    """Whether a person chose its place."""
    item: Glimpse
    """What to show of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterReport:
    """One cluster of a view with some of its items."""

    cluster_id: int
    """Its number within the view."""
    name: str
    """Its name."""
    words: tuple[str, ...]
    """Candidate words that fit it, best first."""
    size: int
    """How many items it has."""
    share: float
    """Its share of the view's items, in [0, 1]."""
    pinned: int
    """Items whose place a person chose."""
    borderline: int
    """Items that it is less sure of than of nine in ten when the view was learnt."""
    typical: tuple[Member, ...]
    """Its surest items, surest first."""
    doubtful: tuple[Member, ...]
    """Its least sure items among the borderline ones, least sure first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewReport:
    """A view with its clusters."""

    name: str
    """Its name."""
    aspect: str
    """What its items are grouped by."""
    source: str
    """Where its words come from: user, language model or vocabulary."""
    where: str | None
    """The filter that its items pass; None for every item."""
    size: int
    """How many items it has."""
    clusters: tuple[ClusterReport, ...]
    """Its clusters, largest first."""
    created_at: datetime
    """When it was made, UTC."""
    updated_at: datetime
    """When it or its members changed last, UTC."""
    notes: tuple[str, ...] = ()
    """What a person should know besides."""
