"""Settings of the feed, and what one request may ask on top of them.

Scores are logarithms: a strength of 1 makes a candidate count e times as much, and a boost by 2
makes it count as one of half its rank does. What sources count beside the ranker is about what
it was found to be on two sets of real likings; ``sensorium train strengths`` finds a library's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SIGNALS = ("intent", "lifecycle", "profiles")
"""Models beside the ranker that may say something of a person and an item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FatigueConfig:
    """How what was shown of an interest wears it out."""

    strength: float = 0.7
    """Of the damping; 0 for none."""
    patience: float = 25.0
    """Items shown of an interest, decayed, after which 1/e of what can be worn out is left."""
    floor: float = 0.2
    """Least that damping leaves of an interest, in (0, 1], at a strength of 1."""

    def __post_init__(self) -> None:
        if self.strength < 0 or self.patience <= 0 or not 0 < self.floor <= 1:
            raise ValueError(
                "strength must be 0 or more, patience above 0 and floor in (0, 1]: "
                f"{self.strength = }, {self.patience = }, {self.floor = }"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class VarietyConfig:
    """How different from each other the items of one page are."""

    alike: float = 1.0
    """What an item loses that is the same as one above it on the page; one that is as unlike it
    as candidates mostly are loses nothing."""
    most_share: float = 0.5
    """Most of a page that one interest may fill, in (0, 1]."""
    least_interests: int = 3
    """Interests that a page holds at least, where candidates have as many."""
    settled: float = 1.0
    """Likes after which taste decides as much as evenness. Before the first, a page is spread over
    all interests evenly."""

    def __post_init__(self) -> None:
        if self.alike < 0 or not 0 < self.most_share <= 1 or self.settled <= 0:
            raise ValueError(
                "alike must be 0 or more, most_share in (0, 1] and settled above 0: "
                f"{self.alike = }, {self.most_share = }, {self.settled = }"
            )
        if self.least_interests < 0:
            raise ValueError(f"least_interests must be 0 or more: {self.least_interests = }")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedConfig:
    """From a state to a page."""

    size: int = 10
    """Items of a page, where the request does not say."""
    candidates: int = 300
    """Candidates that each source is asked for; more where too few of them may be shown."""
    pool: int = 500
    """Most candidates that are ranked."""
    weights: tuple[str, ...] = ("neighbours:5",)
    """Weights of sources, in the pool and in the score; 1 for those not named, 0 for one whose
    places say nothing."""
    signals: tuple[str, ...] = ()
    """What is added to the ranker once learnt and weighed, of ``SIGNALS``; none by default."""
    ranked_by: Literal["sequence", "long_short"] = "sequence"
    """What was learnt that ranks: ``sensorium train ranker``, which reads the order of events, or
    ``train long_short``, which also knows each person by a vector of their own."""
    strengths: Literal["learnt", "set"] = "learnt"
    """What parts of the score count: what ``sensorium train strengths`` found of ``ranker``,
    ``agreement``, ``interest`` and ``weights``, once it has run, or what is set here."""
    ranker: float = 1.0
    """Strength of the ranker; less for one that is surer than it should be."""
    agreement: float = 0.2
    """Strength of the sources: of the odds by an item's place with each."""
    interest: float = 0.5
    """Strength of an interest's share of the person's taste."""
    recency: float = 0.3
    """Part of that which goes by how lately the interest was acted upon, in [0, 1]."""
    recency_hours: float = 24.0
    """Hours after which having acted upon an interest counts half."""
    explore: float = 0.1
    """Most of a page that is kept for the source ``explore``, in [0, 1]."""
    drop_seen: bool = True
    """Whether items that were met before are left out."""
    drop_copies: bool = True
    """Whether near copies, of what was met and of each other, are left out."""
    looked_back: int = 20
    """Latest liked items among which a reason is looked for."""
    fatigue: FatigueConfig = field(default_factory=FatigueConfig)
    """How interests wear out."""
    variety: VarietyConfig = field(default_factory=VarietyConfig)
    """How different the items of a page are."""

    def __post_init__(self) -> None:
        if min(self.size, self.candidates, self.looked_back) < 1 or self.pool < self.size:
            raise ValueError(
                "size, candidates and looked_back must be 1 or more, pool at least size: "
                f"{self.size = }, {self.candidates = }, {self.looked_back = }, {self.pool = }"
            )
        if not 0 <= self.explore <= 1 or not 0 <= self.recency <= 1 or self.recency_hours <= 0:
            raise ValueError(
                "explore and recency must be in [0, 1], recency_hours above 0: "
                f"{self.explore = }, {self.recency = }, {self.recency_hours = }"
            )
        if min(self.ranker, self.agreement, self.interest) < 0:
            raise ValueError(
                "strengths must be 0 or more: "
                f"{self.ranker = }, {self.agreement = }, {self.interest = }"
            )
        source_weights(self.weights)
        unknown = [name for name in self.signals if name not in SIGNALS]
        if unknown:
            raise ValueError(f"signals are some of {', '.join(SIGNALS)}, not {unknown[0]!r}")

    def strength_of(self, source: str) -> float:
        """What the odds by an item's place with a source count in the score."""
        return self.agreement * source_weights(self.weights).get(source, 1.0)


def source_weights(given: tuple[str, ...]) -> Mapping[str, float]:
    """Read weights of sources, such as ``similar:2``.

    Raises:
        ValueError: one is no name and number of 0 or more.
    """
    weights = {}
    for text in given:
        name, _, number = text.rpartition(":")
        try:
            weights[name.strip()] = float(number)
        except ValueError:
            weights[name.strip()] = math.nan
        if not name.strip() or not 0 <= weights[name.strip()] < math.inf:
            raise ValueError(f"{text!r} is no weight of a source; write similar:2")
    return weights


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """What one request does to some items."""

    name: str
    """What it is called in the trace."""
    items: NDArray[np.bool_]
    """Those it speaks of, (N,)."""
    factor: float = 0.0
    """What they count times as much; 0 leaves them out."""

    def __post_init__(self) -> None:
        if not 0 <= self.factor < math.inf:
            raise ValueError(f"a factor must be 0 or more: {self.factor = }")

    @classmethod
    def blocking(cls, numbers: NDArray[np.int64], num_items: int, name: str = "blocked") -> Rule:
        """Leave out the items with these numbers."""
        items = np.zeros(num_items, np.bool_)
        items[numbers] = True
        return cls(name=name, items=items)
