"""Which of two titles a reader would rather have, judged in both orders.

The rule is the published one (Chen et al. 2025, arXiv 2508.18118): a judge is asked twice, with the
titles swapped. Who names the same place twice followed the place, so that counts as the same; so
does a row in which either answer is "same", or in which there was no answer. Otherwise the title
that both answers mean has won. The advantage is (good - bad) / all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ranking.language_model import LanguageModel
from ranking.titles import Audience

Answer = Literal["a", "b", "same"]
"""The title that was given first, the other, or neither."""
Outcome = Literal["good", "bad", "same"]
"""What becomes of a written title beside the original."""

MOST_TOKENS = 8
_LETTER = re.compile(r"\b(a|b|same)\b", re.IGNORECASE)


class Judge(Protocol):
    """Chooses between two titles for a group of readers."""

    def choose(self, audience: Audience, a: str, b: str) -> Answer:
        """Say which they would rather have; "same" also where there is no telling."""
        ...


class LanguageModelJudge:
    """Asks a language model.

    Args:
        model: answers.
        tries: how often it is asked before an answer that names neither counts as "same".
    """

    def __init__(self, model: LanguageModel, tries: int = 5) -> None:
        self._model, self._tries = model, tries

    def choose(self, audience: Audience, a: str, b: str) -> Answer:
        """Choose; see ``Judge``."""
        about = ", ".join(audience.words) or audience.name
        prompt = (
            f"A reader is interested in {about}. Which title would interest this reader more?\n"
            f"a: {a}\nb: {b}\nAnswer with one word: a, b or same."
        )
        for _ in range(self._tries):
            found = _LETTER.search(self._model.complete(prompt, MOST_TOKENS))
            if found:
                said = found.group(1).lower()
                return "a" if said == "a" else "b" if said == "b" else "same"
        return "same"


def outcome_of(judge: Judge, audience: Audience, written: str, original: str) -> Outcome:
    """Judge a written title beside the original, in both orders."""
    first = judge.choose(audience, written, original)
    second = judge.choose(audience, original, written)
    if "same" in (first, second) or first == second:
        return "same"
    return "good" if first == "a" else "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What a judge said of many rows."""

    good: int
    """Written titles that won."""
    same: int
    """Rows without a winner."""
    bad: int
    """Written titles that lost."""

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Verdicts:
        """Count them."""
        return cls(
            good=outcomes.count("good"), same=outcomes.count("same"), bad=outcomes.count("bad")
        )

    @property
    def advantage(self) -> float:
        """(good - bad) / all, in [-1, 1]; 0 of nothing."""
        every = self.good + self.same + self.bad
        return (self.good - self.bad) / every if every else 0.0
