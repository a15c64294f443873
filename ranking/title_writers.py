"""Writers of titles: one that picks among an item's own phrases, and one that asks a model.

The first needs no service and cannot invent: to the item's own title it adds the phrase of its text
that lies nearest to what concerns the group. What a language model writes is taken from the first
line that is not empty, as small models go on to explain themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ranking.language_model import LanguageModel
from ranking.title_facts import Facts, tokens
from ranking.titles import Audience, Brief, Draft

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to unit vectors (B, D)."""

RULES = 1
"""Number of the rules that phrases are made by: with another, titles are written anew."""
FEWEST_WORDS = 3
"""Words of the shortest phrase that says something."""
MOST_PHRASES = 40
"""Phrases looked at of one item, from the beginning."""
BETWEEN = ": "
"""Between the item's own title and a phrase."""
TOKENS_PER_WORD = 3
"""Tokens that a language model may write per word of the longest title."""
PROMPT_CHARACTERS = 1_500
"""Of an item's text that a language model is given."""
_CLAUSE = re.compile(
    r"[.!?;:()\"\u201c\u201d]+\s|[,\u2013\u2014]\s|\s-+\s|\n|[.!?;:()\"]+$|\s[(\"\u201c]"
)
_MARKS = " .,;:!?-\u2013\u2014()[]\"\u201c\u201d'"
_LABEL = re.compile(r"^(?:\W*(?:new |rewritten )?title\W*:)\s*", re.IGNORECASE)
_LINKS = frozenset({"and", "or", "but"})
_JOINING = "of in on at to from by with for as that who when while where about into against through"
_JOINTS = _LINKS | frozenset(_JOINING.split())
"""Words before which a clause that is too long may be cut."""
_JOIN = re.compile(r"\s(?=(?:when|while|where|who|whose|after|before|until|because|but)\s)")


class ExtractiveWriter:
    """Adds to an item's own title the phrase of its text that concerns the group most.

    Args:
        encode: the sentence encoder, in the space of the directions of groups.
        most_words: longest phrase.
        encoder: digest of the encoder, for the writer's name.
    """

    def __init__(self, encode: Encode, most_words: int = 10, encoder: str = "") -> None:
        self._encode, self._most = encode, most_words
        self.name = f"extractive {RULES}, {most_words} words {encoder}".strip()
        self._known: dict[str, tuple[list[str], NDArray[np.float32]]] = {}

    def write(self, briefs: Sequence[Brief]) -> list[Draft]:
        """Write a title for each; see ``Writer``."""
        self._known = {key: self._known[key] for key in _items(briefs) if key in self._known}
        fresh = {b.facts.item_id: b.facts for b in briefs if b.facts.item_id not in self._known}
        listed = {key: phrases_of(facts, self._most) for key, facts in fresh.items()}
        every = [phrase for phrases in listed.values() for phrase in phrases]
        rows = self._encode(every) if every else np.zeros((0, 0), np.float32)
        start = 0
        for key, phrases in listed.items():
            self._known[key] = phrases, rows[start : start + len(phrases)]
            start += len(phrases)
        return [self._draft(brief) for brief in briefs]

    def _draft(self, brief: Brief) -> Draft:
        phrases, rows = self._known[brief.facts.item_id]
        if not phrases:
            return Draft(text="")
        best = phrases[int(np.argmax(rows @ brief.audience.towards))]
        own = brief.facts.title.strip()
        return Draft(text=f"{own}{BETWEEN}{best}" if own else best, read=sum(map(len, phrases)))


class PromptedWriter:
    """Asks a language model to write an item's title for a group.

    Args:
        model: writes.
        name: of the model.
        most_words: words that a title may have more than the item's own.
    """

    def __init__(self, model: LanguageModel, name: str, most_words: int = 10) -> None:
        self._model, self._most = model, most_words
        self.name = f"language model {name}, {most_words} words"

    def write(self, briefs: Sequence[Brief]) -> list[Draft]:
        """Write a title for each; see ``Writer``."""
        return [self._draft(brief) for brief in briefs]

    def _draft(self, brief: Brief) -> Draft:
        prompt = prompt_of(brief.facts, brief.audience, self._most)
        longest = len(brief.facts.title.split()) + self._most
        said = self._model.complete(prompt, TOKENS_PER_WORD * longest)
        return Draft(text=title_in(said, longest), read=len(prompt))


def prompt_of(facts: Facts, audience: Audience, most_words: int) -> str:
    """What a language model is asked."""
    about = ", ".join(audience.words) or audience.name
    text = " ".join(" ".join(facts.texts).split())[:PROMPT_CHARACTERS]
    return (
        f"Title: {facts.title or 'none'}\nText: {text}\n\n"
        f"Readers interested in {about} will see this item. Write a title for them: keep the "
        f"title above, and add at most {most_words} words from the text that interest them most. "
        "Say nothing that the text does not say. Answer with the new title only."
    )


def title_in(said: str, most_words: int) -> str:
    """Find the title in an answer; empty where there is none, or none of a title's length."""
    for line in said.splitlines():
        text = _LABEL.sub("", line.strip()).strip(" *_#\"\u201c\u201d'`")
        if text:
            return text if len(text.split()) <= most_words else ""
    return ""


def phrases_of(facts: Facts, most_words: int) -> list[str]:
    """Give the phrases that could be added to an item's title, in order, each once.

    Args:
        facts: of the item; where its texts have none, its tags stand for themselves.
        most_words: longest phrase; a longer clause is cut where a part of it ends.
    """
    known = {token.stem for token in tokens(facts.title)}
    clauses = (part for text in facts.texts for part in _clauses(text, most_words))
    found = {phrase.casefold(): phrase for phrase in islice(_saying(clauses, known), MOST_PHRASES)}
    return list(found.values()) or [tag for tag in facts.tags if _says_more(tag, known)]


def _clauses(text: str, most_words: int) -> Iterator[str]:
    """Parts of a text that may stand alone."""
    for clause in _CLAUSE.split(text):
        for part in _JOIN.split(clause):
            yield _trimmed(part.strip(_MARKS).split(), most_words)


def _saying(phrases: Iterable[str], known: set[str]) -> Iterator[str]:
    """Those that are long enough and say more than is known."""
    for phrase in phrases:
        if len(phrase.split()) >= FEWEST_WORDS and _says_more(phrase, known):
            yield phrase


def _says_more(phrase: str, known: set[str]) -> bool:
    return not {token.stem for token in tokens(phrase) if not token.free} <= known


def _trimmed(words: list[str], most_words: int) -> str:
    """Words of a clause without what only joins it to others, cut to length."""
    while words and words[0].casefold() in _LINKS:
        words = words[1:]
    if len(words) > most_words:
        joints = [
            place
            for place, word in enumerate(words[: most_words + 1])
            if place >= max(FEWEST_WORDS, most_words // 2) and word.casefold() in _JOINTS
        ]
        words = words[: joints[-1] if joints else most_words]
    return " ".join(words).strip(_MARKS)


def _items(briefs: Sequence[Brief]) -> set[str]:
    return {brief.facts.item_id for brief in briefs}
