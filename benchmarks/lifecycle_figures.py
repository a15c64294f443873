"""Areas under the curve over people and topics, and their intervals over people drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Marks = NDArray[np.bool_]
RESAMPLES = 100
FEWEST = 5
"""People who take up a topic, below which it has no area of its own."""
COMPARED = (
    ("vector + rare masking", "no vector"),
    ("vector + silence (even masking)", "no vector"),
    ("vector + rare masking", "vector + silence (even masking)"),
    ("vector + rare masking", "counts"),
    ("counts and vector", "counts"),
    ("vector + runs", "vector events"),
    ("vector + silence (even masking)", "vector + runs"),
    ("probe: vector + rare masking", "probe: counts"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Areas:
    """Areas of one thing, (S, 1 + R): of the people there are, then of people drawn anew."""

    all: NDArray[np.float64]
    """Over all pairs of a person and a topic together."""
    tail: NDArray[np.float64]
    """The same over tail topics."""
    macro: NDArray[np.float64]
    """Mean over topics of the area over people."""
    macro_tail: NDArray[np.float64]
    """The same over tail topics."""


def figures_of(
    scores: Sequence[Mapping[str, Floats]], labels: Marks, counted: Marks, tail: Marks
) -> dict[str, Areas]:
    """Areas of all that scores topics.

    Args:
        scores: of each seed, by name, (B, G).
        labels: what people take up, (B, G).
        counted: pairs that are asked for, (B, G).
        tail: rare topics, (G,).
    """
    draws = _draws(len(labels))
    enough = (labels & counted).sum(axis=0) >= FEWEST
    found = {}
    for name in scores[0]:
        if name.startswith("stays: "):
            continue
        each = [one[name] for one in scores]
        rows: dict[str, list[NDArray[np.float64]]] = {"all": [], "tail": [], "m": [], "mt": []}
        for one in each:
            rows["all"].append(pooled(one, labels, counted, draws))
            rows["tail"].append(pooled(one[:, tail], labels[:, tail], counted[:, tail], draws))
            of_topic = np.stack(
                [
                    pooled(one[:, [t]], labels[:, [t]], counted[:, [t]], draws)
                    for t in np.flatnonzero(enough)
                ]
            )
            rows["m"].append(np.nanmean(of_topic, axis=0))
            rows["mt"].append(np.nanmean(of_topic[tail[enough]], axis=0))
        found[name] = Areas(
            all=np.stack(rows["all"]),
            tail=np.stack(rows["tail"]),
            macro=np.stack(rows["m"]),
            macro_tail=np.stack(rows["mt"]),
        )
    return found


def pooled(
    scores: Floats, labels: Marks, counted: Marks, draws: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area over all pairs at once, people counting as often as each draw says, (1 + R,)."""
    people = np.nonzero(counted)[0]
    values, true = scores[counted], labels[counted]
    order = np.argsort(values, kind="stable")
    values, true, people = values[order], true[order], people[order]
    # Pairs with one score are a step of the curve.
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    found = np.full(len(draws), np.nan)
    for row, draw in enumerate(draws):
        weights = draw[people]
        hits = np.diff(np.cumsum(weights * true)[ends], prepend=0)
        misses = np.diff(np.cumsum(weights * ~true)[ends], prepend=0)
        below = np.cumsum(misses) - misses
        if hits.sum() and misses.sum():
            area = (hits * (below + misses / 2)).sum()
            found[row] = area / (hits.sum() * misses.sum())
    return found


def summary(
    figures: Mapping[str, Areas], stays: Mapping[str, Sequence[Floats]], stayed: Marks
) -> dict[str, Any]:
    """Means and standard deviations over seeds, and intervals, 95 %, of differences."""
    draws = _draws(len(stayed))
    staying = {
        name: np.stack(
            [
                pooled(one[:, None], stayed[:, None], np.ones((len(one), 1), np.bool_), draws)
                for one in each
            ]
        )
        for name, each in stays.items()
    }
    told: dict[str, Any] = {"area": {}, "differences": {}, "stays": {}, "stays, differences": {}}
    kinds = ("all", "tail", "macro", "macro_tail")
    for name, areas in figures.items():
        told["area"][name] = {kind: _spread(getattr(areas, kind)) for kind in kinds}
    for one, other in COMPARED:
        told["differences"][f"{one} - {other}"] = {
            kind: _gap(getattr(figures[one], kind), getattr(figures[other], kind)) for kind in kinds
        }
    for name, areas in staying.items():
        told["stays"][name] = _spread(areas)
    for one, other in COMPARED:
        if one in staying:
            told["stays, differences"][f"{one} - {other}"] = _gap(staying[one], staying[other])
    return told


def _draws(number: int) -> NDArray[np.float64]:
    """How often each person counts: once, then in each draw, (1 + R, B)."""
    draw = np.random.default_rng(0)
    drawn = draw.multinomial(number, np.full(number, 1 / number), size=RESAMPLES)
    return np.vstack([np.ones(number), drawn])


def _spread(areas: NDArray[np.float64]) -> dict[str, float]:
    own = areas[:, 0]
    deviation = float(own.std(ddof=1)) if len(own) > 1 else 0.0
    return {"mean": round(float(own.mean()), 4), "sd": round(deviation, 4)}


def _gap(one: NDArray[np.float64], other: NDArray[np.float64]) -> dict[str, float]:
    differences = (one - other).mean(axis=0)
    low, high = np.nanquantile(differences[1:], [0.025, 0.975])
    return {
        "mean": round(float(differences[0]), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }
