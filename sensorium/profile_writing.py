"""Write and show profiles of a library's people: ``sensorium profiles``."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ingest.event import from_microseconds
from ingest.item import Item
from ranking.language_model import LanguageModelConfig, language_model
from ranking.profile_store import Profile, ProfileStore
from ranking.profile_writers import ModelSummariser, TemplateSummariser
from ranking.profiles import HORIZONS, Choice, Horizon, ProfileError, ProfileSettings, Summariser
from ray_jobs.refresh import (
    Refreshing,
    RefreshReport,
    Task,
    refresh_profiles,
    vector_stage,
    write_stage,
)
from ray_jobs.stage import Outcome, RunOptions
from retrieval.base import JOINT
from sensorium import assemble
from sensorium.library import EmptyLibraryError
from sensorium.progress import stage_progress
from sensorium.ranker_store import content_space, open_profiles
from sensorium.workspace import ALIGNMENT

if TYPE_CHECKING:
    from rich.console import Console

    from encoders.family import Family
    from sensorium.config import Config
    from sensorium.library import Library

AT_ONCE = 8
"""Texts that a worker writes at once."""
ABOUT = 80
"""Characters of an item's text that are told where it has no tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRow:
    """One profile, to be shown."""

    horizon: Horizon
    """Short or long."""
    text: str
    """What was written."""
    writer: str
    """Who wrote it."""
    events: int
    """Events that the person had then."""
    written_at: datetime
    """When."""
    weight: float | None
    """What it weighs beside the other; None where nothing has been learnt of profiles."""


def refresh_library_profiles(library: Library, console: Console, quiet: bool) -> RefreshReport:
    """Write the profiles that are due.

    Args:
        library: a workspace with settings; indexed, as profiles lie in the space of its items.
        console: writes to stderr.
        quiet: show no progress.

    Raises:
        ProfileError: nobody is to write, or nobody can.
        EmptyLibraryError: nothing has been indexed.
    """
    summariser = summariser_of(library.config)
    workspace = library.workspace
    how = Refreshing(
        store=ProfileStore(workspace.engine),
        settings=library.config.profiles,
        asked=summariser.name,
        space=_space(library),
        is_known=lambda user_id: workspace.event_log.activity(user_id) is not None,
    )
    with stage_progress(console, 0, quiet) as report:

        def run(tasks: Iterable[tuple[str, Task]]) -> Generator[Outcome, None, None]:
            yield from _running(library, tasks, report)

        return refresh_profiles(_people(library), how, run)


def shown_profiles(library: Library, user_id: str) -> list[ProfileRow]:
    """Give a person's profiles, the short one first, with what each weighs.

    Raises:
        ProfileError: nothing has been written of this person.
    """
    found = ProfileStore(library.workspace.engine).of(user_id)
    if not found:
        raise ProfileError(
            f"nothing has been written of {user_id}",
            "sensorium profiles refresh writes of everybody who liked something",
        )
    weights = _weights(library, found)
    return [
        ProfileRow(
            horizon=horizon,
            text=found[horizon].text,
            writer=found[horizon].writer,
            events=found[horizon].events,
            written_at=from_microseconds(found[horizon].written_us),
            weight=weights.get(horizon),
        )
        for horizon in HORIZONS
        if horizon in found
    ]


def summariser_of(config: Config) -> Summariser:
    """Who writes by the settings.

    Raises:
        ProfileError: nobody is to write, or no language model is configured.
    """
    if config.profiles.writer == "off":
        raise ProfileError(
            "nobody is to write profiles",
            "set profiles.writer to template, or to model with a language_model",
        )
    return build_summariser(config.profiles, config.language_model)


def build_summariser(settings: ProfileSettings, model: LanguageModelConfig) -> Summariser:
    """Who writes, on whichever worker this is called; see ``summariser_of``."""
    if settings.writer == "template":
        return TemplateSummariser()
    writer = language_model(model)
    if writer is None:
        raise ProfileError(
            "a language model is to write profiles, and none is configured",
            "set language_model.local=smollm2, or language_model.url and .model",
        )
    return ModelSummariser(writer, model.local or model.model)


def encoder_of(family: Family) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """What brings texts to where items are."""

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return family.query_text(texts)[JOINT]

    return encode


def words_of(items: Mapping[str, Item]) -> dict[str, Choice]:
    """What is told of items, by id; of those that have a title."""
    return {
        item_id: Choice(
            title=item.title, about=", ".join(item.tags) or " ".join(item.text.split())[:ABOUT]
        )
        for item_id, item in items.items()
        if item.title
    }


def _people(library: Library) -> Iterator[tuple[str, list[Choice]]]:
    """Everybody with what they liked of what can be told of, earliest first."""
    workspace = library.workspace
    for user_id, liked in workspace.event_log.histories(library.config.events):
        words = words_of(workspace.catalogue.get({item_id for item_id, _ in liked}))
        yield (
            user_id,
            [
                Choice(title=known.title, about=known.about, chosen_at=moment)
                for item_id, moment in liked
                if (known := words.get(item_id)) is not None
            ],
        )


def _running(
    library: Library, tasks: Iterable[tuple[str, Task]], report: Callable[..., None]
) -> Generator[Outcome, None, None]:
    config, workspace = library.config, library.workspace
    stages = [
        write_stage(
            partial(build_summariser, config.profiles, config.language_model),
            workers=config.run.encode_workers,
            batch_size=AT_ONCE,
        ),
        vector_stage(partial(_build_encoder, config, workspace.learnt(ALIGNMENT, newest=False))),
    ]
    options = RunOptions(ray_address=config.run.ray_address)
    people = workspace.event_log.counts().users
    if assemble.uses_ray(config, people if config.profiles.writer == "model" else 0):
        from ray_jobs import cluster

        yield from cluster.run(stages, tasks, options, report)
    else:
        from ray_jobs import local

        yield from local.run(stages, tasks, options, report)


def _build_encoder(
    config: Config, alignment: Path | None
) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    return encoder_of(assemble.family(config, alignment))


def _space(library: Library) -> str:
    """Digest of the space that items lie in now.

    Raises:
        EmptyLibraryError: nothing has been indexed.
    """
    generation = library.workspace.active
    if generation is None:
        raise EmptyLibraryError("this library holds no items", "run sensorium index PATH first")
    return content_space(generation)


def encoded(found: Mapping[Horizon, Profile], space: str) -> NDArray[np.float32] | None:
    """Vectors of a person's profiles, (2, D); None where one is missing or of another space."""
    if set(found) != set(HORIZONS) or any(one.space != space for one in found.values()):
        return None
    return np.stack([found[horizon].vector for horizon in HORIZONS])


def _weights(library: Library, found: Mapping[Horizon, Profile]) -> dict[Horizon, float]:
    generation = library.workspace.active
    if generation is None:
        return {}
    profiles = encoded(found, content_space(generation))
    if profiles is None:
        return {}
    model, _ = open_profiles(
        library.workspace, generation, np.zeros((0, profiles.shape[1]), np.float32)
    )
    if model is None:
        return {}
    return dict(zip(HORIZONS, model.weights(profiles[None])[0].tolist(), strict=True))
