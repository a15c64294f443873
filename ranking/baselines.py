"""What every model is measured beside: popularity, item neighbours and item regression.

Settings of each are chosen on validation by the first ndcg, and nothing else; a baseline left at
its defaults is easy to beat and says little. A model joins as one more ``Contender``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from datetime import timedelta
from itertools import product
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ingest.event import MICROSECOND
from ingest.histories import Histories
from ranking.evaluate import Evaluation, EvaluationConfig, evaluate
from ranking.splits import Part, Splits
from retrieval.neighbours import ItemNeighbours, NeighbourConfig
from retrieval.popular import Popular, PopularLately
from retrieval.regression import ItemRegression, RegressionConfig
from retrieval.scoring import ItemScorer

Scorer = TypeVar("Scorer", bound=ItemScorer)
Show = Callable[[float, str], None]
"""Takes the share done, 0 to 1, and what is being done."""
MOST_ITEMS = RegressionConfig().most_items
"""Largest catalogue that item regression joins in on."""
WINDOWS = tuple(timedelta(days=days) for days in (1, 7, 30))
NEIGHBOURS = tuple(
    NeighbourConfig(window=window, backward=backward, damping=damping, recency=recency)
    for window, backward, damping, recency in product(
        (5, 20), (0.0, 0.3), (0.15, 0.3, 0.45), (0.5, 1.0)
    )
)
REGRESSIONS = tuple(
    RegressionConfig(ridge=ridge, recency=recency)
    for ridge, recency in product((100.0, 300.0, 1000.0), (0.0, 0.5, 1.0))
)


@dataclass(frozen=True, kw_only=True)
class Contender(Generic[Scorer]):
    """A kind of scorer, and the settings that it may choose among."""

    name: str
    """What its row is called."""
    fit: Callable[[Histories, Any, Scorer | None], Scorer]
    """Learns with one of the settings; is also given what the settings before gave on the same
    histories, or None, so that what both share need not be learnt again."""
    grid: tuple[Any, ...] = (None,)
    """Settings, those that share most beside each other."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """What became of a contender."""

    name: str
    """Of the contender."""
    settings: dict[str, Any]
    """Those that validation chose."""
    validation: float
    """The figure they were chosen by."""
    evaluation: Evaluation = field(repr=False)
    """The test."""
    seconds: float
    """Wall time of all of it."""


def baselines(histories: Histories) -> tuple[list[Contender[Any]], dict[str, str]]:
    """Give the baselines that a log allows.

    Returns:
        Contenders, and for those left out the reason by name.
    """
    times, left_out = histories.times_us, {}
    span = (int(times.max()) - int(times.min())) * MICROSECOND if len(times) else timedelta()
    contenders: list[Contender[Any]] = [
        Contender(name="popular", fit=lambda seen, _config, _before: Popular.fit(seen))
    ]
    windows = tuple(window for window in WINDOWS if window < span)
    if windows:
        contenders.append(Contender(name="popular lately", fit=_lately, grid=windows))
    else:
        left_out["popular lately"] = "all events are within a day, or the file tells no times"
    contenders.append(Contender(name="item neighbours", fit=_neighbours, grid=NEIGHBOURS))
    if histories.num_items <= MOST_ITEMS:
        contenders.append(Contender(name="item regression", fit=_regression, grid=REGRESSIONS))
    else:
        left_out["item regression"] = f"{histories.num_items} items are more than {MOST_ITEMS}"
    return contenders, left_out


def compare(
    splits: Splits,
    contenders: Sequence[Contender[Any]],
    config: EvaluationConfig,
    most_validated: int = 5_000,
    show: Show = lambda _share, _words: None,
    vectors: NDArray[np.float32] | None = None,
) -> list[Result]:
    """Let contenders choose their settings on validation, and test each once.

    Args:
        splits: a protocol applied to a log.
        contenders: in the order of the results.
        config: what is measured.
        most_validated: questions of validation that settings are chosen on, drawn by the seed of
            the splits.
        show: told how far it is.
        vectors: unit vectors of the items, (N, D), for diversity.
    """
    validation = _drawn(splits.validation, most_validated, splits.config.seed)
    steps, done, results = sum(len(one.grid) + 1 for one in contenders), 0, []
    for contender in contenders:
        started = time.monotonic()
        best: tuple[float, Any, ItemScorer] | None = None
        scorer = None
        for settings in contender.grid:
            show(done / steps, f"{contender.name}: choosing settings")
            scorer = contender.fit(validation.fit, settings, scorer)
            reached = evaluate(scorer, validation, config).figures[f"ndcg@{config.ks[0]}"]
            if best is None or reached > best[0]:
                best = (reached, settings, scorer)
            done += 1
        if best is None:
            raise ValueError(f"{contender.name} has no settings to choose among")
        show(done / steps, f"{contender.name}: test")
        tested = best[2]
        if splits.test.fit is not splits.validation.fit:
            tested = contender.fit(splits.test.fit, best[1], None)
        done += 1
        results.append(
            Result(
                name=contender.name,
                settings=_told(best[1]),
                validation=best[0],
                evaluation=evaluate(tested, splits.test, config, vectors),
                seconds=time.monotonic() - started,
            )
        )
    return results


def _lately(histories: Histories, window: timedelta, before: PopularLately | None) -> PopularLately:
    if before is not None:
        return replace(before, window=window)
    return PopularLately.fit(histories, window)


def _neighbours(
    histories: Histories, config: NeighbourConfig, before: ItemNeighbours | None
) -> ItemNeighbours:
    if before is not None and before.sums_serve(config):
        return before.refined(config)
    return ItemNeighbours.fit(histories, config)


def _regression(
    histories: Histories, config: RegressionConfig, before: ItemRegression | None
) -> ItemRegression:
    if before is not None and before.config.ridge == config.ridge:
        return before.refined(config)
    return ItemRegression.fit(histories, config)


def _drawn(part: Part, most: int, seed: int) -> Part:
    if len(part.cases) <= most:
        return part
    drawn = np.random.default_rng(seed).permutation(len(part.cases))[:most]
    return replace(part, cases=tuple(part.cases[number] for number in np.sort(drawn)))


def _told(settings: Any) -> dict[str, Any]:
    if is_dataclass(settings) and not isinstance(settings, type):
        return asdict(settings)
    if isinstance(settings, timedelta):
        return {"window_days": settings.days}
    return {}
