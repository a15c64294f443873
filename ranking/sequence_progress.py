"""Where a run of learning a sequence model stands, and which of its states is the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ranking.sequence_validation import NextItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run stands."""

    epoch: int
    """Rounds done."""
    best_epoch: int
    """Round after which the best state stood; 0 for the start."""
    best: NextItem
    """What the best state finds on validation."""
    last: NextItem
    """What the state after the last round finds."""
    loss: float
    """Mean loss of the last round; 0 before the first."""

    @classmethod
    def start(cls, found: NextItem) -> Progress:
        """Before the first round."""
        return cls(epoch=0, best_epoch=0, best=found, last=found, loss=0.0)

    @classmethod
    def read(cls, known: dict[str, Any]) -> Progress:
        """From the plain values of a checkpoint."""
        return cls(**{**known, **{name: NextItem(**known[name]) for name in ("best", "last")}})

    def after(
        self, found: NextItem, loss: float, keep: Literal["best", "last"] = "best"
    ) -> Progress:
        """After one more round, which found so much at a mean loss."""
        better = keep == "last" or found.ndcg_at_10 > self.best.ndcg_at_10
        return Progress(
            epoch=self.epoch + 1,
            best_epoch=self.epoch + 1 if better else self.best_epoch,
            best=found if better else self.best,
            last=found,
            loss=loss,
        )
