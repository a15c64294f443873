"""Learn which items suit what is written of a person: ``sensorium train profiles``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ranking.profile_fit import Describer, fit_profiles
from ranking.profile_training import ProfileProgress
from sensorium.learning import (
    Learning,
    LearningOutcome,
    LearningRequest,
    Learnt,
    learn_from_events,
)
from sensorium.profile_writing import encoder_of, summariser_of, words_of
from sensorium.ranker_store import PROFILES
from sensorium.training import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from ranking.held_out import HeldOut
    from ranking.profiles import Summariser
    from ranking.ranker_fit import Content
    from sensorium.evaluate import Show
    from sensorium.library import Library


def train_library_profiles(
    library: Library, request: LearningRequest, console: Console, quiet: bool
) -> LearningOutcome:
    """Learn with the settings ``profiles``; see ``learn_from_events``.

    Profiles are written for this from the events that are learnt from, as the ones in the store
    may tell of what is held out; a language model is then asked twice per person.

    Raises:
        ProfileError: nobody is to write, or nobody can.
    """
    summariser = summariser_of(library.config)

    def fit(held_out: HeldOut, content: Content | None, _path: Path, show: Show) -> Learnt:
        return _fit(library, summariser, held_out, content, show)

    learning = Learning(name=PROFILES, knows="content", seed=library.config.profiles.seed, fit=fit)
    return learn_from_events(library, learning, request, console, quiet)


def _fit(
    library: Library,
    summariser: Summariser,
    held_out: HeldOut,
    content: Content | None,
    show: Show,
) -> Learnt:
    settings = library.config.profiles
    if content is None:
        raise TrainingError("no item of the events is in this library", "index the items first")
    ids = held_out.part.fit.item_ids
    words = words_of(library.workspace.catalogue.get(set(ids)))
    describe = Describer(
        {number: words[item_id] for number, item_id in enumerate(ids) if item_id in words},
        summariser,
        encoder_of(library.family),
        settings,
    )

    def told(progress: ProfileProgress) -> None:
        show(progress.epoch / settings.epochs, _words(progress))

    learnt = fit_profiles(held_out, content, describe, settings, told)
    return Learnt(
        model=learnt.scorer.model,
        scorer=learnt.scorer,
        epochs=learnt.fitted.epochs,
        best_epoch=learnt.fitted.best_epoch,
        device="cpu",
        settings=asdict(settings),
    )


def _words(progress: ProfileProgress) -> str:
    """Say in a few words where a run stands."""
    return (
        f"round {progress.epoch}, ndcg@10 {progress.last:.4f}, best {progress.best:.4f} in round "
        f"{progress.best_epoch}"
    )
