"""Common aspects that a library can be grouped by, and candidate words for each.

- The words are data (``data/aspects.toml``), wide on purpose: a library's own words must be among
  them, and a word that fits nothing costs nothing.
- A name is looked up the way people write it: "the colours", "by mood", "color of the flower". Only
  the head of a phrase counts, so that "brand of car" is unknown and not taken for "car".
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ingest.errors import SensoriumError

_FILLERS = frozenset((
    "the", "a", "an", "its", "their", "this", "that", "these", "those", "my", "our", "it", "they",
    "them", "is", "are", "was", "there", "what", "which", "does", "do", "by", "group", "grouped",
    "grouping", "according", "based", "me", "please", "shown", "seen", "heard", "visible",
    "present", "main", "overall", "dominant", "like",
))  # fmt: skip
_KINDS = frozenset(("kind", "type", "category", "class", "sort", "specy", "variety"))
"""Words that say nothing once a name stands beside them, as in "type of animal" (in the singular
that ``_words`` makes)."""
_SEVERAL = frozenset(("and", "or"))
_PREPOSITIONS = frozenset(("of", "in", "on", "at", "for", "with", "from", "to"))
_PLURALS = {"ies": "y", "ches": "ch", "shes": "sh", "xes": "x", "sses": "ss", "s": ""}
_NOT_PLURAL = ("ss", "us", "is")
_ALIKE = 0.75
"""Share of letters in common from which an unknown name is near a known one."""
_SHORT = 3
"""Letters up to which a word is left as it is."""


class AspectError(SensoriumError):
    """There is nothing to group by: an aspect without words, or too few of them."""

    code = "aspect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One thing that items differ in."""

    name: str
    """What it is called."""
    words: tuple[str, ...]
    """Candidate values in English, the commonest first."""
    templates: tuple[str, ...]
    """Phrases that put a value into context, at ``{}``."""
    also_called: tuple[str, ...]
    """Other names."""


@cache
def aspects() -> tuple[Aspect, ...]:
    """Every bundled aspect, in the order of the file."""
    data = resources.files("ranking") / "data" / "aspects.toml"
    tables = tomllib.loads(data.read_text(encoding="utf-8"))
    return tuple(
        Aspect(
            name=name,
            words=_listed(table["words"]),
            templates=tuple(table["templates"]),
            also_called=_listed(table["also_called"]),
        )
        for name, table in tables.items()
    )


def find_aspect(name: str) -> Aspect | None:
    """Look up an aspect by what a person calls it.

    Case, plural, British or American spelling, filler words and "kind of" make no difference; of a
    longer phrase the head is taken: "dominant colour of the flower" is colour.

    Args:
        name: a name, another name, or a short phrase.

    Returns:
        The aspect; None where the phrase names none that is known.
    """
    known = _index()
    return next((known[key] for key in _readings(_words(name)) if key in known), None)


def close_names(name: str, most: int = 5) -> list[str]:
    """Names of aspects that look like, or share a word with, something unknown; best first."""
    known, words = _index(), [word for word in _words(name) if word not in _KINDS]
    sharing = [word for word in words if word in known]
    alike = difflib.get_close_matches(" ".join(words), known, n=most, cutoff=_ALIKE)
    return list(dict.fromkeys(known[key].name for key in [*sharing, *alike]))[:most]


def unknown_aspect(name: str) -> AspectError:
    """The error for an aspect without words, with the nearest known names."""
    close = close_names(name)
    known = f"; known and near: {', '.join(close)}" if close else ""
    return AspectError(
        f"no words are known for the aspect {name!r}",
        f"give some with --words, or configure a language model (language_model.url){known}",
    )


def word_key(text: str) -> str:
    """What two spellings of one word have in common: case, plural and -our do not count."""
    return " ".join(_singular(word) for word in re.findall(r"[^\W_]+", text.casefold()))


def _readings(words: Sequence[str]) -> Iterator[str]:
    """Ways to read a phrase, from the whole to the last word of its head."""
    yield " ".join(words)
    if _SEVERAL.intersection(words):
        return
    bare = [word for word in words if word not in _KINDS]
    while bare and bare[0] in _PREPOSITIONS:
        del bare[0]
    ends = [i for i, word in enumerate(bare) if word in _PREPOSITIONS] + [len(bare)]
    for end in reversed(ends):
        yield " ".join(bare[:end])
    for start in range(1, ends[0]):
        yield " ".join(bare[start : ends[0]])


def _words(text: str) -> list[str]:
    return [word for word in word_key(text).split() if word not in _FILLERS]


def _singular(word: str) -> str:
    if len(word) > _SHORT and not word.endswith(_NOT_PLURAL):
        ending = next((end for end in _PLURALS if word.endswith(end)), "")
        word = word.removesuffix(ending) + _PLURALS.get(ending, "")
    return re.sub(r"(?<=\w\w)our(?=(ed|ing|ful|fulness)?$)", "or", word)


@cache
def _index() -> dict[str, Aspect]:
    """Aspect by every name as ``_words`` leaves it; an aspect's own name wins over another's."""
    index = {
        " ".join(_words(other)): aspect for aspect in aspects() for other in aspect.also_called
    }
    return index | {" ".join(_words(aspect.name)): aspect for aspect in aspects()}


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split(","))
