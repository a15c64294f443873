"""From histories and texts to learnt profiles: held-out likings decide when learning ends.

Profiles are written from what is learnt from and from nothing later, so that no profile tells of
what is then asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import torch
from numpy.typing import NDArray

from ingest.histories import History
from ranking.held_out import HeldOut
from ranking.profile_model import ProfileModel, ProfileScorer
from ranking.profile_network import ProfileNetwork
from ranking.profile_training import (
    FittedProfiles,
    ProfileData,
    ProfileProgress,
    ProfileTraining,
    train_profiles,
)
from ranking.profiles import HORIZONS, Choice, ProfileSettings, Summariser, Telling, tellings_of
from ranking.ranker_fit import Content
from ranking.splits import Case
from retrieval.metrics import ndcg_at_k, ranks_of

Floats = NDArray[np.float32]
MICROSECONDS = 1_000_000
JUDGED_AT = 10
PEOPLE_AT_ONCE = 256
OnProgress = Callable[[ProfileProgress], None]


class Describer:
    """Profiles of histories: told in words, written, encoded; each history once.

    Args:
        words: what is told of each item, by number, without a time; items without any are left out.
        summariser: writes.
        encode: texts to unit vectors, (B, D).
        settings: what is told.
    """

    def __init__(
        self,
        words: Mapping[int, Choice],
        summariser: Summariser,
        encode: Callable[[Sequence[str]], Floats],
        settings: ProfileSettings,
    ) -> None:
        self._words, self._summariser = words, summariser
        self._encode, self._settings = encode, settings
        self._known: dict[bytes, Floats] = {}

    def __call__(self, histories: Sequence[History]) -> Floats:
        """Encoded profiles, (B, 2, D), the short one first; zeros where nothing can be told."""
        keys = [history.items.tobytes() + history.times_us.tobytes() for history in histories]
        new = {key: one for key, one in zip(keys, histories, strict=True) if key not in self._known}
        self._describe(new)
        return np.stack([self._known[key] for key in keys])

    def _describe(self, histories: Mapping[bytes, History]) -> None:
        told = {
            key: tellings_of(self._choices(one), self._settings) for key, one in histories.items()
        }
        each: list[Telling] = list(dict.fromkeys(t for of in told.values() for t in of.values()))
        texts = [written.text for written in self._summariser.write(each)] if each else []
        vectors = dict(zip(each, self._encode(texts), strict=True)) if each else {}
        width = len(next(iter(vectors.values()))) if vectors else self._width
        for key, of in told.items():
            rows = [vectors[of[horizon]] for horizon in HORIZONS if of]
            self._known[key] = np.array(rows or np.zeros((2, width)), np.float32)

    @property
    def _width(self) -> int:
        return int(self._encode(["width"]).shape[1])

    def _choices(self, history: History) -> list[Choice]:
        return [
            Choice(title=words.title, about=words.about, chosen_at=_moment(us))
            for item, us in zip(history.items.tolist(), history.times_us.tolist(), strict=True)
            if (words := self._words.get(item)) is not None
        ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearntProfiles:
    """What learning gave."""

    scorer: ProfileScorer
    """Answers for histories of any kind."""
    fitted: FittedProfiles
    """How the run went."""


def fit_profiles(
    held_out: HeldOut,
    content: Content,
    describe: Describer,
    settings: ProfileSettings,
    on_progress: OnProgress = lambda _progress: None,
) -> LearntProfiles:
    """Learn what profiles say of items.

    Args:
        held_out: what is learnt from, and what decides when learning ends.
        content: of the catalogue's items, in the space of the profiles.
        describe: writes and encodes profiles.
        settings: how.
        on_progress: told after each round.
    """
    likings = held_out.part.fit
    people = _people(held_out, settings)
    profiles = describe([likings.history(user) for user in people.tolist()])
    place = np.full(len(likings), -1, np.int64)
    place[people] = np.arange(len(people))
    liked_by = place[likings.user_of_event]
    data = ProfileData(
        profiles=profiles,
        items=content.vectors,
        liked_by=liked_by[liked_by >= 0],
        liked=likings.items[liked_by >= 0],
    )
    cases = [case for case in held_out.part.cases if place[case.user] >= 0]
    asked = profiles[place[[case.user for case in cases]]]

    def judge(network: ProfileNetwork) -> float:
        return found_in(network, asked, content.vectors, cases)

    fitted = train_profiles(data, training_of(settings), judge, on_progress)
    model = ProfileModel(network=fitted.network, items=content.vectors, space=content.space)
    return LearntProfiles(scorer=ProfileScorer(model=model, profiles_of=describe), fitted=fitted)


def found_in(
    network: ProfileNetwork, profiles: Floats, items: Floats, cases: Sequence[Case]
) -> float:
    """How well a network finds what was held out: ndcg among all items that are not had yet."""
    found, known = [], torch.from_numpy(items)
    for start in range(0, len(cases), PEOPLE_AT_ONCE):
        part = cases[start : start + PEOPLE_AT_ONCE]
        with torch.inference_mode():
            asked = torch.from_numpy(profiles[start : start + PEOPLE_AT_ONCE])
            scores = network.score_all(asked, known).numpy()
        for line, case in zip(scores, part, strict=True):
            line[case.history.items] = -np.inf
        found.append(ndcg_at_k(ranks_of(scores, _padded(part)), JUDGED_AT))
    return float(np.concatenate(found).mean()) if found else 0.0


def training_of(settings: ProfileSettings) -> ProfileTraining:
    """Give how the network is learnt."""
    return ProfileTraining(
        hidden=settings.hidden,
        dropped_ratio=settings.dropped_ratio,
        num_negatives=settings.num_negatives,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        epochs=settings.epochs,
        patience=settings.patience,
        seed=settings.seed,
    )


def _people(held_out: HeldOut, settings: ProfileSettings) -> NDArray[np.int64]:
    """Whose profiles are learnt from: those who judge first, others by chance."""
    likings = held_out.part.fit
    asked = np.zeros(len(likings), bool)
    asked[[case.user for case in held_out.part.cases]] = True
    order = np.random.default_rng(settings.seed).permutation(np.flatnonzero(likings.lengths > 0))
    order = order[np.argsort(~asked[order], kind="stable")]
    return np.sort(order[: settings.learnt_from])


def _padded(cases: Sequence[Case]) -> NDArray[np.int64]:
    width = max(len(case.targets) for case in cases)
    table = np.full((len(cases), width), -1, np.int64)
    for row, case in zip(table, cases, strict=True):
        row[: len(case.targets)] = case.targets
    return table


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(us / MICROSECONDS, UTC)
