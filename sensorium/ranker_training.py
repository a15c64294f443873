"""Learn, from what people did, what they go on to: ``sensorium train ranker``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ranking.ranker_fit import device_named, fit_ranker
from sensorium.learning import Learning, LearningOutcome, LearningRequest, Learnt, learn_from_events
from sensorium.ranker_store import RANKER

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from ranking.held_out import HeldOut
    from ranking.ranker_fit import Content
    from ranking.ranker_settings import RankerSettings
    from ranking.sequence_progress import Progress
    from sensorium.evaluate import Show
    from sensorium.library import Library


def train_library_ranker(
    library: Library, request: LearningRequest, console: Console, quiet: bool
) -> LearningOutcome:
    """Learn a ranker with the settings ``ranker``; see ``learn_from_events``."""
    settings = library.config.ranker
    learning = Learning(
        name=RANKER,
        knows=settings.knows,
        seed=settings.seed,
        fit=lambda held_out, content, path, show: _fit(settings, held_out, content, path, show),
    )
    return learn_from_events(library, learning, request, console, quiet)


def words_of(progress: Progress) -> str:
    """Say in a few words where a run stands."""
    return (
        f"round {progress.epoch}, ndcg@10 {progress.last.ndcg_at_10:.4f}, "
        f"best {progress.best.ndcg_at_10:.4f} in round {progress.best_epoch}"
    )


def _fit(
    settings: RankerSettings, held_out: HeldOut, content: Content | None, path: Path, show: Show
) -> Learnt:
    def told(progress: Progress) -> None:
        show(progress.epoch / settings.epochs, words_of(progress))

    fitted = fit_ranker(held_out, settings, content, path, told)
    return Learnt(
        scorer=fitted.recommender,
        epochs=fitted.progress.epoch,
        best_epoch=fitted.progress.best_epoch,
        device=device_named(settings.device),
    )
