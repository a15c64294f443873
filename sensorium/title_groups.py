"""The groups of readers that a library's titles are written for, and who is of which.

A division of readers has a name that changes when its groups do: that of a view holds the moment
when it was made, that of tastes a digest of their centres. So a title never speaks to another group
than the one it was written for.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from encoders.base import unit
from ranking.user_groups import TASTES, Groups, Tastes, interest_groups, taste_groups
from ranking.view_store import ViewStore
from ranking.views import ViewError
from retrieval.base import JOINT
from retrieval.fitted import FittedError
from sensorium.ranker_store import content_space, learnt_folder

if TYPE_CHECKING:
    from pathlib import Path

    from encoders.family import Family
    from ingest.histories import Histories
    from ranking.shelf import Interests
    from ranking.titles import TitleConfig
    from sensorium.library import Library
    from sensorium.shelf import Stock
    from sensorium.workspace import Generation, Workspace

FOLDER = "titles"
"""Folder of the workspace where groups by taste are."""
NEAREST = 20
"""Items around a taste whose tags say what it is about."""
MOST_WORDS = 3
"""Words that a group is described by."""
CONTRAST = 1.0
"""Part of what all groups have in common that is left out of what each is about."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Readers:
    """A division of readers into groups."""

    grouping: str
    """Its name."""
    ids: tuple[int, ...]
    """Number of each group, (K,)."""
    names: tuple[str, ...]
    """What a person calls each, (K,)."""
    words: tuple[tuple[str, ...], ...]
    """What each is about, (K,); may be empty."""
    groups: Groups
    """Their centres."""


def readers_by_interest(library: Library, stock: Stock, tastes: Tastes) -> Readers:
    """Readers by the strongest of their interests.

    Raises:
        ViewError: the library has no view.
    """
    interests = stock.shelf.interests
    if interests is None:
        raise ViewError(
            "this library has no view that readers could be grouped by",
            'make one with sensorium cluster --by "topic", or set titles.groups=tastes',
        )
    view = ViewStore(library.workspace.engine).view(interests.view)
    words = {cluster.cluster_id: cluster.words for cluster in view.clusters}
    return Readers(
        grouping=interest_grouping(library.workspace, interests),
        ids=interests.cluster_ids,
        names=interests.names,
        words=tuple(
            tuple(dict.fromkeys((name, *words.get(number, ()))))[:MOST_WORDS]
            for name, number in zip(interests.names, interests.cluster_ids, strict=True)
        ),
        groups=interest_groups(interests, stock.shelf.vectors, tastes),
    )


def interest_grouping(workspace: Workspace, interests: Interests) -> str:
    """Name of the division by a view."""
    made = ViewStore(workspace.engine).view(interests.view).created_at
    return f"view {interests.view} of {made.isoformat(timespec='seconds')}"


def readers_by_taste(
    library: Library, stock: Stock, tastes: Tastes, config: TitleConfig, anew: bool
) -> Readers:
    """Readers by what they like; groups that were learnt before stay, unless asked for anew.

    Raises:
        ViewError: nobody has liked anything yet.
    """
    workspace, generation = library.workspace, library.workspace.active
    assert generation is not None, "the library has been opened"
    groups = None if anew else kept_tastes(workspace, generation)
    if groups is None:
        if not tastes.vectors.any():
            raise ViewError(
                "nobody has liked anything yet, so there are no tastes",
                "import events with sensorium events import FILE",
            )
        groups = taste_groups(tastes, config.num_tastes, config.seed)
        learnt_folder(workspace, FOLDER)
        groups.save(_file(workspace), content_space(generation))
    number = len(groups.centres)
    return Readers(
        grouping=taste_grouping(groups),
        ids=tuple(range(number)),
        names=taste_names(number),
        words=_words_around(library, stock, groups),
        groups=groups,
    )


def kept_tastes(workspace: Workspace, generation: Generation) -> Groups | None:
    """Groups by taste as they were learnt last; None where there are none for these vectors."""
    try:
        groups, space = Groups.load(_file(workspace))
    except FittedError:
        return None
    return groups if space == content_space(generation) else None


def taste_grouping(groups: Groups) -> str:
    """Name of the division by these tastes."""
    digest = hashlib.blake2b(np.ascontiguousarray(groups.centres).data, digest_size=6)
    return f"{TASTES} {digest.hexdigest()}"


def taste_names(number: int) -> tuple[str, ...]:
    """What a person calls groups by taste."""
    return tuple(f"taste {place + 1}" for place in range(number))


def directions(
    family: Family, readers: Readers
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What sets each group apart, among the vectors of words, (K, D).

    Groups with words are described by these, others by their centre. What all have in common says
    nothing of any, so it is left out.
    """
    rows = np.array(readers.groups.centres, np.float32)
    for place, words in enumerate(readers.words):
        if words:
            rows[place] = unit(family.query_text(list(words))[JOINT].mean(axis=0))
    return unit(rows - CONTRAST * rows.mean(axis=0)) if len(rows) > 1 else rows


def on_shelf(histories: Histories, stock: Stock) -> Histories:
    """The likings of what is on the shelf, with its numbers."""
    number_of, item_ids = stock.shelf.number_of, stock.shelf.item_ids
    numbers = np.array([number_of.get(key, -1) for key in histories.item_ids], np.int64)
    kept = histories.only(numbers[histories.items] >= 0)
    return replace(kept, item_ids=item_ids, items=numbers[kept.items])


def _file(workspace: Workspace) -> Path:
    return workspace.path / FOLDER / "tastes.safetensors"


def _words_around(library: Library, stock: Stock, groups: Groups) -> tuple[tuple[str, ...], ...]:
    """The most frequent tags of the items nearest to each centre."""
    found = []
    for centre in groups.centres:
        near = np.argsort(-(stock.shelf.vectors @ centre), kind="stable")[:NEAREST]
        ids = [stock.shelf.item_ids[number] for number in near.tolist()]
        items = library.workspace.catalogue.get(ids)
        found.append(_frequent([items[key].tags for key in ids if key in items]))
    return tuple(found)


def _frequent(labels: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    counts = Counter(label for of_item in labels for label in of_item)
    return tuple(label for label, _ in counts.most_common(MOST_WORDS))
