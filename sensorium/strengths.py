"""What the parts of a library's pages count: learnt from what its people chose, used from then on.

The last liking of some users is asked for, as the feed would have stood the moment before: sources
learnt from the log know neither that liking nor what its user did after it, and rankers never
learn from it. Half of the users decide on the strengths, the other half say whether they find more
than those in force; then all decide. Strengths that find less, beyond chance, are not kept.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ranking.evaluate import interval_of_mean
from ranking.feed import Feed
from ranking.held_out import FEWEST_QUESTIONS
from ranking.signals import places_of_chosen
from ranking.strengths import (
    choice,
    fit_strengths,
    parts_of,
    strengths_of,
    whole,
    with_strengths,
)
from ray_jobs.recipe import digest_of
from retrieval.metrics import ndcg_at_k
from retrieval.neighbours import ItemNeighbours, NeighbourConfig
from retrieval.source_neighbours import NeighbourTable
from retrieval.tally import Standings, Tally
from sensorium.feed_sources import sources_of
from sensorium.past_choices import past_choices
from sensorium.progress import bar_progress
from sensorium.rankers import ranker_of
from sensorium.shelf import open_stock
from sensorium.signals import with_signals
from sensorium.training import TrainingError
from sensorium.training_records import Measured, TrainingRecord, remember_training

if TYPE_CHECKING:
    from rich.console import Console

    from ranking.feed_config import FeedConfig
    from ranking.signals import Floats, Question
    from retrieval.source import Source
    from sensorium.evaluate import Show
    from sensorium.library import Library
    from sensorium.past_choices import PastChoices
    from sensorium.shelf import Stock
    from sensorium.workspace import Workspace

PART, STRENGTHS = "strengths", "feed_strengths"
"""What they are called, and the name under which the workspace remembers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntStrengths:
    """What a workspace remembers."""

    beside: str
    """Kind of ranker that they were learnt beside."""
    found: Mapping[str, float]
    """Strengths by part."""

    @property
    def fingerprint(self) -> str:
        """Changes with any of them."""
        return digest_of(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class StrengthsOutcome:
    """What learning strengths gave."""

    ranker: str
    """What ranks."""
    before: Mapping[str, float]
    """What parts counted, by name."""
    after: Mapping[str, float]
    """What they were found to count."""
    asked: int
    """Likings that were asked for."""
    questions: int
    """Those among the candidates, which decided."""
    judged: int
    """Likings that the figure is of, by strengths that did not see them."""
    measured: Measured
    """Before and after, over all that was asked of these users."""
    kept: bool
    """Whether pages use them from now on."""
    seconds: float
    """Wall time."""
    next_step: str
    """What to do."""


def kind_of(ranker: str) -> str:
    """Kind of a ranker, by its name: strengths learnt beside one kind do not suit another."""
    return ranker.partition(" ")[0]


def in_force(workspace: Workspace, config: FeedConfig, ranker: str) -> FeedConfig:
    """Give settings with what was learnt of their strengths, as far as they allow that.

    Args:
        workspace: the library's folder.
        config: the settings.
        ranker: name of what ranks.
    """
    learnt = recall_strengths(workspace)
    if learnt is None or config.strengths != "learnt" or learnt.beside != kind_of(ranker):
        return config
    return with_strengths(config, learnt.found)


def recall_strengths(workspace: Workspace) -> LearntStrengths | None:
    """Give what was learnt; None before anything was."""
    known: dict[str, Any] | None = workspace.manifest.recall(STRENGTHS)
    return None if known is None else LearntStrengths(**known)


def learn_strengths(library: Library, console: Console, quiet: bool) -> StrengthsOutcome:
    """Learn what the parts of pages count, and remember it.

    Args:
        library: indexed, with events in its log.
        console: writes to stderr.
        quiet: show no progress.

    Raises:
        TrainingError: too few people have liked anything that the feed would have found.
    """
    started = time.monotonic()
    workspace, stock = library.workspace, open_stock(library)
    ranker, _ = with_signals(library, stock, ranker_of(library, stock)[0])
    with bar_progress(console, quiet) as show:
        choices = past_choices(library, show)
        sources = _sources_before(library, stock, choices, show)
        feed = Feed(stock.shelf, sources, ranker, whole(library.config.feed))
        parts = parts_of([source.name for source in sources])
        asked = [
            choice(feed.candidates(state), parts, item)
            for state, item in choices.walk(library, stock, show)
        ]
    questions = _found(asked)
    if len(questions) < FEWEST_QUESTIONS:
        raise TrainingError(
            f"the log tells of {len(asked)} users with three likings or more, and the feed would "
            f"have found the last of {len(questions)}; {FEWEST_QUESTIONS} are needed",
            "import more events with sensorium events import",
        )
    before = strengths_of(in_force(workspace, library.config.feed, ranker.name), parts)
    measured = _measured(asked, parts, before)
    assert measured.gap is not None
    learnt = LearntStrengths(beside=kind_of(ranker.name), found=fit_strengths(questions, parts))
    if kept := measured.gap[1] >= 0:
        workspace.manifest.remember(STRENGTHS, asdict(learnt))
        record = TrainingRecord(
            fingerprint=learnt.fingerprint,
            events=len(choices.held_out.part.fit.items),
            users=len(asked),
            items=len(stock.shelf),
            measured=(measured,),
        )
        remember_training(workspace, PART, record)
    return StrengthsOutcome(
        ranker=ranker.name,
        before=dict(zip(parts, before.tolist(), strict=True)),
        after=learnt.found,
        asked=len(asked),
        questions=len(questions),
        judged=len(asked[1::2]),
        measured=measured,
        kept=kept,
        seconds=round(time.monotonic() - started, 2),
        next_step=_next_step(*measured.gap),
    )


def _measured(asked: Sequence[Question | None], parts: Sequence[str], before: Floats) -> Measured:
    """What strengths that one half of the users decide on find of the other half's likings."""
    found, own = fit_strengths(_found(asked[::2]), parts), dict(zip(parts, before, strict=True))
    after = np.array([found.get(part, own[part]) for part in parts], np.float32)
    judged = asked[1::2]
    without, having = _ndcg(judged, before), _ndcg(judged, after)
    return Measured(
        figure="ndcg@10",
        value=float(having.mean()),
        beside={"those before": float(without.mean())},
        gap=interval_of_mean(having - without),
    )


def _sources_before(
    library: Library, stock: Stock, choices: PastChoices, show: Show
) -> list[Source]:
    """Sources that know the log but for what is asked for."""
    show(0.0, "learning what goes with what")
    neighbours = ItemNeighbours.fit(choices.held_out.part.fit, NeighbourConfig())
    standings = Standings(_tally_before(library, choices), stock.shelf.number_of)
    return sources_of(library, stock, standings, NeighbourTable.of(neighbours))


def _tally_before(library: Library, choices: PastChoices) -> Tally:
    """Counts of the events before what is asked for."""
    tally = Tally(timedelta(days=library.config.sources.popular_days))
    asked_us, sequence, never = int(choices.histories.times_us.max(initial=0)), 0, 2**63
    while page := library.workspace.event_log.since(sequence):
        sequence = page[-1][0]
        before = (
            one for one in page if one[1].occurred_us < choices.last_us.get(one[1].user_id, never)
        )
        tally.read(before, library.config.events, asked_us)
    return tally


def _found(asked: Sequence[Question | None]) -> list[Question]:
    return [one for one in asked if one is not None]


def _ndcg(asked: Sequence[Question | None], strengths: Floats) -> NDArray[np.float64]:
    """Of each that was asked; what was not among the candidates was not found."""
    ranks = np.full((len(asked), 1), np.inf)
    among = np.flatnonzero([one is not None for one in asked])
    ranks[among, 0] = 1 + places_of_chosen(_found(asked), strengths)
    return ndcg_at_k(ranks, 10)


def _next_step(low: float, high: float) -> str:
    if high < 0:
        return "those in force find more, so that they stay"
    if low > 0:
        return "they find more; pages use them from now on, unless feed.strengths is set"
    return "pages use them from now on, though the gain is not beyond chance; more events help"
