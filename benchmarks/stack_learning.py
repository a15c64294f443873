"""Signals learnt on films, for the whole feed that ``benchmarks/stack.py`` takes apart.

- Each is learnt by what ``sensorium train`` learns it by, with the settings that its own benchmark
  has on films. Every rating is a like, so that there is one action.
- Category intent has genres for categories, as tags of a library would be. Lifecycles have the
  clusters of the view for topics, and days. Profiles are written by the template, of what somebody
  had rated by the moment of asking.
- What is learnt is kept in a folder by a digest of events and settings.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stack_parts import RULES, Parts
from encoders.family import Family, FamilyConfig
from ingest.histories import Histories, History
from ranking.held_out import hold_out
from ranking.intent import CategoryIntent, CategorySource, IntentSignal
from ranking.intent_cubes import Behaviour
from ranking.intent_fit import fit_intent
from ranking.intent_settings import IntentSettings
from ranking.lifecycle_fit import fit_lifecycles
from ranking.lifecycle_model import LifecycleModel, LifecycleSignal, Topics
from ranking.lifecycle_settings import LifecycleSettings
from ranking.profile_fit import Describer, fit_profiles
from ranking.profile_model import ProfileModel, ProfileSignal
from ranking.profile_writers import TemplateSummariser
from ranking.profiles import Choice, ProfileSettings
from ranking.ranker_fit import Content
from ranking.sequence_events import Deed
from ranking.sequences import Sequences
from ranking.signals import Deeds, Floats, Signal
from ray_jobs.recipe import digest_of
from sensorium.lifecycle_training import topic_events
from sensorium.profile_writing import encoder_of

LIKE = "like"
INTENT = IntentSettings(
    by="tags", bin_days=7.0, length=24, width=16, epochs=10, patience=3, learning_rate=3e-3
)
LIFECYCLE = LifecycleSettings(epochs=16, batch_size=16, learning_rate=2e-3, device="cpu")
PROFILES = ProfileSettings(writer="template", hidden=128, batch_size=512, learnt_from=200)
Settings = IntentSettings | LifecycleSettings | ProfileSettings


@dataclass(frozen=True, kw_only=True, eq=False)
class FilmWords:
    """What is said of films."""

    choices: tuple[Choice, ...]
    """Title and genres of each, (N,)."""
    genres: tuple[str, ...]
    """Names, (C,)."""

    @classmethod
    def read(cls, ratings: Path, item_ids: Sequence[str]) -> FilmWords:
        """Read movies.csv."""
        with (ratings / "movies.csv").open(encoding="utf-8") as file:
            row_of = {row["movieId"]: row for row in csv.DictReader(file)}
        rows = [row_of[item_id] for item_id in item_ids]
        choices = [
            Choice(title=row["title"], about=row["genres"].replace("|", ", ")) for row in rows
        ]
        named = {genre for row in rows for genre in row["genres"].split("|") if genre[0] != "("}
        return cls(choices=tuple(choices), genres=tuple(sorted(named)))

    @cached_property
    def membership(self) -> Floats:
        """Whether each film is of each genre, (N, C)."""
        own = [set(choice.about.split(", ")) for choice in self.choices]
        return np.array([[name in some for name in self.genres] for some in own], np.float32)


def _intent(parts: Parts, words: FilmWords, seed: int) -> Signal:
    settings, known = replace(INTENT, seed=seed), parts.questions.part.fit
    path = _path(parts, "intent", settings)
    if not path.exists():
        behaviour = Behaviour(
            events=known,
            channels=np.zeros(len(known.items), np.int64),
            wanted=np.ones(len(known.items), np.bool_),
            membership=words.membership,
        )
        source = CategorySource(by="tags", names=words.genres)
        _learnt(path, lambda: fit_intent(behaviour, (LIKE,), source, settings).intent)
    return IntentSignal(intent=CategoryIntent.load(path), membership=words.membership)


def _lifecycle(parts: Parts, _words: FilmWords, seed: int) -> Signal:
    settings, interests = replace(LIFECYCLE, seed=seed), parts.shelf.interests
    assert interests is not None
    path = _path(parts, "lifecycle", settings)
    if not path.exists():
        topics = Topics.of(interests)
        events = topic_events(_deeds(parts.questions.part.fit), parts.shelf, topics, RULES)
        _learnt(path, lambda: fit_lifecycles(events, topics, settings).model)
    return LifecycleSignal.of(LifecycleModel.load(path), interests)


def _profiles(parts: Parts, words: FilmWords, seed: int) -> Signal:
    settings = replace(PROFILES, seed=seed)
    path = _path(parts, "profiles", settings)
    encode = encoder_of(Family(FamilyConfig(name="bundled")))
    describe = Describer(dict(enumerate(words.choices)), TemplateSummariser(), encode, settings)
    if not path.exists():
        held_out = hold_out(Sequences(histories=parts.questions.part.fit), seed)
        content = Content(vectors=parts.data.content)
        _learnt(path, lambda: fit_profiles(held_out, content, describe, settings).scorer.model)

    def known(deeds: Deeds) -> Floats:
        history = History(items=deeds.items, times_us=deeds.times_us, asked_us=deeds.asked_us)
        encoded: Floats = describe([history])[0]
        return encoded

    return ProfileSignal(model=ProfileModel.load(path, parts.data.content), known=known)


SIGNALS: dict[str, tuple[Settings, Callable[[Parts, FilmWords, int], Signal]]] = {
    "intent": (INTENT, _intent),
    "lifecycle": (LIFECYCLE, _lifecycle),
    "profiles": (PROFILES, _profiles),
}
"""Settings, and what learns and opens it, by name."""


def _learnt(path: Path, learn: Callable[[], Any]) -> None:
    started = time.process_time()
    learn().save(path)
    print(path.name, f"{time.process_time() - started:.0f} s of processor", flush=True)


def _path(parts: Parts, name: str, settings: Settings) -> Path:
    events = Sequences(histories=parts.questions.part.fit).digest
    digest = digest_of([parts.data.name, events, asdict(settings)])
    return parts.cache / f"{parts.data.name}-{name}-{digest}.safetensors"


def _deeds(known: Histories) -> Iterator[Deed]:
    rows = zip(known.user_of_event, known.items, known.times_us, strict=True)
    for user, item, moment in rows:
        yield known.users[user], known.item_ids[item], int(moment), LIKE, None
