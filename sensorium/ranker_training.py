"""Learn, from what people did, what they go on to: ``sensorium train ranker``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from ranking.acted_scorer import scorer_of
from ranking.ranker_fit import device_named, fit_ranker
from sensorium.learning import (
    Learning,
    LearningOutcome,
    LearningRequest,
    Learnt,
    TriedRow,
    learn_from_events,
)
from sensorium.ranker_store import RANKER
from sensorium.ranker_sweep import different, sweep_ranker
from sensorium.training import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from ranking.held_out import HeldOut
    from ranking.ranker import SequenceNetwork
    from ranking.ranker_fit import Content, OnProgress, Train
    from ranking.ranker_settings import RankerSettings
    from ranking.sequence_draws import SequenceTraining
    from ranking.sequence_progress import Progress
    from ranking.sequence_training import SequenceData
    from ray_jobs.stage import RunOptions
    from sensorium.evaluate import Show
    from sensorium.library import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What is tried, and where learning runs."""

    candidates: Sequence[RankerSettings] = ()
    """Settings to choose among on what is held out; none to take the library's."""
    options: RunOptions | None = None
    """Where Ray is; None to stay in this process."""
    workers: int = 1
    """Processes that learn together; more than one need Ray."""


def train_library_ranker(
    library: Library,
    request: LearningRequest,
    console: Console,
    quiet: bool,
    spread: Spread | None = None,
) -> LearningOutcome:
    """Learn a ranker with the settings ``ranker``; see ``learn_from_events``.

    Raises:
        StageError: Ray cannot be reached, or something failed there.
    """
    settings, spread = library.config.ranker, spread or Spread()
    learning = Learning(
        name=RANKER,
        knows=settings.knows,
        seed=settings.seed,
        fit=partial(_fit, settings, spread),
        acts=any(one.actions == "all" for one in spread.candidates or (settings,)),
    )
    return learn_from_events(library, learning, request, console, quiet)


def words_of(progress: Progress) -> str:
    """Say in a few words where a run stands."""
    return (
        f"round {progress.epoch}, ndcg@10 {progress.last.ndcg_at_10:.4f}, "
        f"best {progress.best.ndcg_at_10:.4f} in round {progress.best_epoch}"
    )


def _fit(
    settings: RankerSettings,
    spread: Spread,
    held_out: HeldOut,
    content: Content | None,
    path: Path,
    show: Show,
) -> Learnt:
    chosen = settings
    tried: tuple[TriedRow, ...] = ()
    if spread.candidates:
        chosen, tried = _chosen(spread, held_out, content, show)

    def told(progress: Progress) -> None:
        show(progress.epoch / chosen.epochs, words_of(progress))

    train = _together(spread, show) if spread.workers > 1 else None
    fitted = fit_ranker(held_out, chosen, content, path, told, train)
    return Learnt(
        model=fitted.recommender,
        scorer=scorer_of(fitted.recommender, held_out.learnt),
        actions=tuple(some[0] for some in fitted.recommender.actions),
        epochs=fitted.progress.epoch,
        best_epoch=fitted.progress.best_epoch,
        device=device_named(chosen.device),
        settings=asdict(chosen),
        tried=tried,
    )


def _chosen(
    spread: Spread, held_out: HeldOut, content: Content | None, show: Show
) -> tuple[RankerSettings, tuple[TriedRow, ...]]:
    if content is None and any(one.knows == "content" for one in spread.candidates):
        raise TrainingError(
            "no item of the events is in this library, so that no content can be learnt from",
            "leave knows=content out of --sweep",
        )
    best, found = sweep_ranker(held_out, content, spread.candidates, spread.options, show)
    named = different([one.settings for one in found])
    rows = (
        TriedRow(
            settings={name: one.settings[name] for name in named},
            epochs=one.epochs,
            reached=one.reached,
        )
        for one in found
    )
    return best, tuple(rows)


def _together(spread: Spread, show: Show) -> Train:
    from ray_jobs.training import train_together

    def train(
        data: SequenceData,
        network: SequenceNetwork,
        config: SequenceTraining,
        checkpoint: Path,
        _told: OnProgress,
    ) -> Progress:
        show(0.0, f"{spread.workers} processes learn on Ray")
        return train_together(data, network, config, checkpoint, spread.workers, spread.options)

    return train
