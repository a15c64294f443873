"""Titles for groups of readers: the same item, called by what concerns those who see it.

After Chen et al. 2025 (HLLM-Creator, arXiv 2508.18118): titles are written in a batch job, per item
and group of users, only for the groups that an item matches, bound to what the item's own words
say, and a page only looks them up. Departures:

- a writer is told of a group in words, or by a vector to pick phrases by; no soft token is learnt
  into a language model of billions of weights, so any model that writes will do, and none has to;
- groups are the interests of a view, which have names, or k-means of what people like;
- invention is judged by rules (``title_facts.py``), not by a second language model;
- no profile, reconstruction or alignment loss: there is nothing here that they would train.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ranking.title_facts import Facts

WRITTEN, REJECTED, NOTHING = "written", "rejected", "nothing"
"""What became of a title: it is there, it said what the facts do not, or there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleConfig:
    """Which titles are written, and whether pages show them."""

    shown: Literal["own", "written"] = "own"
    """own shows every item under its own title; written shows what was written for the reader's
    group, where there is something."""
    groups: Literal["interests", "tastes"] = "interests"
    """interests are the clusters of a view, and a reader is of the strongest; tastes are k-means of
    what readers like."""
    num_tastes: int = 64
    """Most groups by taste."""
    groups_per_item: int = 3
    """Groups that each item gets a title for at most: those that it matches best."""
    writer: Literal["extractive", "language_model"] = "extractive"
    """extractive picks among the item's own phrases; language_model asks the one that the settings
    of that name say."""
    most_words: int = 10
    """Words that a title may have more than the item's own."""
    match_epochs: int = 0
    """Most rounds that matching is learnt for, where there are enough events; 0 for not at all."""
    seed: int = 0
    """Decides everything random."""

    def __post_init__(self) -> None:
        if min(self.groups_per_item, self.most_words) < 1 or self.num_tastes < 2:
            raise ValueError(
                "groups_per_item and most_words must be 1 or more, num_tastes 2 or more: "
                f"{self.groups_per_item = }, {self.most_words = }, {self.num_tastes = }"
            )
        if self.match_epochs < 0:
            raise ValueError(f"expected 0 or more rounds: {self.match_epochs = }")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Audience:
    """A group of readers, as a writer is told of it."""

    grouping: str
    """Name of the division of readers that it is of."""
    group_id: int
    """Its number there."""
    name: str
    """What a person calls it."""
    words: tuple[str, ...]
    """What it is about, best first; may be empty."""
    towards: NDArray[np.float32]
    """Direction of what concerns it, among the vectors of words, (D,)."""

    @property
    def digest(self) -> str:
        """Sixteen hex digits that change with what a writer is told."""
        told = hashlib.blake2b("\0".join((self.name, *self.words)).encode(), digest_size=8)
        told.update(np.round(self.towards, 3).tobytes())
        return told.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Brief:
    """One title to be written."""

    facts: Facts
    """What may be said."""
    audience: Audience
    """For whom."""
    match: float = 0.0
    """How well the two match."""

    @property
    def key(self) -> tuple[str, int]:
        """Item and number of the group."""
        return self.facts.item_id, self.audience.group_id

    @property
    def digest(self) -> str:
        """Digest of what the title depends on, but for the writer."""
        return self.facts.digest + self.audience.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a writer gives."""

    text: str
    """The title; empty where there is nothing to say."""
    read: int = 0
    """Characters that it was made from: of the prompt, or of the phrases looked at."""


class Writer(Protocol):
    """Writes titles."""

    @property
    def name(self) -> str:
        """Of the writer and what it writes with; titles of another are written anew."""
        ...

    def write(self, briefs: Sequence[Brief]) -> list[Draft]:
        """Write a title for each, in order.

        Raises:
            LanguageModelError: what it writes with does not answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """What became of one brief."""

    item_id: str
    """Of the item."""
    grouping: str
    """Name of the division of readers."""
    group_id: int
    """Number of the group there."""
    text: str
    """The title; empty unless it was written."""
    outcome: str
    """``written``, ``rejected`` or ``nothing``."""
    invented: tuple[str, ...] = ()
    """What it said beyond the facts, where it was rejected."""
    read: int = 0
    """Characters that the writer read."""
    wrote: int = 0
    """Characters that it wrote."""


def judged(brief: Brief, draft: Draft) -> Title:
    """Keep a draft where it says facts alone, and not just the item's own title."""
    text = " ".join(draft.text.split())
    invented = brief.facts.invented(text)
    is_new = bool(text) and text.casefold() != " ".join(brief.facts.title.split()).casefold()
    outcome = NOTHING if not is_new else REJECTED if invented else WRITTEN
    return Title(
        item_id=brief.facts.item_id,
        grouping=brief.audience.grouping,
        group_id=brief.audience.group_id,
        text=text if outcome == WRITTEN else "",
        outcome=outcome,
        invented=invented if outcome == REJECTED else (),
        read=draft.read,
        wrote=len(text),
    )
