"""Where a run of learning to fuse stands, and which of its states is the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fusion.judge import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run stands."""

    epoch: int
    """Rounds done."""
    best_epoch: int
    """Round after which the best state stood; 0 for the start."""
    first: Score
    """Score before learning."""
    best: Score
    """Score of the best state."""
    last: Score
    """Score after the last round."""

    @classmethod
    def start(cls, score: Score) -> Progress:
        """Before the first round."""
        return cls(epoch=0, best_epoch=0, first=score, best=score, last=score)

    @classmethod
    def read(cls, known: dict[str, Any]) -> Progress:
        """From the plain values of a checkpoint."""
        return cls(**{**known, **{n: Score(**known[n]) for n in ("first", "best", "last")}})

    def after(self, score: Score) -> Progress:
        """After one more round, which reached a score."""
        better = score.value > self.best.value and score.words >= self.first.least_words
        return Progress(
            epoch=self.epoch + 1,
            best_epoch=self.epoch + 1 if better else self.best_epoch,
            first=self.first,
            best=score if better else self.best,
            last=score,
        )
