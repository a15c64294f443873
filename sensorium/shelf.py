"""The shelf of a library: its items as arrays, read from the generation that answers.

Items stand in the order of the mirror's rows. Where that has no gaps, joint vectors stay mapped
from its snapshot; otherwise they are gathered into memory once. An item came when the catalogue
first took it in. For one that was there before that was written down, the moment is the one that
it says it was created at, or, where it says nothing, long ago.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ranking.shelf import NO_INTEREST, Interests, Shelf
from ranking.view_store import ViewStore
from retrieval.base import JOINT
from retrieval.nearest import ItemIndex
from retrieval.table import View as Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.filter_conditions import Where
    from retrieval.mirror import Mirror
    from sensorium.library import Library
    from sensorium.workspace import Generation

HIDDEN = "attrs.hidden"
"""Attribute of an item that keeps it off every page."""
YES = ("1", "true", "yes")
"""What it may say, beside a truth value or a number other than 0."""
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stock:
    """A shelf, and what finds items on it by vector."""

    shelf: Shelf
    """The items."""
    nearest: ItemIndex
    """Searches their joint vectors, with the graph of the index where it has one."""
    table: Table
    """The rows they were read from."""
    generation: str
    """Name of the generation that the vectors are of."""
    version: int
    """Number of the state of the store that is shown; another state has another number."""
    notes: tuple[str, ...]
    """What a person should know of it."""

    def admitted(self, where: Where | None) -> NDArray[np.bool_]:
        """Items for which a filter holds, (N,).

        Raises:
            FilterError: the filter cannot be understood.
        """
        return self.table.admitted(where)[self.table.alive]


def open_shelf(library: Library, view: str | None = None) -> Shelf:
    """Read what a library may show; see ``open_stock``."""
    return open_stock(library, view).shelf


def open_stock(library: Library, view: str | None = None) -> Stock:
    """Read what a library may show, ready to be searched.

    Args:
        library: it must have been indexed.
        view: name of the view that interests are read from; None for the one made last.

    Raises:
        EmptyLibraryError: nothing has been indexed.
        ViewError: there is no view of this name.
    """
    return with_interests(library, stock_of(library, library.serving()), view)


def stock_of(library: Library, serving: tuple[Generation, Mirror, tuple[str, ...]]) -> Stock:
    """Read what a library may show, without interests.

    Args:
        library: it must have been indexed.
        serving: what ``Library.serving`` gives.
    """
    generation, mirror, notes = serving
    table = mirror.items
    return Stock(
        shelf=shelf_of(table, library.workspace.catalogue.added_us()),
        nearest=nearest_of(table),
        table=table,
        generation=generation.name,
        version=mirror.version,
        notes=notes,
    )


def with_interests(library: Library, stock: Stock, view: str | None = None) -> Stock:
    """Give the same stock with interests of a view, None for the one made last.

    Raises:
        ViewError: there is no view of this name.
    """
    store = ViewStore(library.workspace.engine)
    name = view or latest_view(store)
    if name is None:
        return stock
    interests = interests_of(store, name, stock.shelf.number_of)
    return replace(stock, shelf=replace(stock.shelf, interests=interests))


def latest_view(store: ViewStore) -> str | None:
    """Give the name of the view that was made last; None where there is none."""
    made = [(store.view(name).created_at, name) for name in store.names()]
    return max(made)[1] if made else None


def shelf_of(table: Table, added_us: Mapping[str, int]) -> Shelf:
    """Make a shelf without interests.

    Args:
        table: the items of a mirror.
        added_us: when items came, microseconds since 1970, by id.
    """
    rows = np.flatnonzero(table.alive)
    item_ids = tuple(table.keys[row] for row in rows.tolist())
    return Shelf(
        item_ids=item_ids,
        vectors=_vectors(table, rows),
        added_us=_moments(table, rows, item_ids, added_us),
        group=_groups(table, rows, item_ids),
        hidden=_hidden(table, rows),
    )


def nearest_of(table: Table) -> ItemIndex:
    """Find items of a table by joint vector, in the numbers of ``shelf_of``."""
    space = table.spaces.get(JOINT)
    if space is None:
        return ItemIndex.build(np.zeros((0, 0), np.float32))
    return ItemIndex(space, np.where(table.alive, np.cumsum(table.alive) - 1, -1))


def interests_of(store: ViewStore, name: str, number_of: Mapping[str, int]) -> Interests:
    """Read a view as what people can be interested in.

    Args:
        store: where it is.
        name: of the view.
        number_of: numbers of items by id; members that are not there are left out.

    Raises:
        ViewError: there is no view of this name.
    """
    view = store.view(name)
    members = store.members(view)
    numbers = np.array([number_of.get(key, -1) for key in members.item_ids], np.int64)
    held = numbers >= 0
    of_item = np.full(len(number_of), NO_INTEREST, np.int32)
    confidence = np.zeros(len(number_of), np.float32)
    order = np.argsort(view.ids)
    of_item[numbers[held]] = order[np.searchsorted(view.ids, members.clusters, sorter=order)][held]
    confidence[numbers[held]] = members.confidence[held]
    return Interests(
        view=view.name,
        names=tuple(cluster.name for cluster in view.clusters),
        of_item=of_item,
        confidence=confidence,
        cluster_ids=tuple(view.ids.tolist()),
    )


def _vectors(table: Table, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Joint vectors of these rows, (N, D); zeros where a row has none."""
    space = table.spaces.get(JOINT)
    if space is None:
        return np.zeros((len(rows), 0), np.float32)
    positions = space.positions(rows.astype(np.int32))
    if np.array_equal(positions, np.arange(len(rows))):
        return space.matrix[: len(rows)]
    vectors = np.zeros((len(rows), space.width), np.float32)
    held = positions >= 0
    vectors[held] = space.matrix[positions[held]]
    return vectors


def _moments(
    table: Table, rows: NDArray[np.int64], item_ids: tuple[str, ...], added_us: Mapping[str, int]
) -> NDArray[np.int64]:
    """When each item came, (N,)."""
    known = np.array([added_us.get(key, -1) for key in item_ids], np.int64)
    created = np.nan_to_num(table.numbers("created_at", rows.astype(np.int32)))
    return np.where(known >= 0, known, (created * MICROSECONDS).astype(np.int64))


def _groups(table: Table, rows: NDArray[np.int64], item_ids: tuple[str, ...]) -> NDArray[np.int64]:
    """Number of the item that each is a copy of, (N,); copies of one that is gone are alone."""
    group = np.arange(len(rows))
    column = table.columns.get("duplicate_of")
    if column is None or column.codes is None:
        return group
    codes = column.codes.values[rows]
    wanted = {column.vocabulary.words[code] for code in np.unique(codes[codes >= 0]).tolist()}
    numbers = {key: number for number, key in enumerate(item_ids) if key in wanted}
    original = np.array([numbers.get(word, -1) for word in column.vocabulary.words] + [-1])[codes]
    group = np.where(original >= 0, original, group)
    # The same bytes as a near copy: that one's original is the original of both.
    return group[group]


def _hidden(table: Table, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether an attribute keeps each item off every page, (N,)."""
    hidden = np.zeros(len(rows), np.bool_)
    column = table.columns.get(HIDDEN)
    if column is None:
        return hidden
    if column.flags is not None:
        hidden |= column.flags.values[rows] == 1
    if column.numbers is not None:
        hidden |= np.nan_to_num(column.numbers.values[rows]) != 0
    if column.codes is not None:
        said = [word for word in column.vocabulary.words if word.strip().lower() in YES]
        hidden |= column.member(said, len(table.alive))[rows]
    return hidden
