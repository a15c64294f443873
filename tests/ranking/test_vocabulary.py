"""The bundled aspects: sound as data, and found by whatever people call them."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from ranking.vocabulary import aspects, close_names, find_aspect, unknown_aspect, word_key

FEWEST_WORDS, MOST_WORDS = 12, 80


def test_every_aspect_is_whole() -> None:
    assert len(aspects()) >= 40
    for aspect in aspects():
        distinct = {word.casefold() for word in aspect.words}
        assert len(distinct) == len(aspect.words), aspect.name
        assert FEWEST_WORDS <= len(aspect.words) <= MOST_WORDS, aspect.name
        assert all(aspect.words), aspect.name
        assert all(aspect.also_called), aspect.name
        assert len(set(aspect.templates)) == len(aspect.templates) >= 2, aspect.name
        assert all(template.count("{}") == 1 for template in aspect.templates), aspect.name


def test_no_name_belongs_to_two_aspects() -> None:
    owners = Counter(
        key
        for aspect in aspects()
        for key in {word_key(name) for name in (aspect.name, *aspect.also_called)}
    )
    assert [key for key, number in owners.items() if number > 1] == []


def test_every_aspect_is_found_by_all_of_its_names() -> None:
    for aspect in aspects():
        for name in (aspect.name, *aspect.also_called):
            assert find_aspect(name) is aspect, name


def test_no_word_brings_its_own_article_into_a_template_that_has_one() -> None:
    doubled = [
        (aspect.name, word)
        for aspect in aspects()
        if any(re.search(r"\b(?:a|an|the) \{\}", template) for template in aspect.templates)
        for word in aspect.words
        if re.match(r"(?:a|an|the)\s", word)
    ]
    assert doubled == []


@pytest.mark.parametrize(
    ("aspect", "fewest"), [("animal", 60), ("flower", 40), ("vehicle", 20), ("colour", 20)]
)
def test_wide_aspects_are_wide(aspect: str, fewest: int) -> None:
    found = find_aspect(aspect)
    assert found is not None
    assert len(found.words) >= fewest


@pytest.mark.parametrize(
    ("phrase", "name"),
    [
        ("colour", "colour"),
        ("  COLORS ", "colour"),
        ("the colours", "colour"),
        ("dominant color of the flower", "colour"),
        ("car colours", "colour"),
        ("by mood", "mood"),
        ("group by the moods", "mood"),
        ("what is the weather like", "weather"),
        ("kind", "thing"),
        ("types of things", "thing"),
        ("kind of animal", "animal"),
        ("animal species", "animal"),
        ("species", "species"),
        ("type of music in the film", "music genre"),
        ("genre of the film", "film genre"),
        ("number of people in the picture", "people"),
        ("Time of Day", "time of day"),
        ("facial expressions", "emotion"),
        ("suits of cards", "suit"),
        ("glasses", "eyewear"),
    ],
)
def test_an_aspect_is_found_however_it_is_said(phrase: str, name: str) -> None:
    found = find_aspect(phrase)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "phrase", ["", " ", "of", "brand of car", "type of cheese", "mood and colour"]
)
def test_what_is_not_known_is_not_guessed(phrase: str) -> None:
    assert find_aspect(phrase) is None


def test_an_unknown_aspect_names_its_neighbours_and_the_ways_out() -> None:
    assert close_names("colro") == ["colour"]
    assert close_names("mood and colour") == ["mood", "colour"]
    assert close_names("qqqq") == []
    error = unknown_aspect("wether")
    assert error.code == "aspect"
    assert "'wether'" in error.sentence
    assert re.search(r"--words.*language_model\.url.*: .*weather", error.hint)
    assert "near" not in unknown_aspect("qqqq").hint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Colours", "color"),
        ("boxes", "box"),
        ("cherries", "Cherry"),
        ("dogs", "dog"),
        ("X-ray", "x ray"),
    ],
)
def test_spellings_of_one_word_share_a_key(one: str, other: str) -> None:
    assert word_key(one) == word_key(other)


@pytest.mark.parametrize(("one", "other"), [("grass", "gras"), ("bus", "bu"), ("for", "four")])
def test_different_words_do_not(one: str, other: str) -> None:
    assert word_key(one) != word_key(other)
