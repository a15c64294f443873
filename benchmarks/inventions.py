"""Planted inventions: titles with something in them that the item does not say, and clean ones.

Words that are put in come from other items. Kinds marked ``own`` use words of the item itself in
another place, which looking at single words cannot tell. Clean titles are extracts, and extracts
said in other ways: turned round, in another number, in other letters, with numbers as words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ranking.title_facts import FREE, NUMBERS, Facts, Token, tokens
from ranking.title_writers import phrases_of

MOST_WORDS = 10
Made = str | None
"""A title; None where this item has nothing to make it of."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """What a title is made from."""

    facts: Facts
    """Of the item."""
    other: Facts
    """Of another item, for what is put in."""
    draw: np.random.Generator
    """Chooses."""

    @property
    def phrases(self) -> list[str]:
        """The item's own phrases."""
        return phrases_of(self.facts, MOST_WORDS)

    @property
    def title(self) -> Made:
        """A true title: the item's own and one of its phrases."""
        return f"{self.facts.title}: {self.some(self.phrases)}" if self.phrases else None

    def some(self, values: list[str]) -> str:
        """One of them."""
        return values[int(self.draw.integers(len(values)))]


def extract(source: Source) -> Made:
    """The item's title and a phrase."""
    return source.title


def turned_round(source: Source) -> Made:
    """The phrase before the title."""
    phrases = source.phrases
    return f"{source.some(phrases)}, in {source.facts.title}" if phrases else None


def two_phrases(source: Source) -> Made:
    """Two phrases joined."""
    phrases = source.phrases
    return f"{phrases[0]}, and {phrases[-1]}" if len(phrases) > 1 else None


def in_capitals(source: Source) -> Made:
    """In the letters of a headline."""
    return source.title and source.title.title()


def other_number(source: Source) -> Made:
    """A noun or verb with another ending."""
    found = [t.spelt for t in _contents(source) if t.spelt.islower() and len(t.spelt) > 3]
    if not found or source.title is None:
        return None
    word = source.some(found)
    changed = re.sub("ie$", "y", word[:-1]) if word.endswith("s") else f"{word}s"
    phrase = next(p for p in source.phrases if word in p.split() or word in p)
    return f"{source.facts.title}: {re.sub(rf'{re.escape(word)}', changed, phrase, count=1)}"


def foreign_word(source: Source) -> Made:
    """One word is another item's."""
    return _with(source, [t.spelt for t in _words(source.other) if t.spelt.islower()])


def foreign_name(source: Source) -> Made:
    """One word is a name of another item."""
    return _with(source, _names(source.other))


def foreign_number(source: Source) -> Made:
    """A number that is not said."""
    if not source.phrases:
        return None
    said = {t.stem for t in tokens(" ".join((source.facts.title, *source.facts.texts)))}
    numbers = [str(n) for n in range(2, 100) if str(n) not in said]
    word = source.some([t.spelt for t in tokens(source.some(source.phrases))])
    title = f"{source.facts.title}: {source.some(source.phrases)}"
    return f"{title} {source.some(numbers)} {word}"


def foreign_phrase(source: Source) -> Made:
    """The phrase is another item's."""
    phrases = phrases_of(source.other, MOST_WORDS)
    return f"{source.facts.title}: {source.some(phrases)}" if phrases else None


def own_number_moved(source: Source) -> Made:
    """A number of the item before another of its nouns."""
    words = _words(source.facts)
    numbers = [t.spelt for t in tokens(" ".join(source.facts.texts)) if t.is_number]
    nouns = [t.spelt for t in words if t.spelt.islower() and t.spelt.endswith("s")]
    if not numbers or len(nouns) < 2:
        return None
    number, noun = source.some(numbers), source.some(nouns)
    near = re.search(rf"{re.escape(number)}\W+{re.escape(noun)}", " ".join(source.facts.texts))
    return None if near else f"{source.facts.title}: {number} {noun}"


def own_names_mixed(source: Source) -> Made:
    """Two names of the item as if they were one person's."""
    names, text = _names(source.facts), " ".join(source.facts.texts)
    if len(set(names)) < 2:
        return None
    one, other = (names[int(n)] for n in source.draw.choice(len(names), 2, replace=False))
    together = re.search(rf"{re.escape(one)}\s+{re.escape(other)}", text)
    return None if one == other or together else f"{source.facts.title}: with {one} {other}"


def own_words_swapped(source: Source) -> Made:
    """Two of the item's words in each other's place: who does what to whom."""
    phrase = max(source.phrases, key=len, default="")
    words = phrase.split()
    places = [n for n, word in enumerate(words) if word.islower() and word not in FREE]
    if len(places) < 2:
        return None
    words[places[0]], words[places[-1]] = words[places[-1]], words[places[0]]
    return f"{source.facts.title}: {' '.join(words)}"


CLEAN: Mapping[str, Callable[[Source], Made]] = {
    "extract": extract,
    "turned round": turned_round,
    "two phrases": two_phrases,
    "headline letters": in_capitals,
    "another ending": other_number,
}
INVENTED: Mapping[str, Callable[[Source], Made]] = {
    "word of another item": foreign_word,
    "name of another item": foreign_name,
    "number not said": foreign_number,
    "phrase of another item": foreign_phrase,
    "own number moved": own_number_moved,
    "own names mixed": own_names_mixed,
    "own words swapped": own_words_swapped,
}


def _words(facts: Facts) -> list[Token]:
    every = tokens(". ".join(facts.texts))
    return [t for t in every if not t.free and not t.is_number and t.stem not in NUMBERS]


def _names(facts: Facts) -> list[str]:
    return [t.spelt for t in _words(facts) if t.spelt[0].isupper() and not t.starts]


def _contents(source: Source) -> list[Token]:
    return [t for p in source.phrases for t in tokens(p) if not t.free and not t.is_number]


def _with(source: Source, words: list[str]) -> Made:
    """A true title with one word of its phrase replaced by a foreign one."""
    said = " ".join((source.facts.title, *source.facts.texts, *source.facts.tags)).casefold()
    foreign = [word for word in words if word.casefold() not in said]
    own = [t.spelt for t in _contents(source)]
    if not foreign or not own:
        return None
    word = source.some(own)
    phrase = next(p for p in source.phrases if word in p)
    return f"{source.facts.title}: {phrase.replace(word, source.some(foreign), 1)}"
