"""What is written down beside what a library learns: when, of how much, and how well it did.

A record speaks of one set of numbers, by their fingerprint. Of what was put in their place without
being learnt here it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorium.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One figure, on what was held out."""

    figure: str
    """Such as ``ndcg@10``."""
    value: float
    """What it reached."""
    beside: Mapping[str, float] = field(default_factory=dict)
    """What baselines reached on the same questions, by name."""
    gap: tuple[float, float] | None = None
    """Interval, 95 %, of how much above the best baseline that is; None where it was not made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """How something was learnt."""

    fingerprint: str
    """Of the numbers that it speaks of."""
    trained_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """When, ISO 8601, UTC."""
    events: int = 0
    """Events, or pairs of items, that were learnt from."""
    users: int = 0
    """People whose events these are."""
    items: int = 0
    """Items."""
    space: str = ""
    """Digest of what made the vectors that were learnt from; empty where there are none."""
    measured: tuple[Measured, ...] = ()
    """How well it did."""


def remember_training(workspace: Workspace, name: str, record: TrainingRecord) -> None:
    """Write down how what the workspace has under a name was learnt."""
    workspace.manifest.remember(_state_name(name), asdict(record))


def recall_training(workspace: Workspace, name: str, fingerprint: str) -> TrainingRecord | None:
    """Give what was written down of these numbers; None where nothing was."""
    known: dict[str, Any] | None = workspace.manifest.recall(_state_name(name))
    if known is None or known["fingerprint"] != fingerprint:
        return None
    measured = (
        Measured(**{**one, "gap": tuple(one["gap"]) if one["gap"] else None})
        for one in known["measured"]
    )
    return TrainingRecord(**{**known, "measured": tuple(measured)})


def _state_name(name: str) -> str:
    return f"trained_{name}"
