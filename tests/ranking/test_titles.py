"""What becomes of a draft, and what a brief depends on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ranking.title_facts import Facts
from ranking.titles import NOTHING, REJECTED, WRITTEN, Audience, Brief, Draft, TitleConfig, judged

FACTS = Facts(item_id="i", title="The Ferry", texts=("A ferry crosses the bay at night.",))
NIGHT = Audience(
    grouping="view mood",
    group_id=4,
    name="night",
    words=("night",),
    towards=np.array([1.0, 0.0], np.float32),
)
BRIEF = Brief(facts=FACTS, audience=NIGHT, match=2.0)


def test_a_draft_of_facts_is_written() -> None:
    title = judged(BRIEF, Draft(text=" The Ferry:\n at  night ", read=33))
    assert (title.item_id, title.grouping, title.group_id) == ("i", "view mood", 4)
    assert (title.text, title.outcome, title.invented) == ("The Ferry: at night", WRITTEN, ())
    assert (title.read, title.wrote) == (33, len("The Ferry: at night"))


def test_an_invention_is_rejected_and_named_but_not_kept() -> None:
    title = judged(BRIEF, Draft(text="The Ferry: a storm at night"))
    assert (title.text, title.outcome, title.invented) == ("", REJECTED, ("storm",))


@pytest.mark.parametrize("text", ["", "  ", "the  FERRY"])
def test_a_draft_that_adds_nothing_is_nothing(text: str) -> None:
    assert judged(BRIEF, Draft(text=text)).outcome == NOTHING


def test_a_brief_changes_with_the_facts_and_with_what_the_writer_is_told() -> None:
    other_words = replace(NIGHT, words=("dark",))
    other_way = replace(NIGHT, towards=np.array([0.0, 1.0], np.float32))
    digests = {
        BRIEF.digest,
        replace(BRIEF, facts=replace(FACTS, tags=("sea",))).digest,
        replace(BRIEF, audience=other_words).digest,
        replace(BRIEF, audience=other_way).digest,
    }
    assert len(digests) == 4
    assert replace(BRIEF, match=1.0).digest == BRIEF.digest
    assert BRIEF.key == ("i", 4)


def test_titles_are_off_by_default() -> None:
    assert TitleConfig().shown == "own"


@pytest.mark.parametrize(
    "changes", [{"groups_per_item": 0}, {"most_words": 0}, {"num_tastes": 1}, {"match_epochs": -1}]
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|must be"):
        TitleConfig(**changes)
