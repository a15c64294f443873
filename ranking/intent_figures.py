"""How well chances of categories were foretold: area under the curve and average precision.

- ``micro`` takes all people, moments and categories together; so it also asks who comes back.
- ``macro`` is the mean over categories, of those that somebody wanted and somebody did not.
- ``user`` is the mean over people of the mean over their moments, among the categories of one
  moment; moments of which nothing was wanted, or everything, say nothing and are left out.

Intervals come from drawing people, with all their moments, for the moments of one are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranking.intent_cubes import Floats, Numbers

Bools = NDArray[np.bool_]
Weights = NDArray[np.float64]
FIGURES = ("micro_auc", "micro_ap", "macro_auc", "macro_ap", "user_auc", "user_ap")
RESAMPLES = 1_000
"""Draws of the people that an interval is read from."""


class Curve(NamedTuple):
    """Scores in groups of equal ones, ready to be weighed again and again."""

    group: Numbers
    """Number of each score among the distinct ones, rising, (n,)."""
    true: Bools
    """What was wanted, (n,)."""
    owner: Numbers
    """Number of the person that each is of, (n,)."""

    @classmethod
    def of(cls, scores: Floats, true: Bools, owner: Numbers) -> Curve:
        """Sort scores once."""
        group = np.unique(scores, return_inverse=True)[1]
        return cls(group=group.astype(np.int64), true=true, owner=owner)

    def read(self, weights: Weights) -> tuple[float, float]:
        """Area under the curve and average precision, each person weighed.

        Returns:
            Both; not a number where nothing was wanted, or everything.
        """
        each = weights[self.owner]
        number = int(self.group.max(initial=-1))
        good = np.bincount(self.group, each * self.true, minlength=number + 1)[::-1]
        bad = np.bincount(self.group, each * ~self.true, minlength=number + 1)[::-1]
        if good.sum() == 0 or bad.sum() == 0:
            return np.nan, np.nan
        found, missed = np.cumsum(good), np.cumsum(bad)  # best first
        met = np.maximum(found + missed, np.finfo(np.float64).tiny)
        area = float(((missed - bad / 2) * good).sum() / (good.sum() * bad.sum()))
        return 1 - area, float((good * found / met).sum() / good.sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What was foretold at moments, and what came."""

    users: Numbers
    """Who was asked about, (P,)."""
    true: Bools
    """What was wanted, (P, C)."""
    chances: Floats
    """How likely each category was said to be, (P, C)."""

    @cached_property
    def people(self) -> Numbers:
        """The distinct users."""
        return np.unique(self.users)

    def figures(self, weights: Weights | None = None) -> dict[str, float]:
        """All figures.

        Args:
            weights: how often each person counts, (U,); once if not given.
        """
        weights = np.ones(len(self.people)) if weights is None else weights
        micro, *rest = [curve.read(weights) for curve in self._curves]
        macro = np.array([pair for pair in rest if not np.isnan(pair[0])]).reshape(-1, 2)
        owners, own = self._own
        drawn = weights[owners]
        user = (own * drawn[:, None]).sum(axis=0) / max(drawn.sum(), 1)
        values = (*micro, *macro.mean(axis=0), *user)
        return dict(zip(FIGURES, (float(value) for value in values), strict=True))

    def drawn(self, draws: int, seed: int = 0) -> Weights:
        """Figures of people drawn again and again, the same for the same people and seed.

        Returns:
            In the order of ``FIGURES``, (draws, 6).
        """
        random, number = np.random.default_rng(seed), len(self.people)
        rows = []
        for _ in range(draws):
            counts = np.bincount(random.integers(number, size=number), minlength=number)
            rows.append(list(self.figures(counts.astype(np.float64)).values()))
        return np.array(rows).reshape(-1, len(FIGURES))

    @cached_property
    def _owner(self) -> Numbers:
        return np.searchsorted(self.people, self.users)

    @cached_property
    def _curves(self) -> list[Curve]:
        """Of everything together, then of each category."""
        categories = self.true.shape[1]
        owners = np.repeat(self._owner, categories)
        whole = Curve.of(self.chances.ravel(), self.true.ravel(), owners)
        return [
            whole,
            *(
                Curve.of(self.chances[:, place], self.true[:, place], self._owner)
                for place in range(categories)
            ),
        ]

    @cached_property
    def _own(self) -> tuple[Numbers, Weights]:
        """People with a moment that says something, and their mean figures, (V,) and (V, 2)."""
        some = self.true.any(axis=1) & ~self.true.all(axis=1)
        one, nobody = np.ones(1), np.zeros(self.true.shape[1], np.int64)
        pairs = [
            Curve.of(scores, true, nobody).read(one)
            for scores, true in zip(self.chances[some], self.true[some], strict=True)
        ]
        owners, place, counts = np.unique(
            self._owner[some], return_inverse=True, return_counts=True
        )
        sums = np.zeros((len(owners), 2))
        np.add.at(sums, place, np.array(pairs).reshape(-1, 2))
        return owners.astype(np.int64), sums / np.maximum(counts, 1)[:, None]


def gaps(
    one: Answers, other: Answers, seed: int = 0, draws: int = RESAMPLES
) -> dict[str, tuple[float, float]]:
    """Intervals, 95 %, of how much better one is, by figure: paired bootstrap over people.

    Raises:
        ValueError: the two were asked different questions.
    """
    if not np.array_equal(one.users, other.users) or not np.array_equal(one.true, other.true):
        raise ValueError("both must have been asked the same questions")
    differences = one.drawn(draws, seed) - other.drawn(draws, seed)
    low, high = np.nanquantile(differences, [0.025, 0.975], axis=0)
    return {name: (float(low[n]), float(high[n])) for n, name in enumerate(FIGURES)}


def average_precision(true: Bools, scores: Floats) -> float:
    """Average precision over all entries together; 0 where nothing, or everything, is true."""
    owner = np.zeros(true.size, np.int64)
    found = Curve.of(scores.ravel(), true.ravel(), owner).read(np.ones(1))[1]
    return 0.0 if np.isnan(found) else found


def rounded(figures: Mapping[str, float]) -> dict[str, float]:
    """Figures as they are written down."""
    return {name: round(value, 5) for name, value in figures.items()}
