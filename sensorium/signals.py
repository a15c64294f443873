"""Signals beside the ranker of a library: opened as the settings ask, weighed by what people chose.

What a signal counts is learnt from the last likings of some users, which the ranker did not learn
from, each set among items drawn from those that anybody liked. Half of the users decide on the
weights, the other half say whether they help; then all decide.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ranking.evaluate import interval_of_mean
from ranking.held_out import FEWEST_QUESTIONS
from ranking.signals import (
    Deeds,
    Question,
    Signal,
    SignalRanker,
    Weighed,
    fit_weights,
    places_of_chosen,
)
from retrieval.metrics import hit_at_k, ndcg_at_k
from sensorium.past_choices import past_choices
from sensorium.progress import bar_progress
from sensorium.rankers import ranker_of
from sensorium.shelf import open_stock
from sensorium.training import TrainingError

if TYPE_CHECKING:
    from rich.console import Console

    from ingest.histories import Histories
    from ranking.feed_ranker import Ranker
    from ranking.signals import Floats
    from sensorium.evaluate import Show
    from sensorium.library import Library
    from sensorium.shelf import Stock

WEIGHTS = "signal_weights"
"""Name under which the workspace remembers what signals count."""
OTHERS = 200
"""Items that each liking is set among."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighingOutcome:
    """What weighing gave."""

    ranker: str
    """What stands beside the signals."""
    weights: Mapping[str, float]
    """What each signal counts, by name."""
    questions: int
    """Likings that decided."""
    judged: int
    """Likings that the figures are of, by weights that did not see them."""
    figures: Mapping[str, tuple[float, float]]
    """Without and with the signals."""
    gap: tuple[float, float]
    """Interval, 95 %, of ndcg at 10 gained."""
    seconds: float
    """Wall time."""
    next_step: str
    """What to do."""


def open_signals(library: Library, stock: Stock) -> tuple[dict[str, Signal], tuple[str, ...]]:
    """Open the signals that the settings name, for the items of a stock.

    Returns:
        Those that have been learnt, by name, and what a person should know of the others.
    """
    found: dict[str, Signal] = {}
    notes = []
    for name in library.config.feed.signals:
        signal, note = _opened(name, library, stock)
        if signal is not None:
            found[name] = signal
        if note:
            notes.append(note)
    return found, tuple(notes)


def with_signals(library: Library, stock: Stock, ranker: Ranker) -> tuple[Ranker, tuple[str, ...]]:
    """Add signals to a ranker, by the weights that were learnt; gives also what to know of it."""
    if not library.config.feed.signals:
        return ranker, ()
    signals, notes = open_signals(library, stock)
    weights = library.workspace.manifest.recall(WEIGHTS, {})
    unweighed = [name for name in signals if name not in weights]
    if unweighed:
        words = f"signals that have not been weighed are left aside: {', '.join(unweighed)}"
        notes = (*notes, f"{words}; sensorium train signals weighs them")
    added = tuple(
        Weighed(signal=signal, weight=weights[name])
        for name, signal in signals.items()
        if weights.get(name)
    )
    return (SignalRanker(base=ranker, signals=added) if added else ranker), notes


def weigh_signals(library: Library, console: Console, quiet: bool) -> WeighingOutcome:
    """Learn what the signals that the settings name count, and remember it.

    Args:
        library: indexed, with events in its log.
        console: writes to stderr.
        quiet: show no progress.

    Raises:
        TrainingError: no signal is named or learnt, or too few people have done anything.
    """
    started = time.monotonic()
    stock = open_stock(library)
    signals, notes = open_signals(library, stock)
    if not signals:
        raise TrainingError(
            "there is no signal to weigh" + "".join(f"; {note}" for note in notes),
            "name those that were learnt: --set feed.signals=intent,lifecycle,profiles",
        )
    ranker, _ = ranker_of(library, stock)
    with bar_progress(console, quiet) as show:
        questions = _questions(library, stock, ranker, list(signals.values()), show)
    first, second = questions[::2], questions[1::2]
    weights = fit_weights(first)
    without = _figures(second, np.zeros_like(weights))
    having = _figures(second, weights)
    low, high = interval_of_mean(having["ndcg@10"] - without["ndcg@10"])
    final = dict(zip(signals, fit_weights(questions).tolist(), strict=True))
    kept = final if high >= 0 else dict.fromkeys(final, 0.0)
    library.workspace.manifest.remember(WEIGHTS, kept)
    return WeighingOutcome(
        ranker=ranker.name,
        weights=kept,
        questions=len(questions),
        judged=len(second),
        figures={
            name: (float(without[name].mean()), float(having[name].mean())) for name in without
        },
        gap=(low, high),
        seconds=round(time.monotonic() - started, 2),
        next_step=_next_step(low, high),
    )


def _opened(name: str, library: Library, stock: Stock) -> tuple[Signal | None, str]:
    match name:
        case "intent":
            from sensorium.intent_categories import open_intent

            return open_intent(library, stock.shelf.item_ids)
        case "lifecycle":
            from sensorium.lifecycle_store import open_lifecycle

            return open_lifecycle(library.workspace, stock.shelf)
        case "profiles":
            from sensorium.profile_signal import open_profile_signal

            return open_profile_signal(library, stock)
    raise AssertionError(f"the settings let no such signal through: {name}")


def _questions(
    library: Library, stock: Stock, ranker: Ranker, signals: Sequence[Signal], show: Show
) -> list[Question]:
    """The last likings of some users among other items, as ranker and signals see them before."""
    choices = past_choices(library, show)
    liked = _numbers_of(choices.histories, stock)
    random = np.random.default_rng(library.config.ranker.seed)
    signals = [_of_the_moment(library, stock, one) for one in signals]
    questions = []
    for state, item in choices.walk(library, stock, show):
        drawn = random.permutation(liked[~np.isin(liked, [item, *state.seen.tolist()])])[:OTHERS]
        items = np.append(drawn, item)
        deeds = Deeds.of(state)
        questions.append(
            Question(
                base=ranker.rank(state, items),
                signals=np.stack([one.rate(deeds, items) for one in signals]),
                chosen=len(drawn),
            )
        )
    if len(questions) < FEWEST_QUESTIONS:
        raise TrainingError(
            f"the log tells of {len(questions)} users with three likings or more of items of this "
            f"library; {FEWEST_QUESTIONS} are needed",
            "import more events with sensorium events import",
        )
    return questions


def _of_the_moment(library: Library, stock: Stock, signal: Signal) -> Signal:
    """A signal that knows nothing of a person but what had happened when it is asked."""
    from ranking.profile_model import ProfileSignal

    if not isinstance(signal, ProfileSignal):
        return signal
    from sensorium.profile_signal import written_afresh

    return written_afresh(library, stock, signal)


def _numbers_of(histories: Histories, stock: Stock) -> NDArray[np.int64]:
    """Numbers on the shelf of all items that anybody liked."""
    number_of = stock.shelf.number_of
    ids = (histories.item_ids[item] for item in np.unique(histories.items).tolist())
    return np.array([number_of[one] for one in ids if one in number_of], np.int64)


def _figures(questions: Sequence[Question], weights: Floats) -> dict[str, NDArray[np.float64]]:
    ranks = 1 + places_of_chosen(questions, weights)[:, None]
    return {"hit@10": hit_at_k(ranks, 10), "ndcg@10": ndcg_at_k(ranks, 10)}


def _next_step(low: float, high: float) -> str:
    if high < 0:
        return "they make pages worse, so that they count nothing; leave them out of feed.signals"
    if low > 0:
        return "they help; pages with these settings use them from now on"
    return "they count from now on, though the gain is not beyond chance; more events help"
