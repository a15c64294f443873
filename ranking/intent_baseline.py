"""Logistic regression on recency, frequency and category: what category intent has to beat.

It reads the same cubes: for each category the bins since something was last done, and the logarithm
of 1 and the counts lately and ever, of each action; beside them how much somebody did lately and
ever in all categories together, and which category it is. So it can tell who comes back, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ranking.intent_cubes import Floats, Moments, cubes_of, wants_of
from ranking.intent_training import AT_ONCE, IntentData

LATELY = (1, 4, 16)
"""Last bins that frequency is counted over, beside all of them."""
MOST_ITERATIONS = 300
"""Of the optimiser."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecencyFrequency:
    """A fitted regression."""

    model: Any
    """scikit-learn's, over columns of unit spread."""
    mean: Floats
    """Of each column."""
    spread: Floats
    """Of each column."""
    num_actions: int
    """A."""

    def chances(self, data: IntentData, moments: Moments) -> Floats:
        """How likely each category is wanted after moments, (P, C)."""
        categories = data.behaviour.num_categories
        found = [np.zeros((0, categories), np.float32)]
        for start in range(0, len(moments), AT_ONCE):
            part = moments.only(np.arange(start, min(start + AT_ONCE, len(moments))))
            columns = _columns(data, part, self.num_actions)
            scaled = _with_category((columns - self.mean) / self.spread, categories)
            chance = self.model.predict_proba(scaled)[:, 1]
            found.append(chance.reshape(len(part), -1).astype(np.float32))
        return np.concatenate(found)


def fit_recency_frequency(
    data: IntentData, num_actions: int, most: int, seed: int, strength: float = 1.0
) -> RecencyFrequency:
    """Fit it on the moments to learn from.

    Args:
        data: events and moments.
        num_actions: A.
        most: moments at most, drawn.
        seed: of the draw.
        strength: inverse of the pull towards 0.
    """
    from sklearn.linear_model import LogisticRegression

    moments = data.learnt.some(most, np.random.default_rng(seed))
    columns = np.concatenate(
        [
            _columns(data, moments.only(part), num_actions)
            for part in np.array_split(np.arange(len(moments)), max(len(moments) // AT_ONCE, 1))
        ]
    )
    mean, spread = columns.mean(axis=0), columns.std(axis=0)
    spread[spread == 0] = 1
    true = wants_of(data.behaviour, data.clock, moments).ravel()
    scaled = _with_category((columns - mean) / spread, data.behaviour.num_categories)
    model = LogisticRegression(C=strength, max_iter=MOST_ITERATIONS).fit(scaled, true)
    return RecencyFrequency(model=model, mean=mean, spread=spread, num_actions=num_actions)


def _columns(data: IntentData, moments: Moments, num_actions: int) -> Floats:
    """Recency and frequency of each moment and category, (P * C, columns)."""
    counts = np.expm1(cubes_of(data.behaviour, data.clock, moments, num_actions))  # (P, T, C, A)
    spans = [counts[:, -min(lately, counts.shape[1]) :].sum(axis=1) for lately in LATELY]
    spans.append(counts.sum(axis=1))
    own = [np.log1p(span) for span in spans]
    whole = [
        np.broadcast_to(np.log1p(span.sum(axis=1, keepdims=True)), span.shape) for span in spans
    ]
    columns = [*own, _recency(counts)[..., None], *whole]
    return np.concatenate(columns, axis=-1).reshape(-1, sum(c.shape[-1] for c in columns))


def _recency(counts: Floats) -> Floats:
    """Logarithm of 1 and the bins since something was done, all of them where never, (P, C)."""
    some = np.asarray((counts > 0).any(axis=-1))[:, ::-1]  # (P, T, C), latest bin first
    since = np.where(some.any(axis=1), some.argmax(axis=1), counts.shape[1])
    return np.asarray(np.log1p(since), np.float32)


def _with_category(columns: Floats, categories: int) -> Any:
    """Lay beside the columns which category each row is of."""
    from scipy import sparse

    rows = np.arange(len(columns))
    which = sparse.csr_matrix(
        (np.ones(len(columns), np.float32), (rows, rows % categories)),
        shape=(len(columns), categories),
    )
    return sparse.hstack([sparse.csr_matrix(columns), which]).tocsr()
