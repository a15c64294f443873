"""Where a run of learning interests stands, and which of its states is the best.

While a network that is to have interests has none yet, every state is better than those before:
what it finds as one vector does not compare with what its interests will find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestProgress:
    """Where a run stands."""

    epoch: int
    """Rounds done."""
    best_epoch: int
    """Round after which the best state stood; 0 for the start."""
    warm: bool
    """Whether the interests are still to come."""
    best: float
    """Recall at fifty of the best state on validation."""
    last: float
    """The same of the state after the last round."""
    item_loss: float
    """Mean loss of finding the item in the last round; 0 before the first."""
    code_loss: float
    """Mean loss of foretelling its interest; 0 where there is none."""
    perplexity: tuple[float, ...] = ()
    """Entries of each level in even use, as the dictionary was learnt; empty before."""
    dead_ratio: tuple[float, ...] = ()
    """Share of each level's entries that no item has; empty before."""

    @classmethod
    def start(cls, found: float, warm: bool) -> InterestProgress:
        """Before the first round."""
        return cls(
            epoch=0,
            best_epoch=0,
            warm=warm,
            best=found,
            last=found,
            item_loss=0.0,
            code_loss=0.0,
        )

    @classmethod
    def read(cls, known: dict[str, Any]) -> InterestProgress:
        """From the plain values of a checkpoint."""
        levels = {name: tuple(known[name]) for name in ("perplexity", "dead_ratio")}
        return cls(**{**known, **levels})
