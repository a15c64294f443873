"""What may be said of an item, and what a written title says beyond that.

A title may say what the item's own words say: its title, text and tags, and the words heard or read
in it. It is looked at word by word, without a model, so that the same title is always judged alike:

- a word counts as said where its stem is; a number where the same number is, whatever its form;
- a number must stand before the word that it stands before in the facts, and two names side by side
  must stand so there: "two sons" is not said by "two brothers and three sons";
- words that only hold a sentence together are free. Those that turn its sense, such as "not" and
  "without", are not.

So another word for the same thing is an invention, too. That loses some good titles, and what is
lost is shown under its original title. What words cannot tell is a relation turned round: "dog
bites man" passes where a man bites a dog. Scripts without spaces are judged by whole runs of
letters.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from ingest.item import Item

_FREE = """
    a about after all also among an and are as at be been before being between but by can do does
    for from had has have he her him his how i if in into is it its itself let like may me meet more
    most my of on onto or our out over own she so some such than that the their them then there
    these they this those through to too under until up upon us was we were what when where which
    while who whom whose why will with would you your"""
FREE = frozenset(_FREE.split())
"""Words that say nothing of the world by themselves."""
_NUMBERS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen twenty"""
NUMBERS = {word: str(number) for number, word in enumerate(_NUMBERS.split())}
"""Numbers that are written as words."""
SHORTEST_STEM = 4
"""Letters that taking an ending away must leave."""
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*[^\W\d_]*|[^\W_]+(?:['\u2019][^\W_]+)*")
_BREAK = re.compile(r"[^\s\-]")
_SENTENCE_END = re.compile(r"[.!?:;\n]")
_THOUSANDS = re.compile(r",(?=\d{3}(?:\D|$))")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All words of one item."""

    item_id: str
    """Which."""
    title: str
    """As its source gives it; may be empty."""
    texts: tuple[str, ...] = ()
    """What else is said: long text, words heard and read."""
    tags: tuple[str, ...] = ()
    """Short labels."""

    @classmethod
    def of(cls, item: Item, heard: Sequence[str] = ()) -> Facts:
        """Gather them.

        Args:
            item: as the catalogue knows it.
            heard: words heard or read in its media.
        """
        texts = tuple(filter(None, (item.text, *heard)))
        return cls(item_id=item.item_id, title=item.title, texts=texts, tags=item.tags)

    @property
    def digest(self) -> str:
        """Sixteen hex digits that change with any word."""
        whole = "\0".join((self.title, *self.texts, "\n".join(self.tags)))
        return hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()

    def invented(self, title: str) -> tuple[str, ...]:
        """Give the words of a title that the facts do not say, in order, each once."""
        words = list(tokens(title))
        bad = [word.spelt for word in words if not word.free and word.stem not in self._said.stems]
        for one, other in pairwise(words):
            if not other.breaks and self._is_bound(one, other):
                bad.append(f"{one.spelt} {other.spelt}")
        return tuple(dict.fromkeys(bad))

    def _is_bound(self, one: Token, other: Token) -> bool:
        """Whether two neighbours of a title should stand so in the facts, and do not."""
        said = self._said
        counts = one.is_number and not other.free and not other.is_number
        names = {one.stem, other.stem} <= said.names and one.stem != other.stem
        return (counts or names) and (one.stem, other.stem) not in said.pairs

    @cached_property
    def _said(self) -> _Said:
        return _Said.of((self.title, *self.texts, *self.tags))


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One word or number of a text."""

    spelt: str
    """As it stands there."""
    stem: str
    """What it is compared by."""
    is_number: bool
    """Whether it begins with a digit, or is a number in letters."""
    breaks: bool
    """Whether a mark stands between it and the one before, or it is the first."""
    starts: bool
    """Whether it begins a sentence, where a capital letter says nothing."""

    @property
    def free(self) -> bool:
        """Whether it says nothing by itself."""
        return self.stem in FREE

    @property
    def is_capital(self) -> bool:
        """Whether it is a word with a capital letter."""
        return self.spelt[0].isupper() and not self.is_number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """The words of some texts, ready to be asked."""

    stems: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    names: frozenset[str]

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Said:
        words = [token for text in texts for token in tokens(text)]
        beside = [pair for pair in pairwise(words) if not pair[1].breaks]
        named = {one.stem for one in words if one.is_capital and not one.starts}
        # At the start of a sentence a capital letter says something only beside another one.
        named |= {one.stem for one, other in beside if one.is_capital and other.is_capital}
        small = {one.stem for one in words if not one.is_capital}
        return cls(
            stems=frozenset(one.stem for one in words),
            pairs=frozenset((one.stem, other.stem) for one, other in beside),
            names=frozenset(named - small - FREE),
        )


def tokens(text: str) -> Iterator[Token]:
    """Give the words and numbers of a text in order."""
    end = 0
    for found in _TOKEN.finditer(text):
        between, spelt = text[end : found.start()], found.group()
        stem = stem_of(spelt)
        yield Token(
            spelt=spelt,
            stem=stem,
            is_number=stem[:1].isdigit(),
            breaks=end == 0 or bool(_BREAK.search(between)),
            starts=end == 0 or bool(_SENTENCE_END.search(between)),
        )
        end = found.end()


def stem_of(word: str) -> str:
    """What a word is compared by: without case, accents and the endings of inflection."""
    plain = unicodedata.normalize("NFKD", word.casefold().replace("\u2019", "'"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    if plain[:1].isdigit():
        return _THOUSANDS.sub("", plain)
    plain = plain.removesuffix("'s").replace("'", "")
    if plain in FREE or plain in NUMBERS:
        return NUMBERS.get(plain, plain)
    return _without_ending(plain)


def _without_ending(word: str) -> str:
    if word.endswith("ies") and len(word) > SHORTEST_STEM:
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    for ending in ("ing", "ed"):
        cut = word.removesuffix(ending)
        if cut != word and len(cut) >= SHORTEST_STEM - 1 and re.search("[aeiouy]", cut):
            word = cut[:-1] if cut[-1] == cut[-2] and cut[-1] not in "ls" else cut
            break
    word = word.removesuffix("e") if len(word) > SHORTEST_STEM else word
    return f"{word[:-1]}i" if word.endswith("y") else word
