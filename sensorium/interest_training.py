"""Learn vectors that find what people go on to: ``sensorium train interests``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ranking.interest_fit import fit_interests
from ranking.ranker_fit import device_named
from sensorium.learning import Learning, LearningOutcome, LearningRequest, Learnt, learn_from_events
from sensorium.ranker_store import INTERESTS

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from ranking.held_out import HeldOut
    from ranking.interest_progress import InterestProgress
    from ranking.interest_settings import InterestSettings
    from ranking.ranker_fit import Content
    from sensorium.evaluate import Show
    from sensorium.library import Library


def train_library_interests(
    library: Library, request: LearningRequest, console: Console, quiet: bool
) -> LearningOutcome:
    """Learn interests with the settings ``interests``; see ``learn_from_events``."""
    settings = library.config.interests
    learning = Learning(
        name=INTERESTS,
        knows=settings.knows,
        seed=settings.seed,
        fit=lambda held_out, content, path, show: _fit(settings, held_out, content, path, show),
    )
    return learn_from_events(library, learning, request, console, quiet)


def words_of(progress: InterestProgress) -> str:
    """Say in a few words where a run stands."""
    if progress.warm:
        return f"round {progress.epoch}, one vector, recall@50 {progress.last:.4f}"
    return (
        f"round {progress.epoch}, recall@50 {progress.last:.4f}, best {progress.best:.4f} in round "
        f"{progress.best_epoch}"
    )


def _fit(
    settings: InterestSettings, held_out: HeldOut, content: Content | None, path: Path, show: Show
) -> Learnt:
    def told(progress: InterestProgress) -> None:
        show(progress.epoch / settings.epochs, words_of(progress))

    fitted = fit_interests(held_out, settings, content, path, told)
    return Learnt(
        model=fitted.recommender,
        scorer=fitted.recommender,
        epochs=fitted.progress.epoch,
        best_epoch=fitted.progress.best_epoch,
        device=device_named(settings.device),
        settings=asdict(settings),
    )
