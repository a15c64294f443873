"""Phrases of an item's own text, chosen by a group; and what is asked of a language model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.base import unit
from ranking.title_facts import Facts, tokens
from ranking.title_writers import ExtractiveWriter, PromptedWriter, phrases_of, prompt_of, title_in
from ranking.titles import WRITTEN, Audience, Brief, judged

FACTS = Facts(
    item_id="ferry",
    title="The Ferry",
    texts=("An old captain sails home, and a young cook bakes bread when the engine stops.",),
)
WORDS = ("captain", "sails", "cook", "bakes", "engine", "stops")


def counted(texts: Sequence[str]) -> NDArray[np.float32]:
    """A bag of six words: an encoder whose geometry a person can read."""
    rows = [[word in text.casefold().split() for word in WORDS] for text in texts]
    return unit(np.array(rows, np.float32).reshape(len(texts), len(WORDS)))


def audience(number: int, *words: str) -> Audience:
    return Audience(
        grouping="g",
        group_id=number,
        name=" ".join(words),
        words=words,
        towards=counted([" ".join(words)])[0],
    )


def brief(facts: Facts, *words: str) -> Brief:
    return Brief(facts=facts, audience=audience(1, *words))


def test_each_group_gets_the_phrase_that_concerns_it() -> None:
    about = (("captain", "sails"), ("cook", "bakes"), ("engine",))
    drafts = ExtractiveWriter(counted).write([brief(FACTS, *words) for words in about])
    assert [draft.text for draft in drafts] == [
        "The Ferry: An old captain sails home",
        "The Ferry: a young cook bakes bread",
        "The Ferry: when the engine stops",
    ]
    assert all(draft.read > 0 for draft in drafts)
    for words, draft in zip(about, drafts, strict=True):
        assert judged(brief(FACTS, *words), draft).outcome == WRITTEN


def test_an_item_of_one_batch_is_encoded_once_and_of_another_anew() -> None:
    calls: list[int] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        calls.append(len(texts))
        return counted(texts)

    writer = ExtractiveWriter(encode)
    writer.write([brief(FACTS, "cook"), brief(FACTS, "engine")])
    writer.write([brief(FACTS, "captain")])
    other = Facts(item_id="other", title="", texts=("A cook who sails alone.",))
    writer.write([brief(other, "cook")])
    writer.write([brief(FACTS, "captain")])
    assert calls == [3, 2, 3] or calls == [3, 1, 3]


def test_without_text_tags_stand_and_without_either_there_is_nothing() -> None:
    tagged = Facts(item_id="t", title="Boat", tags=("boat", "cook", "engine"))
    bare = Facts(item_id="b", title="Boat")
    untitled = Facts(item_id="u", title="", texts=FACTS.texts)
    drafts = ExtractiveWriter(counted).write(
        [brief(tagged, "engine"), brief(bare, "engine"), brief(untitled, "engine")]
    )
    assert [one.text for one in drafts] == ["Boat: engine", "", "when the engine stops"]
    assert ExtractiveWriter(counted).write([]) == []


def test_phrases_are_whole_short_and_each_once() -> None:
    text = (
        "The Ferry. The ferry! Two cooks argue; two cooks argue. In 1990 the owner of the ferry "
        "sells it to a man from the city who never sails. \u201cNobody \u2014 not even he\u201d "
        "knows why."
    )
    found = phrases_of(Facts(item_id="x", title="The Ferry", texts=(text,)), 8)
    assert found[0] == "two cooks argue"
    assert len(found) == len({phrase.casefold() for phrase in found})
    assert "In 1990 the owner of the ferry sells" not in found
    assert all(3 <= len(phrase.split()) <= 8 for phrase in found)
    assert not any(phrase.endswith((" of", " the", " to", " a")) for phrase in found)


@pytest.mark.parametrize("most", [3, 5, 12])
def test_extracts_never_invent(most: int) -> None:
    facts = Facts(
        item_id="x",
        title="Life (1999)",
        texts=(
            "In 1932, two strangers are wrongfully convicted and develop a friendship in prison "
            "that lasts through the 20th century. Harry's dog—Rex—digs. (Not a true story!)",
        ),
    )
    for phrase in phrases_of(facts, most):
        assert facts.invented(f"{facts.title}: {phrase}") == ()
        assert len(list(tokens(phrase))) >= 2


class Echo:
    """A language model that answers as it is told, and remembers what it was asked."""

    def __init__(self, answer: str) -> None:
        self.answer, self.asked = answer, list[tuple[str, int]]()

    def complete(self, prompt: str, most_tokens: int) -> str:
        self.asked.append((prompt, most_tokens))
        return self.answer


def test_a_language_model_is_told_the_facts_the_group_and_the_bounds() -> None:
    model = Echo('Title: "The Ferry: bread for a captain"\nI chose this because…')
    writer = PromptedWriter(model, "echo", most_words=6)
    [draft] = writer.write([brief(FACTS, "captain")])
    [(prompt, most_tokens)] = model.asked
    assert draft.text == "The Ferry: bread for a captain"
    assert draft.read == len(prompt)
    assert FACTS.title in prompt
    assert FACTS.texts[0] in prompt
    assert "captain" in prompt
    assert "at most 6 words" in prompt
    assert most_tokens == 3 * (2 + 6)
    assert writer.name == "language model echo, 6 words"
    assert prompt_of(FACTS, audience(1, "a"), 6) != prompt_of(FACTS, audience(1, "b"), 6)


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("\n\n**New title: The Ferry at night**\n", "The Ferry at night"),
        ('"A"', "A"),
        ("", ""),
        ("word " * 30, ""),
    ],
)
def test_the_title_is_found_in_what_a_model_says(said: str, title: str) -> None:
    assert title_in(said, 12) == title
