"""What is asked of a language model, which answers are taken, and what the template says."""

from __future__ import annotations

import pytest

from ranking.profile_writers import (
    LONGEST,
    ModelSummariser,
    TemplateSummariser,
    prompt_hash,
    prompt_of,
    template_text,
)
from ranking.profiles import Choice, ProfileSettings, Telling, tellings_of
from support.profiles import GOOD, Author, choices

TOLD = tellings_of(choices(12), ProfileSettings())


def test_a_prompt_holds_what_is_told_with_dates_and_nothing_later() -> None:
    everything = choices(20)
    for telling in tellings_of(everything[:12], ProfileSettings()).values():
        prompt = prompt_of(telling)
        assert "2024-12 Title 011 (Sea, Boats)" in prompt
        assert not any(later.title in prompt for later in everything[12:])
    assert "Title 001" not in prompt_of(TOLD["short"])
    assert "the last 3 count most" in prompt_of(TOLD["short"])


def test_a_hash_changes_with_the_writer_and_with_what_is_asked() -> None:
    hashes = {prompt_hash(who, told) for who in ("a", "b") for told in TOLD.values()}
    assert len(hashes) == 4
    again = tellings_of(choices(12), ProfileSettings())
    assert prompt_hash("a", again["long"]) in hashes


@pytest.mark.parametrize("number", [1, 3, 12])
def test_the_template_says_the_same_each_time_and_names_the_latest(number: int) -> None:
    told = tellings_of(choices(number), ProfileSettings())
    once, twice = (TemplateSummariser().write(list(told.values())) for _ in range(2))
    assert [one.text for one in once] == [one.text for one in twice]
    for written in once:
        assert written.calls == 0
        assert len(written.text) <= LONGEST
        assert "Sea" in written.text
    assert f"Title {number - 1:03}" in once[0].text


def test_the_template_bears_choices_without_words_or_times_and_long_ones() -> None:
    bare = Telling(horizon="long", choices=(Choice(title="A"), Choice(title="A")), latest=3)
    assert template_text(bare) == "So far this person's taste has shown in A."
    long = Choice(title="word " * 200, about="thing, " * 200)
    for horizon in TOLD:
        told = Telling(horizon=horizon, choices=(long,) * 20, latest=3)
        assert len(template_text(told)) <= LONGEST


def test_an_answer_is_taken_as_one_paragraph_without_a_cut_sentence() -> None:
    author = Author([f"{GOOD}\n\n  And then it broke"])
    [written] = ModelSummariser(author, "m").write([TOLD["short"]])
    assert written.text == GOOD.strip()
    assert (written.calls, written.refused, written.writer) == (1, 0, "m 150")
    assert written.characters_read == len(author.asked[0])
    assert written.characters_written == len(written.text)


def test_a_wrong_length_is_asked_for_once_more_with_a_word_about_it() -> None:
    author = Author(["Too short.", GOOD])
    [written] = ModelSummariser(author, "m").write([TOLD["short"]])
    assert written.text == GOOD.strip()
    assert (written.calls, written.refused) == (2, 1)
    assert author.asked[1].startswith(author.asked[0])
    assert "had 10 characters" in author.asked[1]


@pytest.mark.parametrize("answer", ["Too short.", "x" * (LONGEST + 1)])
def test_after_two_refusals_the_template_writes(answer: str) -> None:
    author = Author([answer])
    [written] = ModelSummariser(author, "m").write([TOLD["long"]])
    assert written.text == template_text(TOLD["long"])
    assert (written.calls, written.refused, len(author.asked)) == (2, 2, 2)
    assert written.writer == TemplateSummariser.name


def test_each_telling_keeps_its_own_answer() -> None:
    author = Author([GOOD + "One.", "no", GOOD + "Two."])
    first, second = ModelSummariser(author, "m").write(list(TOLD.values()))
    assert first.text.endswith("One.")
    assert second.text.endswith("Two.")
