"""How well a scorer does under a protocol: every item ranked for every question, no sampling.

- What a user has already is not recommended again unless ``with_seen``; then an item asked for that
  is in the history cannot be found by anyone, and is not asked for.
- An item that nothing was learnt about is asked for all the same.
- Figures of each question are kept, so that two scorers can be compared question by question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ranking.splits import Case, Part
from retrieval.metrics import (
    ENDED,
    Floats,
    coverage,
    diversity,
    found_at_k,
    hit_at_k,
    ndcg_at_k,
    novelty,
    ranks_of,
    reciprocal_rank,
)
from retrieval.popular import count_users
from retrieval.scoring import ItemScorer, top_k

Show = Callable[[float], None]
"""Takes the share of the questions that is done, 0 to 1."""
RESAMPLES = 2_000
"""Draws of the questions that an interval is read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationConfig:
    """What is measured."""

    ks: tuple[int, ...] = (10, 50)
    """Lengths of lists that count; the first is that of the lists judged as lists."""
    with_seen: bool = False
    """Whether items of the history are recommended again."""
    batch: int = 256
    """Questions scored at once."""

    def __post_init__(self) -> None:
        if not self.ks or min(*self.ks, self.batch) < 1:
            raise ValueError(f"expected 1 or more: {self.ks = }, {self.batch = }")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """How well a scorer did."""

    figures: Mapping[str, float]
    """hit, recall and ndcg at each k and mrr, means over questions; coverage, novelty (bits) and,
    where vectors were given, diversity of the lists of the first k."""
    by_case: Mapping[str, Floats] = field(repr=False)
    """Those of each question, (B,), of the figures that are means."""
    cases: NDArray[np.int64] = field(repr=False)
    """Number of each question in its part, (B,)."""
    repeats: int
    """Items not asked for because the user had them already."""
    unknown: int
    """Items asked for that nothing was learnt about."""


def evaluate(
    scorer: ItemScorer,
    part: Part,
    config: EvaluationConfig,
    vectors: NDArray[np.float32] | None = None,
    show: Show = lambda _share: None,
) -> Evaluation:
    """Ask a scorer every question of a part.

    Args:
        scorer: learnt from ``part.fit`` and nothing else.
        part: the questions.
        config: what is measured.
        vectors: unit vectors of the items, (N, D), for diversity.
        show: told how far it is.
    """
    asked = [_targets(case, config.with_seen) for case in part.cases]
    kept = np.array([number for number, targets in enumerate(asked) if len(targets)], np.int64)
    widest = max((len(targets) for targets in asked), default=0)
    ranks, lists = np.full((len(kept), widest), np.nan), np.full((len(kept), config.ks[0]), ENDED)
    for start in range(0, len(kept), config.batch):
        rows = slice(start, start + config.batch)
        cases = [part.cases[number] for number in kept[rows]]
        scores = scorer.score([case.history for case in cases])
        if not config.with_seen:
            for line, case in zip(scores, cases, strict=True):
                line[case.history.items] = -np.inf
        targets = _padded([asked[number] for number in kept[rows]], widest)
        ranks[rows], lists[rows] = ranks_of(scores, targets), top_k(scores, config.ks[0])
        show(min(start + config.batch, len(kept)) / len(kept))
    by_case = _accuracy(ranks, config.ks)
    known = np.bincount(part.fit.items, minlength=part.fit.num_items) > 0
    return Evaluation(
        figures={
            **{name: float(found.mean()) if len(found) else 0.0 for name, found in by_case.items()},
            **_beyond(lists, part, vectors),
        },
        by_case=by_case,
        cases=kept,
        repeats=sum(
            len(case.targets) - len(targets)
            for case, targets in zip(part.cases, asked, strict=True)
        ),
        unknown=sum(int((~known[targets]).sum()) for targets in asked),
    )


def gap(one: Evaluation, other: Evaluation, figure: str, seed: int = 0) -> tuple[float, float]:
    """Give the interval, 95 %, of how much better one is: paired bootstrap over the questions.

    Args:
        one: of a scorer.
        other: of another, on the same part.
        figure: name among ``by_case``.
        seed: of the draws.

    Returns:
        Lower and upper end of the difference of means; one is better where both are above 0.

    Raises:
        ValueError: the two were asked different questions.
    """
    if not np.array_equal(one.cases, other.cases):
        raise ValueError("both must have been asked the same questions")
    return interval_of_mean(one.by_case[figure] - other.by_case[figure], seed)


def interval_of_mean(values: Floats, seed: int = 0) -> tuple[float, float]:
    """Give the interval, 95 %, of a mean, by bootstrap.

    Args:
        values: one of each question, (B,).
        seed: of the draws.
    """
    draw = np.random.default_rng(seed)
    means = [values[draw.integers(len(values), size=len(values))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _targets(case: Case, with_seen: bool) -> NDArray[np.int64]:
    if with_seen:
        return case.targets
    return case.targets[~np.isin(case.targets, case.history.items)]


def _padded(targets: list[NDArray[np.int64]], width: int) -> NDArray[np.int64]:
    table = np.full((len(targets), width), ENDED)
    for row, items in zip(table, targets, strict=True):
        row[: len(items)] = items
    return table


def _accuracy(ranks: Floats, ks: tuple[int, ...]) -> dict[str, Floats]:
    if not ranks.size:
        ranks = np.zeros((0, 1))
    by_case = {}
    for k in ks:
        by_case[f"hit@{k}"] = hit_at_k(ranks, k)
        by_case[f"recall@{k}"] = found_at_k(ranks, k)
        by_case[f"ndcg@{k}"] = ndcg_at_k(ranks, k)
    return {**by_case, "mrr": reciprocal_rank(ranks)}


def _beyond(
    lists: NDArray[np.int64], part: Part, vectors: NDArray[np.float32] | None
) -> dict[str, float]:
    k, fit = lists.shape[1], part.fit
    num_users = max(int((fit.lengths > 0).sum()), 1)
    figures = {
        f"coverage@{k}": coverage(lists, max(fit.num_items, 1)),
        f"novelty@{k}": novelty(lists, count_users(fit), num_users),
    }
    if vectors is not None:
        figures[f"diversity@{k}"] = diversity(lists, vectors)
    return figures
