"""Learn who people are and what they go on to: ``sensorium train long_short``, and open that."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from ranking.long_short_fit import fit_long_short
from ranking.long_short_recommender import LongShortRecommender
from retrieval.fitted import FittedError
from sensorium.learning import Learning, LearningOutcome, LearningRequest, Learnt, learn_from_events
from sensorium.ranker_store import LONG_SHORT, content_space

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from ranking.click_training import ClickProgress
    from ranking.held_out import HeldOut
    from ranking.long_short_settings import LongShortSettings
    from ranking.ranker_fit import Content
    from sensorium.evaluate import Show
    from sensorium.library import Library
    from sensorium.workspace import Generation, Workspace

USE = "rank with it: --set feed.ranked_by=long_short, or the same in sensorium.toml; "


def train_library_long_short(
    library: Library, request: LearningRequest, console: Console, quiet: bool
) -> LearningOutcome:
    """Learn with the settings ``long_short``; see ``learn_from_events``."""
    settings = library.config.long_short
    learning = Learning(
        name=LONG_SHORT,
        knows=settings.knows,
        seed=settings.seed,
        fit=lambda held_out, content, path, show: _fit(settings, held_out, content, path, show),
    )
    outcome = learn_from_events(library, learning, request, console, quiet)
    used = library.config.feed.ranked_by == LONG_SHORT
    if not outcome.kept or used:
        return outcome
    return replace(outcome, next_step=USE + outcome.next_step)


def open_long_short(
    workspace: Workspace,
    generation: Generation,
    catalogue: Sequence[str],
    vectors: NDArray[np.float32],
) -> tuple[LongShortRecommender | None, str]:
    """Open what was learnt for a catalogue; see ``ranker_store.open_ranker``."""
    path = workspace.learnt(LONG_SHORT, newest=True)
    if path is None:
        return None, "no long_short learnt yet; sensorium train long_short learns from events"
    try:
        model = LongShortRecommender.load(path, catalogue, vectors)
    except FittedError as error:
        return None, f"the long_short learnt is left aside: {error}"
    if model.space and model.space != content_space(generation):
        return None, (
            "what was learnt as long_short came from other item vectors and is left aside; learn "
            "it anew with: sensorium train long_short"
        )
    return model, ""


def words_of(progress: ClickProgress) -> str:
    """Say in a few words where a run stands."""
    return (
        f"round {progress.epoch}, auc {progress.last:.4f}, best {progress.best:.4f} in round "
        f"{progress.best_epoch}"
    )


def _fit(
    settings: LongShortSettings, held_out: HeldOut, content: Content | None, path: Path, show: Show
) -> Learnt:
    def told(progress: ClickProgress) -> None:
        show(progress.epoch / settings.epochs, words_of(progress))

    fitted = fit_long_short(held_out, settings, content, path, told)
    return Learnt(
        model=fitted.recommender,
        scorer=fitted.recommender,
        epochs=fitted.progress.epoch,
        best_epoch=fitted.progress.best_epoch,
        device="cpu",
        settings=asdict(settings),
    )
