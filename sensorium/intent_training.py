"""Learn what categories people are about to want: ``sensorium train intent``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ingest.event_files import EventFile
from ingest.event_rules import parse_condition
from ranking.intent_cubes import Behaviour, channels_of
from ranking.intent_fit import FittedIntent, fit_intent
from retrieval.fitted import head_of
from sensorium.display import counted, plain_table, print_json
from sensorium.evaluate import read_deeds
from sensorium.intent_categories import categories_of
from sensorium.progress import bar_progress, format_seconds
from sensorium.ranker_store import INTENT, keep
from sensorium.training import TrainingError
from sensorium.training_records import Measured, TrainingRecord, remember_training

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from ingest.histories import Histories
    from ranking.intent_training import IntentProgress
    from sensorium.learning import LearningRequest
    from sensorium.library import Library
    from sensorium.workspace import Workspace

JUDGED_BY = "user_ap"
"""What a page is made for: which categories, not who comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentOutcome:
    """What a run of learning gave."""

    users: int
    """People with events."""
    events: int
    """Events of the types that it tells apart."""
    actions: tuple[str, ...]
    """Those types."""
    categories: int
    """How many there are."""
    of: str
    """What they are: ``tags``, or the name of the view."""
    moments: tuple[int, int]
    """Moments that were learnt from, and later ones that it was judged by."""
    figures: Mapping[str, float]
    """Area under the curve and average precision on the later ones."""
    baseline: Mapping[str, float]
    """Those of logistic regression on recency and frequency."""
    gap: tuple[float, float]
    """Interval, 95 %, of how far its average precision within a person is above that."""
    epochs: int
    """Rounds run."""
    best_epoch: int
    """Round that was kept; 0 for the start."""
    settings: Mapping[str, Any]
    """With which settings."""
    seconds: float
    """Wall time of learning."""
    kept: bool
    """Whether the workspace uses it from now on."""
    file: str
    """Where it is; empty where it was not kept."""
    next_step: str
    """What to do."""


def train_library_intent(
    library: Library, request: LearningRequest, console: Console, quiet: bool
) -> IntentOutcome:
    """Learn category intent with the settings ``intent``, and keep it unless it is clearly worse.

    Args:
        library: a workspace with settings and categories.
        request: what to learn from.
        console: writes to stderr.
        quiet: show no progress.

    Raises:
        TrainingError: there are no categories, or too few events.
        DecodeError: the file of events cannot be read.
    """
    settings, workspace = library.config.intent, library.workspace
    categories = categories_of(library, settings)
    file = EventFile(request.events, request.layout) if request.events else None
    with bar_progress(console, quiet) as show:
        deeds = read_deeds(file or workspace.event_log, library.config.events, show)
        acts, wanted, known = deeds.told
        kinds = [parse_condition(name).event_type for name in known.names]
        actions = tuple(sorted(set(kinds)))
        behaviour = Behaviour(
            events=deeds.histories,
            channels=channels_of(kinds, actions)[acts],
            wanted=wanted,
            membership=categories.membership(deeds.histories.item_ids),
        )

        def told(progress: IntentProgress) -> None:
            show(progress.epoch / settings.epochs, words_of(progress))

        started = time.monotonic()
        try:
            fitted = fit_intent(behaviour, actions, categories.source, settings, told)
        except ValueError as error:
            raise _too_few(deeds.histories, error) from error
        seconds = time.monotonic() - started
    low, high = fitted.gaps[JUDGED_BY]
    kept = fitted.progress.best_epoch > 0 and high >= 0
    path = _keep(workspace, fitted, deeds.histories) if kept else None
    return IntentOutcome(
        users=int((deeds.histories.lengths > 0).sum()),
        events=len(deeds.histories.items),
        actions=actions,
        categories=behaviour.num_categories,
        of=categories.source.view or categories.source.by,
        moments=fitted.moments,
        figures=fitted.figures,
        baseline=fitted.baseline,
        gap=(low, high),
        epochs=fitted.progress.epoch,
        best_epoch=fitted.progress.best_epoch,
        settings=asdict(settings),
        seconds=round(seconds, 2),
        kept=kept,
        file=str(path.relative_to(workspace.path)) if path else "",
        next_step=_next_step(fitted, kept),
    )


def _too_few(events: Histories, error: ValueError) -> TrainingError:
    return TrainingError(
        f"{len(events.items)} events of {len(events)} users are too few or too close in time: "
        f"{error}",
        "import more events, or take shorter bins with --set intent.bin_days=1",
    )


def _keep(workspace: Workspace, fitted: FittedIntent, events: Histories) -> Path:
    """Keep what was learnt, and write down how well it did."""
    path = keep(workspace, INTENT, fitted.intent)
    reached = Measured(
        figure=JUDGED_BY,
        value=fitted.figures[JUDGED_BY],
        beside={"recency and frequency": fitted.baseline[JUDGED_BY]},
        gap=fitted.gaps[JUDGED_BY],
    )
    record = TrainingRecord(
        fingerprint=head_of(path)["fingerprint"],
        events=len(events.items),
        users=int((events.lengths > 0).sum()),
        items=events.num_items,
        measured=(reached,),
    )
    remember_training(workspace, INTENT, record)
    return path


def words_of(progress: IntentProgress) -> str:
    """Say in a few words where a run stands."""
    return (
        f"round {progress.epoch}, average precision {progress.last:.4f}, best {progress.best:.4f} "
        f"in round {progress.best_epoch}"
    )


def show_intent(outcome: IntentOutcome, console: Console, as_json: bool) -> None:
    """Print what learning category intent gave."""
    if as_json:
        print_json(console, asdict(outcome))
        return
    console.print(
        f"{outcome.users:,} users, {outcome.events:,} events ({', '.join(outcome.actions)}), "
        f"{outcome.categories} categories of {outcome.of}",
        highlight=False,
        markup=False,
    )
    console.print(
        f"{counted(outcome.epochs, 'round')} in {format_seconds(outcome.seconds)}, best after "
        f"round {outcome.best_epoch}; {'kept' if outcome.kept else 'not kept'}",
        highlight=False,
    )
    console.print(
        f"[bold]what is wanted after {outcome.moments[1]:,} later moments[/bold]", highlight=False
    )
    table = plain_table("", "intent", "recency and frequency")
    for name, value in outcome.figures.items():
        table.add_row(name, f"{value:.4f}", f"{outcome.baseline[name]:.4f}")
    console.print(table)
    low, high = outcome.gap
    console.print(f"{JUDGED_BY} above that: {low:+.4f} to {high:+.4f} (95 %)", highlight=False)
    console.print(outcome.next_step, markup=False)


def _next_step(fitted: FittedIntent, kept: bool) -> str:
    more = "more events help, and so may other settings: sensorium config show lists intent.*"
    if not fitted.progress.best_epoch:
        return f"no round found more than the start, so nothing was changed; {more}"
    if not kept:
        return f"recency and frequency are clearly better, so nothing was changed; {more}"
    if fitted.gaps[JUDGED_BY][0] > 0:
        return "kept; the feed may use it as a signal beside the ranker"
    return f"kept, though no better than recency and frequency beyond chance; {more}"
