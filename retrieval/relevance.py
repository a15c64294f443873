"""Calibrated relevance: how far a score stands out from what unrelated pairs score.

Inner products of different fields do not compare: unrelated texts may score 0.1 and unrelated
photographs 0.6. At index time pairs that have nothing to do with each other are scored, per kind of
query and field: generic phrases against the items for text, items against other items for the rest.
Choices a reader would question:
- some of those pairs are related after all (a phrase about dogs, a library of dogs), so only the
  bulk is used: the median, and the spread below it, which true matches do not reach;
- the best of many unrelated scores is high by chance alone. For words, relevance is 0.5 where the
  best of the catalogue's N would stand, for unrelated pairs, in ``CERTAINTY`` of all queries;
- pairs of items tell less: a library of holidays is alike all over, and that likeness is in the
  bulk already. There, relevance is 0.5 at ``LIKE_BAR`` spreads, whatever the size of the catalogue
  (pictures from elsewhere reached that for one query in ten on captioned photographs, and
  photographs of the same kind for two in three);
- scores are not normalised by each query's own spread over the catalogue. That finds the right
  item slightly better, but a query that matches nothing then looks like any other: on captioned
  photographs it tells real from nonsense queries no better than chance, while scores on the
  catalogue's common scale tell nearly all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from retrieval.base import JOINT, NATIVE_FIELDS, SEGMENTS, SPACE_FIELDS

CERTAINTY = 0.8
"""Share of unrelated queries whose best answer stays below relevance 0.5."""
LIKE_BAR = 2.0
"""Spreads above the centre where relevance is 0.5 for what is not asked in words."""
DEFAULT_CUT = 0.5
"""Answers less relevant than this are withheld."""
LIKE_KINDS = ("image", "video", "audio")
_PRIOR_PAIRS = 8
_PRIOR_CENTRE, _PRIOR_SPREAD = 0.2, 0.1
_MOST_PAIRS = 200_000

Sample = tuple[Sequence[str], NDArray[np.float32]]
"""Item of each vector, and unit vectors (B, D)."""


@dataclass(frozen=True, slots=True)
class Unrelated:
    """Where the scores of unrelated pairs lie."""

    centre: float
    """Their median."""
    spread: float
    """One standard deviation, positive."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Unrelated scores per kind of query and field."""

    unrelated: Mapping[tuple[str, str], Unrelated]
    """By kind (text, image, audio, video, like) and field."""

    @classmethod
    def fit(
        cls, samples: Mapping[str, Sample], phrases: Mapping[str, NDArray[np.float32]]
    ) -> Calibration:
        """Learn from a catalogue.

        Args:
            samples: a few hundred records of each field; see ``Mirror.sample``.
            phrases: unit vectors (P, D) of ``null_phrases()`` per field that words can be compared
                in; a field of the joint space that is not named takes those of ``joint``.

        Returns:
            The calibration; it holds every pair that the samples allow.
        """
        found: dict[tuple[str, str], Unrelated] = {}
        for field, (owners, vectors) in samples.items():
            if len(owners) == 0:
                continue
            words = phrases.get(field, None if field in NATIVE_FIELDS else phrases.get(JOINT))
            if words is not None and len(words):
                found["text", field] = _bulk((words @ vectors.T).ravel())
            own = JOINT if field == SEGMENTS else field
            for kind in ("like", *LIKE_KINDS):
                asked = own if kind == "like" or field in NATIVE_FIELDS else kind
                if len(samples.get(asked, ((), None))[0]):
                    found[kind, field] = _bulk(_foreign_pairs(samples[asked], samples[field]))
        return cls(found)

    def relevance(
        self, kind: str, field: str, scores: NDArray[np.floating], num_items: int
    ) -> NDArray[np.float64]:
        """Rate scores.

        Args:
            kind: what was asked with: text, image, audio, video or like.
            field: what it was compared with.
            scores: inner products, any shape; NaN stays NaN.
            num_items: N, how many items were looked through.

        Returns:
            Relevance in [0, 1], rising with the score; 0.5 is the default cut-off.
        """
        unrelated = self._find(kind, field)
        by_chance = LIKE_BAR
        if kind == "text":
            by_chance = NormalDist().inv_cdf(CERTAINTY ** (1 / max(num_items, 1)))
        standing = (np.asarray(scores, np.float64) - unrelated.centre) / unrelated.spread
        return np.asarray(1 / (1 + np.exp(np.clip(by_chance - standing, -40, 40))))

    def _find(self, kind: str, field: str) -> Unrelated:
        """The kind's own pairs, else those nearest in meaning, else a cautious guess."""
        for key in ((kind, field), ("like", field), ("text", field), ("text", JOINT)):
            if key in self.unrelated:
                return self.unrelated[key]
        return Unrelated(_PRIOR_CENTRE, _PRIOR_SPREAD)

    def to_json(self) -> list[dict[str, str | float]]:
        """Plain values for a JSON file."""
        return [
            {"kind": kind, "field": field, "centre": null.centre, "spread": null.spread}
            for (kind, field), null in self.unrelated.items()
        ]

    @classmethod
    def from_json(cls, rows: Sequence[Mapping[str, str | float]]) -> Calibration:
        """Read what ``to_json`` gave.

        Raises:
            ValueError: a value is missing or no number.
        """
        try:
            return cls(
                {
                    (str(row["kind"]), str(row["field"])): Unrelated(
                        float(row["centre"]), float(row["spread"])
                    )
                    for row in rows
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a calibration: {error!r}") from error


def null_phrases() -> list[str]:
    """Generic search phrases about everything: what people ask for, not what is in a catalogue."""
    return resources.files("retrieval").joinpath("phrases.txt").read_text("utf-8").splitlines()


def _foreign_pairs(asked: Sample, answered: Sample) -> NDArray[np.float32]:
    """Scores of pairs of different items, at most ``_MOST_PAIRS`` or so."""
    (askers, queries), (owners, vectors) = asked, answered
    if queries.shape[1] != vectors.shape[1]:
        return np.empty(0, np.float32)
    step = max(1, len(askers) * len(owners) // _MOST_PAIRS)
    foreign = np.asarray(askers)[::step, None] != np.asarray(owners)[None]
    return np.asarray((queries[::step] @ vectors.T)[foreign], np.float32)


def _bulk(scores: NDArray[np.float32]) -> Unrelated:
    """Centre and spread of the bulk, drawn towards a guess where there are few scores."""
    trust = len(scores) / (len(scores) + _PRIOR_PAIRS)
    if len(scores) == 0:
        return Unrelated(_PRIOR_CENTRE, _PRIOR_SPREAD)
    low, centre = np.quantile(scores, [NormalDist().cdf(-1), 0.5])
    spread = np.sqrt(trust * (centre - low) ** 2 + (1 - trust) * _PRIOR_SPREAD**2)
    return Unrelated(float(trust * centre + (1 - trust) * _PRIOR_CENTRE), max(float(spread), 1e-3))


def calibrated_fields() -> tuple[str, ...]:
    """The fields that ``Calibration.fit`` wants samples of."""
    return (*SPACE_FIELDS, *NATIVE_FIELDS, SEGMENTS)
