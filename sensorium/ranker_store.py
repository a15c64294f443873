"""Where what a library learns from events is kept, and for which vectors it was learnt.

A model that knows content was learnt from the joint vectors of one generation. It answers for the
generations whose vectors lie in the same space, and for no other; a library that was indexed with
other encoders or fused anew learns a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ingest.histories import Histories
from ray_jobs.recipe import digest_of
from retrieval.base import JOINT
from retrieval.fitted import FittedError
from sensorium.workspace import Generation, Workspace

if TYPE_CHECKING:
    from ranking.interest_recommender import InterestRecommender
    from ranking.profile_model import ProfileModel
    from ranking.sequence_recommender import SequenceRecommender
    from retrieval.mirror import Mirror

RANKER, LONG_SHORT, INTERESTS = "ranker", "long_short", "interests"
INTENT, LIFECYCLE, PROFILES = "intent", "lifecycle", "profiles"
"""What a workspace calls what is learnt from events."""
LEARNT = (RANKER, LONG_SHORT, INTERESTS, INTENT, LIFECYCLE, PROFILES)
"""All of it."""
SPACE_PARTS = ("frames", "sound", "text", "alignment", "fusion")
"""Parts of a recipe that decide what joint vectors mean."""
ModelT = TypeVar("ModelT", "SequenceRecommender", "InterestRecommender")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LibraryContent:
    """Joint vectors of a library."""

    item_ids: tuple[str, ...]
    """Of the items that answer, (N,)."""
    vectors: NDArray[np.float32]
    """Unit vectors, (N, D); zeros where an item has none."""
    space: str
    """Digest of what made them."""

    def of(self, item_ids: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of these items, (N, D); zeros for an item that the library does not know."""
        number_of = {item_id: number for number, item_id in enumerate(self.item_ids)}
        numbers = np.array([number_of.get(item_id, -1) for item_id in item_ids], np.int64)
        found = np.zeros((len(numbers), self.vectors.shape[1]), np.float32)
        held = numbers >= 0
        found[held] = self.vectors[numbers[held]]
        return found


def content_space(generation: Generation) -> str:
    """Sixteen hex digits for the space of a generation's joint vectors."""
    return digest_of([generation.made_by.get(part, "") for part in SPACE_PARTS])


def content_of(generation: Generation, mirror: Mirror) -> LibraryContent:
    """Give the joint vectors of the generation that answers."""
    table = mirror.items
    rows = np.flatnonzero(table.alive).astype(np.int32)
    space = table.spaces.get(JOINT)
    vectors = np.zeros((len(rows), space.width if space is not None else 0), np.float32)
    if space is not None:
        positions = space.positions(rows)
        held = positions >= 0
        vectors[held] = space.matrix[positions[held]]
    return LibraryContent(
        item_ids=tuple(table.keys[row] for row in rows.tolist()),
        vectors=vectors,
        space=content_space(generation),
    )


def with_items(histories: Histories, item_ids: Sequence[str]) -> Histories:
    """The same histories over a catalogue that also holds these items, in the order of ids."""
    every = tuple(sorted({*histories.item_ids, *item_ids}))
    if every == histories.item_ids:
        return histories
    number_of = {item_id: number for number, item_id in enumerate(every)}
    numbers = np.array([number_of[item_id] for item_id in histories.item_ids], np.int64)
    return replace(histories, item_ids=every, items=numbers[histories.items])


def keep(workspace: Workspace, name: str, learnt: Writable) -> Path:
    """Let this be the workspace's model of a name; its file appears whole or not at all."""
    path = learnt_folder(workspace, name) / f"{name}.safetensors"
    learnt.save(path)
    workspace.learn(name, path)
    return path


def learnt_folder(workspace: Workspace, name: str) -> Path:
    """Where a model and the checkpoint of its last run are."""
    folder = workspace.path / name
    folder.mkdir(exist_ok=True)
    return folder


class Writable(Protocol):
    """What can be kept."""

    def save(self, path: Path) -> None:
        """Write what was learnt; the file appears whole or not at all."""


def open_ranker(
    workspace: Workspace,
    generation: Generation,
    catalogue: Sequence[str],
    vectors: NDArray[np.float32],
) -> tuple[SequenceRecommender | None, str]:
    """Open the workspace's ranker for a catalogue.

    Args:
        workspace: the library's folder.
        generation: the one that answers.
        catalogue: ids of the items to score, N.
        vectors: their joint vectors, (N, D).

    Returns:
        The ranker, or None with what a person should know; the note is empty where all is well.
    """
    path = workspace.learnt(RANKER, newest=True)
    if path is None:
        return None, _not_learnt(RANKER)
    # Whoever has learnt nothing does not wait for torch.
    from ranking.sequence_recommender import SequenceRecommender

    return _open(SequenceRecommender, RANKER, path, generation, (catalogue, vectors))


def open_interests(
    workspace: Workspace,
    generation: Generation,
    catalogue: Sequence[str],
    vectors: NDArray[np.float32],
) -> tuple[InterestRecommender | None, str]:
    """Open the workspace's model of interests for a catalogue; see ``open_ranker``."""
    path = workspace.learnt(INTERESTS, newest=True)
    if path is None:
        return None, _not_learnt(INTERESTS)
    from ranking.interest_recommender import InterestRecommender

    return _open(InterestRecommender, INTERESTS, path, generation, (catalogue, vectors))


def open_profiles(
    workspace: Workspace, generation: Generation, vectors: NDArray[np.float32]
) -> tuple[ProfileModel | None, str]:
    """Open what the workspace learnt of profiles, for items with these joint vectors, (N, D).

    Returns:
        The model, or None with what a person should know; the note is empty where all is well.
    """
    path = workspace.learnt(PROFILES, newest=True)
    if path is None:
        return None, "nothing learnt of profiles yet; sensorium train profiles learns from events"
    from ranking.profile_model import ProfileModel

    try:
        model = ProfileModel.load(path, vectors)
    except FittedError as error:
        return None, f"what was learnt of profiles is left aside: {error}"
    if model.space != content_space(generation):
        return None, (
            "what was learnt of profiles came from other item vectors and is left aside; learn it "
            "anew with: sensorium train profiles"
        )
    return model, ""


def _not_learnt(name: str) -> str:
    return f"no {name} learnt yet; sensorium train {name} learns from events"


def _open(
    kind: type[ModelT],
    name: str,
    path: Path,
    generation: Generation,
    items: tuple[Sequence[str], NDArray[np.float32]],
) -> tuple[ModelT | None, str]:
    try:
        model = kind.load(path, *items)
    except FittedError as error:
        return None, f"the {name} learnt are left aside: {error}"
    if model.space and model.space != content_space(generation):
        return None, (
            f"what was learnt as {name} came from other item vectors and is left aside; learn it "
            f"anew with: sensorium train {name}"
        )
    if not model.network.config.content_width:
        model = replace(model, rows=replace(model.rows, content=None))
    return model, ""
