"""Candidate words for an aspect: the user's own, a language model's, or the bundled vocabulary's.

The paper's candidates come from a large language model (Multi-DProxy, arXiv 2511.07274). Here one
is a choice, and what a small one forgets is filled up: a word that fits nothing costs nothing, a
word that is missing cannot be found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.errors import SensoriumError
from ranking.language_model import LanguageModel
from ranking.vocabulary import Aspect, AspectError, find_aspect, unknown_aspect, word_key

FEWEST = 2
"""Words without which there is nothing to tell apart."""
MOST_WORDS = 4
MOST_CHARACTERS = 40
"""A longer candidate is a sentence."""
TOKENS_PER_WORD = 12
"""Room for the longest candidate, its number and its line."""

_MARKED = re.compile(r"^\s*(?:[-*•\u2013]|\(?(?:\d{1,3}[.):]|[a-z]\)))\s*")
_INLINE_NUMBER = re.compile(r"\s+(?=\d{1,3}[.)]\s)")
_ASIDE = re.compile(r"<think>.*?(?:</think>|\Z)|^```\w*$", re.DOTALL | re.MULTILINE)
_REMARK = re.compile(r"\(.*?\)|\[\d+\]|\s[-\u2013\u2014]\s.*$")
_CHATTER = re.compile(r"(?:here|sure|certainly|of course|okay|note)\b", re.IGNORECASE)
_PLAIN = re.compile(r"[^\W_][\w '.&+-]+")
_DECORATION = " \t.!?*_|`'\"\u2018\u2019\u201c\u201d«»()[]{}"
_SPOKEN_VOWEL = re.compile(r"(?!uni|eu|uk|one\b|use)[aeiou]", re.IGNORECASE)
_SPELT_VOWEL = re.compile(r"[AEFHILMNORSX]")
_INSTEAD = "the vocabulary's are taken"
_LAST_LATIN = "\u024f"
_NOTHING = frozenset(("etc", "other", "others", "none", "more", "misc", "unknown"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Words that the values of an aspect are looked for among."""

    aspect: str
    """The aspect as it was asked for."""
    words: tuple[str, ...]
    """Two or more words or short phrases, no two alike; the commonest first where that is known."""
    templates: tuple[str, ...]
    """Phrases that put a word into context, at ``{}``."""
    source: Literal["user", "language model", "vocabulary"]
    """Where the words come from."""
    note: str = ""
    """What a person should know about that; empty for nothing."""


def candidates_for(
    aspect: str, words: Sequence[str], num: int, model: LanguageModel | None
) -> Candidates:
    """Find candidate words for an aspect.

    Args:
        aspect: what to group by, as a person says it.
        words: the user's own; where given, they alone are taken.
        num: how many words to ask a language model for. The vocabulary gives all it has.
        model: writes words where the user gives none; None for no model.

    Returns:
        The words with templates: the vocabulary's where it knows the aspect, else general ones.

    Raises:
        AspectError: fewer than two different words are given, or the aspect is unknown and no
            model has words for it.
        SensoriumError: the model fails, and the vocabulary does not know the aspect.
    """
    aspect = " ".join(aspect.split())
    known = find_aspect(aspect)
    if num < FEWEST:
        raise ValueError(f"expected two words or more, got {num = }")
    if words:
        return _from_user(aspect, words, _templates(aspect, known))
    if model is not None:
        return _from_model(aspect, num, model, known)
    if known is None:
        raise unknown_aspect(aspect)
    return _from_vocabulary(aspect, known)


def phrases(candidates: Candidates) -> list[list[str]]:
    """Each word in its templates, for an encoder to take the mean of.

    Returns:
        Per word, as many phrases as there are templates.
    """
    return [
        [_filled(template, word) for template in candidates.templates] for word in candidates.words
    ]


def parse_words(answer: str, aspect: str) -> list[str]:
    """Candidates out of what a language model wrote, in its order.

    Numbers, bullets, quotes, introductions and explanations are taken off; repeats, sentences, the
    aspect's own name and words of other scripts are left out.

    Args:
        answer: a list with commas or one per line, however decorated.
        aspect: what was asked for.
    """
    lines = _INLINE_NUMBER.sub("\n", _ASIDE.sub("", answer)).splitlines()
    marked = [_MARKED.sub("", line) for line in lines if _MARKED.match(line)]
    if len(marked) >= FEWEST:
        parts = [re.split("[:,]", line)[0] for line in marked]
    else:
        # One colon ends an introduction; several each begin an explanation.
        kept = -1 if sum(":" in line for line in lines) == 1 else 0
        bare = [_MARKED.sub("", line).split(":")[kept] for line in lines]
        parts = [part for line in bare for part in re.split("[,;|]", line)]
    words = [word for word in map(_cleaned, parts) if _usable(word, aspect)]
    distinct = _distinct(_in_lower_case(words), word_key)
    if any(word.startswith(distinct[-1]) for word in distinct[:-1]):
        del distinct[-1]  # the answer was cut off in the middle of a repeat
    return distinct


def _from_user(aspect: str, words: Sequence[str], templates: tuple[str, ...]) -> Candidates:
    own = _distinct([word for given in words if (word := " ".join(given.split()))], str.casefold)
    if len(own) < FEWEST:
        raise AspectError(
            f"grouping by {aspect} needs at least two different words, got {len(own)}",
            "give more with --words, or none",
        )
    return Candidates(aspect=aspect, words=tuple(own), templates=templates, source="user")


def _from_vocabulary(aspect: str, known: Aspect, note: str = "") -> Candidates:
    return Candidates(
        aspect=aspect,
        words=known.words,
        templates=known.templates,
        source="vocabulary",
        note=note,
    )


def _from_model(aspect: str, num: int, model: LanguageModel, known: Aspect | None) -> Candidates:
    try:
        written = parse_words(model.complete(_prompt(aspect, num), num * TOKENS_PER_WORD), aspect)
    except SensoriumError as error:
        if known is None:
            raise
        return _from_vocabulary(aspect, known, f"{error.sentence}; {_INSTEAD}")
    if len(written) < FEWEST:
        if known is None:
            raise AspectError(
                f"the language model gave no usable words for the aspect {aspect!r}",
                "give some with --words, or configure a larger model",
            )
        return _from_vocabulary(
            aspect, known, f"the language model gave no usable words; {_INSTEAD}"
        )
    words = _distinct([*written, *(known.words if known else ())], word_key)[:num]
    note = f"the language model gave {len(written)} words of {num}; the rest are the vocabulary's"
    return Candidates(
        aspect=aspect,
        words=tuple(words),
        templates=_templates(aspect, known),
        source="language model",
        note=note if len(words) > len(written) else "",
    )


def _templates(aspect: str, known: Aspect | None) -> tuple[str, ...]:
    return known.templates if known else ("{}", f"{aspect}: {{}}")


def _prompt(aspect: str, num: int) -> str:
    # Short and plain: small models lose a longer thread.
    return (
        f"List {num} different kinds of {aspect} in English, one or two words each, one per line. "
        "Write nothing else."
    )


def _cleaned(part: str) -> str:
    word = _REMARK.sub("", part).strip(_DECORATION)
    return " ".join(re.sub(r"^(?:and|or)\s", "", word).split())


def _usable(word: str, aspect: str) -> bool:
    return (
        _PLAIN.fullmatch(word) is not None
        and any(map(str.isalpha, word))
        and max(word) <= _LAST_LATIN
        and len(word) <= MOST_CHARACTERS
        and len(word.split()) <= MOST_WORDS
        and word.casefold() not in _NOTHING
        and word_key(word) != word_key(aspect)
        and not _CHATTER.match(word)
    )


def _in_lower_case(words: Sequence[str]) -> list[str]:
    """Words without the capitals of a list; a list that mixes cases means its capitals."""
    if not all(word[0].isupper() for word in words):
        return list(words)
    return [
        " ".join(p if p.isupper() and len(p) > 1 else p.lower() for p in word.split())
        for word in words
    ]


def _distinct(words: Iterable[str], key: Callable[[str], str]) -> list[str]:
    """The first of those that share a key, in order."""
    kept: dict[str, str] = {}
    for word in words:
        kept.setdefault(key(word), word)
    return list(kept.values())


def _filled(template: str, word: str) -> str:
    first = word.partition(" ")[0]
    vowel = _SPELT_VOWEL if first.isupper() and len(first) > 1 else _SPOKEN_VOWEL
    if vowel.match(first):
        template = re.sub(r"\ba \{\}", "an {}", template)
    return template.replace("{}", word)
