"""Places of a library's items in a view: from stored vectors, at once or learnt anew.

Choices a reader would question:
- the joint vector tells across modalities what an item is about, and the towers' own vectors tell
  apart what words do not say; the vector of a single modality would hold nothing that these lack;
- what is kept when a view is learnt anew (members who stay, pins) only gets a new confidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ranking.consensus import softmax
from ranking.space import AspectSpace, Block, ItemViews
from ranking.views import Learnt, Members, View, ViewError
from retrieval.base import JOINT, NATIVE_FIELDS
from retrieval.table import View as Table

FIELDS = (JOINT, *NATIVE_FIELDS)
"""Fields of the index that items are grouped by."""
BLOCK = 8_192
"""Items assigned at once."""
SPREAD = 20_000
"""Most items that are looked at to learn where items lie."""


def admitted(table: Table, where: str | None) -> dict[str, int]:
    """Row of every item that passes a filter, by item id, rows rising.

    Raises:
        FilterError: the filter cannot be understood.
    """
    return {table.keys[row]: row for row in np.flatnonzero(table.admitted(where)).tolist()}


def stored_views(table: Table, rows: Sequence[int] | NDArray[np.int64]) -> ItemViews:
    """Stored vectors of these rows, which rise."""
    wanted = np.asarray(rows, np.int32)
    blocks = {}
    for field in FIELDS:
        if field in table.spaces:
            space = table.spaces[field]
            positions = space.positions(wanted)
            held = np.flatnonzero(positions >= 0)
            blocks[field] = Block(held, space.matrix[positions[held]])
    return ItemViews(num_items=len(wanted), blocks=blocks)


def shared_space(
    table: Table, rows: Mapping[str, int], words: Mapping[str, NDArray[np.float32]]
) -> AspectSpace:
    """Where items and candidate words meet, learnt from items spread over the library.

    Args:
        table: where vectors are.
        rows: row of each item, by id.
        words: unit vectors (P, D_field) of the candidates by field.

    Raises:
        ViewError: the items have no vectors that words can be compared with.
    """
    every = sorted(rows.values())
    try:
        return AspectSpace.fit(stored_views(table, every[:: 1 + len(every) // SPREAD]), words)
    except ValueError as error:
        raise ViewError(
            "words cannot be compared with these items", "index them with the encoders in use"
        ) from error


def arrivals(
    view: View, learnt: Learnt, table: Table, digests: Mapping[str, str], rows: Mapping[str, int]
) -> Members:
    """Give items their places.

    Args:
        view: the view.
        learnt: what it has learnt.
        table: where vectors are.
        digests: what each item is now, by item id.
        rows: row of each item to be placed, in any order.

    Returns:
        One member per item, none of them pinned.
    """
    ids = tuple(sorted(rows, key=rows.__getitem__))
    number = len(ids)
    labels, confidence = np.empty(number, np.int64), np.empty(number, np.float32)
    for start in range(0, number, BLOCK):
        part = slice(start, start + BLOCK)
        items = learnt.space.items(stored_views(table, [rows[key] for key in ids[part]]))
        labels[part], confidence[part] = learnt.readout.assign(items)
    return Members(
        item_ids=ids,
        clusters=view.ids[labels],
        confidence=confidence,
        pinned=np.zeros(number, np.bool_),
        digests=tuple(digests.get(key, "") for key in ids),
    )


def learn_anew(
    view: View,
    space: AspectSpace,
    table: Table,
    members: Members,
    rows: Mapping[str, int],
    stays: NDArray[np.bool_],
) -> tuple[Learnt, Members]:
    """Learn the map to a view's clusters from who is in them, and place the others by it.

    Args:
        view: the view.
        space: where items are compared.
        table: where vectors are.
        members: who is in it, N of them, all of them in the table.
        rows: row of each.
        stays: those who keep the place they have, besides the pinned ones, (N,).

    Returns:
        What was learnt, and the members in order of row.
    """
    from ranking.clustering import ClusterConfig, refit

    config = ClusterConfig(seed=view.seed)
    order = np.argsort([rows[key] for key in members.item_ids])
    members = members.taken(order)
    labels = _columns(view, members.clusters)
    stays = (stays[order] | members.pinned) & (labels >= 0)
    chosen = _sample(members.pinned, config.most_items, view.seed)
    at = np.array([rows[members.item_ids[row]] for row in chosen])
    readout = refit(
        stored_views(table, at),
        space,
        labels[chosen],
        len(view.clusters),
        members.pinned[chosen],
        config,
    )
    learnt = Learnt(space=space, readout=readout)
    confidence = np.empty(len(members), np.float32)
    for start in range(0, len(members), BLOCK):
        part = slice(start, start + BLOCK)
        items = space.items(stored_views(table, [rows[key] for key in members.item_ids[part]]))
        shares = softmax(readout.scores(items))
        labels[part] = np.where(stays[part], labels[part], shares.argmax(axis=1))
        confidence[part] = shares[np.arange(len(shares)), labels[part]]
    return learnt, replace(members, clusters=view.ids[labels], confidence=confidence)


def _columns(view: View, clusters: NDArray[np.int64]) -> NDArray[np.int64]:
    """Column of the readout for each number of a cluster; -1 for 0."""
    columns = np.full(view.next_id, -1, np.int64)
    columns[view.ids] = np.arange(len(view.ids))
    return columns[clusters]


def _sample(pinned: NDArray[np.bool_], most: int, seed: int) -> NDArray[np.int64]:
    """Rows to learn from: every pinned one, and others up to a bound."""
    if len(pinned) <= most:
        return np.arange(len(pinned))
    drawn = np.random.default_rng(seed).permutation(len(pinned))[:most]
    return np.union1d(drawn, np.flatnonzero(pinned))
