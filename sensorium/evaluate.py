"""Measure recommenders on what people did: the workspace's events, or those of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ingest.errors import SensoriumError
from ingest.event_files import EventFile
from ingest.histories import Histories, gather_histories, liked_in, logged_histories
from ranking.baselines import Contender, Result, baselines, compare
from ranking.evaluate import EvaluationConfig, gap
from ranking.sequence_events import Deed, gather_deeds, logged_deeds, told_deeds
from ranking.splits import SplitConfig, Splits, split, tied_ratio

if TYPE_CHECKING:
    from ingest.event_log import EventLog
    from ingest.event_rules import EventRules
    from ranking.sequences import Sequences
    from ranking.splits import Protocol

Show = Callable[[float, str], None]
Learners = Callable[[int, Callable[[str], None]], list[Contender[Any]]]
"""Gives the learnt contenders for a seed, which tell in words where they are."""
COMPARED = ("hit@10", "ndcg@10")
"""Figures of which a learnt model is set against the best baseline."""


class EvaluationError(SensoriumError):
    """The events do not allow the evaluation."""

    code = "evaluation"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """What to measure."""

    protocol: Protocol = "leave-one-out"
    """What is left out and asked for."""
    seeds: tuple[int, ...] = (0,)
    """One evaluation each; they decide everything random."""
    refit: bool = False
    """See ``SplitConfig``."""
    target_time: bool = False
    """See ``SplitConfig``."""
    with_seen: bool = False
    """Whether items that a user has are recommended again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One model under one seed; everything its figures depend on stands beside them."""

    model: str
    """What was measured."""
    protocol: str
    """Under which protocol."""
    seed: int
    """With which seed."""
    settings: Mapping[str, Any]
    """Those of the model, chosen on validation."""
    validation: float
    """The figure that they were chosen by: ndcg at 10 on validation."""
    figures: Mapping[str, float]
    """On the test; see ``ranking.evaluate.Evaluation``."""
    cases: int
    """Questions of the test."""
    repeats: int
    """Items not asked for because the user had them already."""
    unknown: int
    """Items asked for that nothing was learnt about."""
    seconds: float
    """Wall time."""
    baseline: str = ""
    """The best of the baselines by the test's ndcg at 10, for a learnt model."""
    gaps: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Intervals, 95 %, of how much better than it a learnt model is, by figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """What was measured on what."""

    users: int
    """Users who liked anything."""
    items: int
    """Items that anybody liked: the catalogue that is ranked."""
    events: int
    """Likings."""
    tied_ratio: float
    """Share of users whose last two events have the same time."""
    seen: str
    """What a model gets to see."""
    request: EvaluationRequest
    """What was asked for."""
    rows: tuple[EvaluationRow, ...]
    """By seed, then in the order of the models."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Reason by model."""


def read_liked(file: EventFile, rules: EventRules, show: Show) -> Histories:
    """Collect what the users of a file liked; rows that say nothing are passed over.

    Raises:
        DecodeError: the file is damaged.
    """

    def liked() -> Any:
        for number, row in enumerate(file):
            if number % 10_000 == 0:
                show(file.done_ratio, "reading events")
            yield from liked_in(row.events, rules)

    return gather_histories(liked())


def read_deeds(source: EventFile | EventLog, rules: EventRules, show: Show) -> Sequences:
    """Collect all that people did that the rules weigh, from a file or a log.

    Raises:
        DecodeError: the file is damaged.
    """
    if not isinstance(source, EventFile):
        show(0.0, "reading events")
        return gather_deeds(logged_deeds(source, rules), rules)

    def told() -> Iterator[Deed]:
        for number, row in enumerate(source):
            if number % 10_000 == 0:
                show(source.done_ratio, "reading events")
            yield from told_deeds(row.events)

    return gather_deeds(told(), rules)


def read_logged(log: EventLog, rules: EventRules, show: Show) -> Histories:
    """Collect what the users of a log liked."""
    show(0.0, "reading events")
    return logged_histories(log, rules)


def evaluate_baselines(
    histories: Histories, request: EvaluationRequest, show: Show
) -> EvaluationReport:
    """Measure the baselines and nothing else; see ``evaluate_models``."""
    return evaluate_models(histories, request, show)


def evaluate_models(
    histories: Histories,
    request: EvaluationRequest,
    show: Show,
    learners: Learners = lambda _seed, _tell: [],
    vectors: NDArray[np.float32] | None = None,
) -> EvaluationReport:
    """Measure the baselines, and what is learnt beside them.

    Args:
        histories: who liked what.
        request: what to measure.
        show: told how far it is.
        learners: what is learnt.
        vectors: unit vectors of the items, (N, D), for diversity.

    Raises:
        EvaluationError: nobody has enough of a history.
    """
    beside, left_out = baselines(histories)
    config = EvaluationConfig(with_seen=request.with_seen)
    rows: list[EvaluationRow] = []
    seen = ""
    for number, seed in enumerate(request.seeds):
        splits = _split(histories, request, seed)
        seen = splits.seen
        shown = _Shown(show, number, len(request.seeds))
        contenders = [*beside, *learners(seed, shown.tell)]
        found = compare(splits, contenders, config, show=shown, vectors=vectors)
        rows += _rows(found, len(beside), splits)
    return EvaluationReport(
        users=int((histories.lengths > 0).sum()),
        items=histories.num_items,
        events=len(histories.items),
        tied_ratio=tied_ratio(histories),
        seen=seen,
        request=request,
        rows=tuple(rows),
        left_out=left_out,
    )


class _Shown:
    """Where one of several seeds stands, and in words what a contender is doing meanwhile."""

    def __init__(self, show: Show, number: int, seeds: int) -> None:
        self._show, self._number, self._seeds, self._share = show, number, seeds, 0.0

    def __call__(self, share: float, words: str) -> None:
        self._share = (self._number + share) / self._seeds
        self._show(self._share, words)

    def tell(self, words: str) -> None:
        self._show(self._share, words)


def _rows(found: list[Result], num_baselines: int, splits: Splits) -> list[EvaluationRow]:
    rows = [_row(result, splits) for result in found]
    first = f"ndcg@{EvaluationConfig().ks[0]}"
    best = max(found[:num_baselines], key=lambda result: result.evaluation.figures[first])
    for number, result in enumerate(found[num_baselines:], start=num_baselines):
        gaps = {name: gap(result.evaluation, best.evaluation, name) for name in COMPARED}
        rows[number] = replace(rows[number], baseline=best.name, gaps=gaps)
    return rows


def _split(histories: Histories, request: EvaluationRequest, seed: int) -> Splits:
    splits = split(
        histories,
        SplitConfig(
            protocol=request.protocol,
            seed=seed,
            refit=request.refit,
            target_time=request.target_time,
        ),
    )
    if not splits.validation.cases or not splits.test.cases:
        raise EvaluationError(
            f"{len(histories.items)} likings of {len(histories)} users leave nobody to ask under "
            f"the protocol {request.protocol}",
            "import more events, say which are positive with --set events.positives=..., or try "
            "another --protocol",
        )
    return splits


def _row(result: Result, splits: Splits) -> EvaluationRow:
    found = result.evaluation
    return EvaluationRow(
        model=result.name,
        protocol=splits.config.protocol,
        seed=splits.config.seed,
        settings=result.settings,
        validation=result.validation,
        figures=found.figures,
        cases=len(found.cases),
        repeats=found.repeats,
        unknown=found.unknown,
        seconds=round(result.seconds, 2),
    )
