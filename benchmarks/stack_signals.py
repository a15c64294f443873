"""Signals beside the sequence ranker, for the whole feed that ``benchmarks/stack.py`` takes apart.

- Each signal is learnt by what ``sensorium train`` learns it by, with the settings that its own
  benchmark has on films. Every rating is a like, so that there is one action.
- Category intent has genres for categories, as tags of a library would be. Lifecycles have the
  clusters of the view for topics, and days. Profiles are written by the template, of what somebody
  had rated by the moment of asking.
- What signals count is learnt on validation: what each person went on to, among films drawn from
  those that anybody had rated, as ``sensorium train signals`` asks. Ranker and signals are those
  that were learnt before validation; pages are ranked by those that were learnt before the test.
- A signal rates the candidates of a question once, whatever feed asks.
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

from benchmarks.stack_figures import Floats, interval
from benchmarks.stack_parts import RULES, Numbers, Parts, WatchedRanker
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
from ranking.signals import (
    Deeds,
    Question,
    Signal,
    SignalRanker,
    Weighed,
    fit_weights,
    places_of_chosen,
)
from ray_jobs.recipe import digest_of
from retrieval.metrics import ndcg_at_k
from sensorium.lifecycle_training import topic_events
from sensorium.profile_writing import encoder_of

LIKE = "like"
OTHERS = 200
"""Films that each one chosen is set among, where weights are learnt."""
INTENT = IntentSettings(
    by="tags", bin_days=7.0, length=24, width=16, epochs=10, patience=3, learning_rate=3e-3
)
LIFECYCLE = LifecycleSettings(epochs=16, batch_size=16, learning_rate=2e-3, device="cpu")
PROFILES = ProfileSettings(writer="template", hidden=128, batch_size=512)
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
    def membership(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Whether each film is of each genre, (N, C)."""
        own = [set(choice.about.split(", ")) for choice in self.choices]
        return np.array([[name in some for name in self.genres] for some in own], np.float32)


class KeptSignal:
    """A signal that is asked once for a person's deeds and some candidates.

    Args:
        signal: rates.
    """

    def __init__(self, signal: Signal) -> None:
        self.signal, self.name, self._seconds = signal, signal.name, 0.0
        self._found: dict[tuple[str, bytes, bytes], np.ndarray[Any, np.dtype[np.float32]]] = {}

    def rate(self, deeds: Deeds, items: Numbers) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Rate candidates; see ``Signal``."""
        key = (deeds.user_id, deeds.items.tobytes(), items.tobytes())
        if key not in self._found:
            started = time.process_time()
            self._found[key] = self.signal.rate(deeds, items)
            self._seconds += time.process_time() - started
        return self._found[key]

    @property
    def seconds_each(self) -> float:
        """Processor time of a question, in the mean."""
        return self._seconds / max(len(self._found), 1)


class SignalBench:
    """Signals of one seed for the questions of the test, weighed on those of validation.

    Args:
        parts: what pages are made with.
        earlier: the same of validation.
        words: of the films.
        seed: of what is learnt.
    """

    def __init__(self, parts: Parts, earlier: Parts, words: FilmWords, seed: int) -> None:
        self.parts, self.earlier, self.words, self.seed = parts, earlier, words, seed
        self._weights: dict[tuple[str, ...], list[float]] = {}

    def beside(self, ranker: WatchedRanker, names: tuple[str, ...]) -> SignalRanker:
        """Add signals to a ranker, by what they count together."""
        if names not in self._weights:
            self._weights[names] = fit_weights(self._questions(names)).tolist()
        added = zip(names, self._weights[names], strict=True)
        return SignalRanker(
            base=ranker,
            signals=tuple(
                Weighed(signal=self._kept[name], weight=weight) for name, weight in added
            ),
        )

    def told(self) -> dict[str, Any]:
        """What was learnt of each set of signals that was asked, and their cost; empty if none."""
        if not self._weights:
            return {}
        return {
            "settings": {name: asdict(settings) for name, (settings, _) in SIGNALS.items()},
            "weights": {
                " ".join(names): {
                    **dict(zip(names, weights, strict=True)),
                    "ndcg@10 gained by the weights of half the people on the others": (
                        self._gained(names)
                    ),
                }
                for names, weights in self._weights.items()
            },
            "processor seconds per question": {
                name: round(kept.seconds_each, 5) for name, kept in self._kept.items()
            },
        }

    @cached_property
    def _kept(self) -> dict[str, KeptSignal]:
        return {
            name: KeptSignal(learn(self.parts, self.words, self.seed))
            for name, (_, learn) in SIGNALS.items()
        }

    def _questions(self, names: Sequence[str]) -> list[Question]:
        rows = [list(SIGNALS).index(name) for name in names]
        return [replace(one, signals=one.signals[rows]) for one in self._every_question]

    @cached_property
    def _every_question(self) -> list[Question]:
        """What people went on to among other films, as ranker and signals saw it before."""
        earlier, random = self.earlier, np.random.default_rng(self.seed)
        ranker = earlier.ranker("both", self.seed)
        signals = [learn(earlier, self.words, self.seed) for _, learn in SIGNALS.values()]
        liked, asked, found = np.unique(earlier.questions.part.fit.items), earlier.questions, []
        for state, target in zip(asked.states, asked.targets.tolist(), strict=True):
            others = liked[~np.isin(liked, [target, *state.seen.tolist()])]
            items = np.append(random.permutation(others)[:OTHERS], target)
            deeds = Deeds.of(state)
            found.append(
                Question(
                    base=ranker.rank(state, items),
                    signals=np.stack([one.rate(deeds, items) for one in signals]),
                    chosen=len(items) - 1,
                )
            )
        return found

    def _gained(self, names: Sequence[str]) -> dict[str, Any]:
        """What weights learnt from every second person gain on the others, by validation."""
        questions, users = self._questions(names), self.earlier.questions.users
        second = np.unique(users, return_inverse=True)[1] % 2 == 1
        weights = fit_weights([questions[row] for row in np.flatnonzero(~second)])
        others = [questions[row] for row in np.flatnonzero(second)]
        gained = _ndcg(others, weights) - _ndcg(others, np.zeros_like(weights))
        return {"mean": float(gained.mean()), "interval": interval(gained, users[second])}


def _ndcg(questions: Sequence[Question], weights: np.ndarray[Any, np.dtype[np.float32]]) -> Floats:
    return ndcg_at_k(1 + places_of_chosen(questions, weights)[:, None], 10)


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

    def known(deeds: Deeds) -> np.ndarray[Any, np.dtype[np.float32]]:
        history = History(items=deeds.items, times_us=deeds.times_us, asked_us=deeds.asked_us)
        return describe([history])[0]

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
