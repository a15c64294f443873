"""Candidate words: whose win, what is read out of an answer, and how a word is put into context."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ranking.candidates import Candidates, candidates_for, parse_words, phrases
from ranking.language_model import LanguageModelError
from ranking.vocabulary import AspectError, find_aspect


@dataclass
class Writer:
    """A language model with one answer, that remembers what it was asked."""

    answer: str
    asked: list[tuple[str, int]] = field(default_factory=list)

    def complete(self, prompt: str, most_tokens: int) -> str:
        self.asked.append((prompt, most_tokens))
        return self.answer


class Broken:
    """A language model that is out of reach."""

    def complete(self, _prompt: str, _most_tokens: int) -> str:
        raise LanguageModelError("the language model at nowhere cannot be reached", "look at it")


def vocabulary_of(name: str) -> tuple[str, ...]:
    aspect = find_aspect(name)
    assert aspect is not None
    return aspect.words


def test_own_words_win_and_keep_their_spelling_and_order() -> None:
    writer = Writer("blue, green")
    found = candidates_for("the colours", [" Ruby  Red", "teal", "ruby red", ""], 12, writer)
    assert (found.words, found.source, found.note) == (("Ruby Red", "teal"), "user", "")
    assert "the colour {}" in found.templates
    assert writer.asked == []


def test_own_words_make_an_unknown_aspect_possible() -> None:
    found = candidates_for("kind of cheese", ["brie", "gouda"], 12, None)
    assert found.words == ("brie", "gouda")
    assert phrases(found)[0] == ["brie", "kind of cheese: brie"]


def test_one_own_word_is_too_few() -> None:
    with pytest.raises(AspectError, match="at least two different words, got 1"):
        candidates_for("colour", ["red", "RED", " "], 12, None)


def test_the_vocabulary_gives_all_it_has() -> None:
    found = candidates_for("by mood", [], 2, None)
    assert (found.words, found.source) == (vocabulary_of("mood"), "vocabulary")
    assert found.aspect == "by mood"


def test_an_unknown_aspect_without_words_or_model_is_an_error() -> None:
    with pytest.raises(AspectError, match=r"'cheese'.*--words.*language_model\.url"):
        candidates_for("cheese", [], 12, None)


def test_a_language_model_is_asked_for_what_the_user_said() -> None:
    writer = Writer("1. Brie\n2. Gouda\n3. Feta\n4. Cheddar")
    found = candidates_for(" kind of  cheese", [], 3, writer)
    assert (found.words, found.source, found.note) == (
        ("brie", "gouda", "feta"),
        "language model",
        "",
    )
    (prompt, most_tokens) = writer.asked[0]
    assert "3 different" in prompt
    assert "kind of cheese" in prompt
    assert most_tokens >= 3 * 4


def test_what_a_model_forgets_of_a_known_aspect_is_filled_up() -> None:
    found = candidates_for("color", [], 6, Writer("crimson, Reds, blue"))
    assert found.words == ("crimson", "Reds", "blue", "green", "yellow", "orange")
    assert found.source == "language model"
    assert found.note == "the language model gave 3 words of 6; the rest are the vocabulary's"


@pytest.mark.parametrize(
    "answer", ["", "I am sorry, I cannot help with that request at all.", "red"]
)
def test_an_unusable_answer_falls_back_to_the_vocabulary_and_says_so(answer: str) -> None:
    found = candidates_for("colour", [], 12, Writer(answer))
    assert (found.words, found.source) == (vocabulary_of("colour"), "vocabulary")
    assert "no usable words" in found.note
    with pytest.raises(AspectError, match="no usable words for the aspect 'cheese'"):
        candidates_for("cheese", [], 12, Writer(answer))


def test_a_model_out_of_reach_falls_back_to_the_vocabulary_and_says_so() -> None:
    found = candidates_for("colour", [], 12, Broken())
    assert (found.words, found.source) == (vocabulary_of("colour"), "vocabulary")
    assert found.note.startswith("the language model at nowhere cannot be reached")
    with pytest.raises(LanguageModelError, match="cannot be reached"):
        candidates_for("cheese", [], 12, Broken())


def test_one_word_is_not_a_choice() -> None:
    with pytest.raises(ValueError, match="num = 1"):
        candidates_for("colour", [], 1, None)


@pytest.mark.parametrize(
    "answer",
    [
        "red, dark blue, green",
        "Red, Dark blue, and Green.",
        "red\ndark blue\ngreen\n",
        "Sure! Here are 3 colours: red, dark blue, green",
        "Here are some colours\nred\ndark blue\ngreen",
        "Here are 3 colours:\n\n- Red\n- Dark blue\n- Green\n\nLet me know if you need more!",
        "1. Red\n2. Dark Blue\n3. Green\n4. Red\n5. reds",
        "1) **Red**: a warm, loud one\n2) **Dark blue** (calm)\n3) **Green** \u2013 like grass",
        "1. red 2. dark blue 3. green",
        "1. red, 2. dark blue, 3. green",
        "a) red\nb) dark blue\nc) green",
        "• \u201cred\u201d\n• 'dark blue'\n• `green`",
        '["red", "dark blue", "green"]',
        '```json\n{"colours": ["red", "dark blue", "green"]}\n```',
        "red; dark blue; green; etc.",
        "red | dark blue | green",
        "Red: a warm one\nDark blue: a cold one\nGreen: like grass",
        "<think>maybe yellow, or pink</think>\nred, dark blue, green",
        "red, dark blue, green, colour, a very long way of saying yellow, красный, 12, x, #f00",
        "red, dark blue, green, dar",
        "1. Red [1]\n2. Dark blue [2]\n3. Green [3]",
    ],
)
def test_words_are_read_out_of_any_list(answer: str) -> None:
    assert [word.casefold() for word in parse_words(answer, "colours")] == [
        "red",
        "dark blue",
        "green",
    ]


def test_capitals_of_a_list_are_taken_off_and_those_of_names_are_kept() -> None:
    assert parse_words("Sedan\nSUV\nSports Car", "car") == ["sedan", "SUV", "sports car"]
    assert parse_words("wedding\nNew Year's Eve\npicnic", "occasion") == [
        "wedding",
        "New Year's Eve",
        "picnic",
    ]


@pytest.mark.parametrize("answer", ["", "\n", ",,,", "1.\n2.\n", "<think>never ends, red, blue"])
def test_nothing_is_read_out_of_nothing(answer: str) -> None:
    assert parse_words(answer, "colour") == []


def test_a_word_is_put_into_every_template_with_the_right_article() -> None:
    found = Candidates(
        aspect="thing",
        words=("dog", "orange", "unicorn", "eucalyptus", "SUV", "one-armed bandit", "{}"),
        templates=("{}", "a {} is here", "not an {}, a {}", "extra {}"),
        source="user",
    )
    assert phrases(found) == [
        ["dog", "a dog is here", "not an dog, a dog", "extra dog"],
        ["orange", "an orange is here", "not an orange, an orange", "extra orange"],
        ["unicorn", "a unicorn is here", "not an unicorn, a unicorn", "extra unicorn"],
        [
            "eucalyptus",
            "a eucalyptus is here",
            "not an eucalyptus, a eucalyptus",
            "extra eucalyptus",
        ],
        ["SUV", "an SUV is here", "not an SUV, an SUV", "extra SUV"],
        [
            "one-armed bandit",
            "a one-armed bandit is here",
            "not an one-armed bandit, a one-armed bandit",
            "extra one-armed bandit",
        ],
        ["{}", "a {} is here", "not an {}, a {}", "extra {}"],
    ]
