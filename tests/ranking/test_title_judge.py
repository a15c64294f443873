"""The rule of judging in both orders, with judges whose habits are known."""

from __future__ import annotations

import numpy as np
import pytest

from ranking.title_judge import Answer, LanguageModelJudge, Verdicts, outcome_of
from ranking.titles import Audience

SEA = Audience(
    grouping="g", group_id=1, name="the sea", words=("sea", "boat"),
    towards=np.zeros(2, np.float32),
)  # fmt: skip


class WordOverlap:
    """Prefers the title with more of the group's words."""

    def choose(self, audience: Audience, a: str, b: str) -> Answer:
        one, other = (sum(w in text.split() for w in audience.words) for text in (a, b))
        return "a" if one > other else "b" if other > one else "same"


class First:
    """Always prefers what comes first."""

    def choose(self, audience: Audience, a: str, b: str) -> Answer:  # noqa: ARG002
        return "a"


@pytest.mark.parametrize(
    ("written", "original", "outcome"),
    [
        ("The boat at sea", "The boat", "good"),
        ("The house", "The boat", "bad"),
        ("A boat", "The boat", "same"),
    ],
)
def test_a_judge_that_reads_finds_the_better_title(
    written: str, original: str, outcome: str
) -> None:
    assert outcome_of(WordOverlap(), SEA, written, original) == outcome


def test_a_judge_that_follows_the_place_decides_nothing() -> None:
    outcomes = [outcome_of(First(), SEA, f"boat {n}", "house") for n in range(20)]
    assert Verdicts.of(outcomes) == Verdicts(good=0, same=20, bad=0)


def test_a_title_beside_itself_is_the_same() -> None:
    assert outcome_of(WordOverlap(), SEA, "The boat", "The boat") == "same"


def test_the_advantage_is_what_was_published() -> None:
    assert Verdicts(good=353, same=91, bad=56).advantage == pytest.approx(0.594)
    assert Verdicts(good=0, same=0, bad=0).advantage == 0


class Says:
    """Answers in turn, the last for ever."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def complete(self, prompt: str, most_tokens: int) -> str:
        assert most_tokens > 0
        self.asked.append(prompt)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_a_language_model_is_asked_again_where_it_names_neither() -> None:
    model = Says("Well", "hmm", "Answer: B.")
    assert LanguageModelJudge(model).choose(SEA, "one title", "two title") == "b"
    assert len(model.asked) == 3
    assert "sea, boat" in model.asked[0]
    never = Says("banana")
    assert LanguageModelJudge(never, tries=5).choose(SEA, "x", "y") == "same"
    assert len(never.asked) == 5
    assert LanguageModelJudge(Says("Same")).choose(SEA, "x", "y") == "same"
