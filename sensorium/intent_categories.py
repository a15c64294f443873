"""What the categories of a library's items are: clusters of a view, or common tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ranking.intent import CategoryIntent, CategorySource, IntentSignal
from ranking.view_store import ViewStore
from retrieval.fitted import FittedError
from sensorium.ranker_store import INTENT
from sensorium.shelf import latest_view
from sensorium.training import TrainingError

if TYPE_CHECKING:
    from ranking.intent_cubes import Floats
    from ranking.intent_settings import IntentSettings
    from sensorium.library import Library

FEWEST_ITEMS = 2
"""Items that a tag must have to be a category."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Categories:
    """Categories, and which items are in them."""

    source: CategorySource
    """What they are."""
    of_item: Mapping[str, tuple[int, ...]]
    """Places of each item's categories, by item id."""

    def membership(self, item_ids: Sequence[str]) -> Floats:
        """Whether each of some items is in each category, (N, C)."""
        table = np.zeros((len(item_ids), len(self.source.names)), np.float32)
        for row, item_id in enumerate(item_ids):
            table[row, list(self.of_item.get(item_id, ()))] = 1
        return table


def categories_of(library: Library, settings: IntentSettings) -> Categories:
    """Read the categories that settings ask for.

    Raises:
        TrainingError: there is no view, or there are fewer than two tags.
        ViewError: there is no view of this name.
    """
    if settings.by == "tags":
        return _by_tags(library, settings.most_categories)
    store = ViewStore(library.workspace.engine)
    name = settings.view or latest_view(store)
    if name is None:
        raise TrainingError(
            "there is no view whose clusters could be categories",
            "make one with sensorium cluster --by ASPECT, or learn with --set intent.by=tags",
        )
    return _by_view(store, name)


def open_intent(library: Library, item_ids: Sequence[str]) -> tuple[IntentSignal | None, str]:
    """Open what the workspace has learnt of category intent, for a catalogue.

    Args:
        library: the library.
        item_ids: of the catalogue, N.

    Returns:
        The signal, or None with what a person should know; the note is empty where all is well.
    """
    path = library.workspace.learnt(INTENT, newest=True)
    if path is None:
        return None, f"no {INTENT} learnt yet; sensorium train {INTENT} learns from events"
    try:
        intent = CategoryIntent.load(path)
    except FittedError as error:
        return None, f"the {INTENT} learnt is left aside: {error}"
    now = _as_learnt(library, intent.source)
    if now is None:
        return None, (
            f"what was learnt as {INTENT} is about clusters that the view {intent.source.view} no "
            f"longer has, and is left aside; learn it anew with: sensorium train {INTENT}"
        )
    return IntentSignal(intent=intent, membership=now.membership(item_ids)), ""


def _as_learnt(library: Library, source: CategorySource) -> Categories | None:
    """The same categories as the library has them now; None where it has others.

    Clusters that were merged or divided since have no items any more; the others hold.
    """
    if source.by == "tags":
        every = _by_tags(library, None)
    else:
        store = ViewStore(library.workspace.engine)
        if source.view not in store.names():
            return None
        every = _by_view(store, source.view)
        if every.source.made != source.made:
            return None
    place = {name: number for number, name in enumerate(source.names)}
    of_item = {
        item_id: tuple(place[name] for name in names if name in place)
        for item_id, places in every.of_item.items()
        for names in [[every.source.names[one] for one in places]]
    }
    return Categories(source=source, of_item=of_item)


def _by_view(store: ViewStore, name: str) -> Categories:
    view = store.view(name)
    members = store.members(view)
    place = {cluster: number for number, cluster in enumerate(view.ids.tolist())}
    return Categories(
        source=CategorySource(
            by="view",
            names=tuple(map(str, place)),
            view=name,
            made=view.created_at.isoformat(),
        ),
        of_item={
            item_id: (place[cluster],)
            for item_id, cluster in zip(members.item_ids, members.clusters.tolist(), strict=True)
        },
    )


def _by_tags(library: Library, most: int | None) -> Categories:
    tags = {
        item.item_id: item.tags for page in library.workspace.catalogue.pages() for item in page
    }
    counts = Counter(tag for some in tags.values() for tag in set(some))
    common = [tag for tag, count in counts.items() if count >= FEWEST_ITEMS or most is None]
    names = sorted(common, key=lambda tag: (-counts[tag], tag))[:most]
    if most is not None and len(names) < 2:
        raise TrainingError(
            f"{len(names)} tags are on {FEWEST_ITEMS} items or more, which tells nothing apart",
            "tag the items, or take the clusters of a view with --set intent.by=view",
        )
    place = {tag: number for number, tag in enumerate(names)}
    return Categories(
        source=CategorySource(by="tags", names=tuple(names)),
        of_item={
            item_id: tuple(sorted({place[tag] for tag in some if tag in place}))
            for item_id, some in tags.items()
        },
    )
