"""What a person does to a view: rename, merge, split, pin, unpin.

Edits are plain functions of frozen values and do what they say, nothing else: an item that an edit
does not speak of stays where it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ranking.views import MOST_CHARACTERS, Cluster, Members, View, ViewError


def rename(view: View, old: str, new: str) -> View:
    """Call a cluster something else.

    Raises:
        ViewError: there is no such cluster, or the new name is taken or empty.
    """
    cluster = view.cluster(old)
    return _with(view, replace(cluster, name=_free(view, new, [cluster])))


def merge(view: View, members: Members, names: Sequence[str], new: str) -> tuple[View, Members]:
    """Make one cluster of several; it keeps the number of the first.

    Args:
        view: the view.
        members: who is in it.
        names: two clusters or more.
        new: name of the one; empty for the first's.

    Raises:
        ViewError: fewer than two different clusters, or a name that is unknown or taken.
    """
    parts = list(dict.fromkeys(view.cluster(name) for name in names))
    if len(parts) < 2:
        raise ViewError(
            f"merging needs two different clusters of the view {view.name}",
            f"they are {', '.join(cluster.name for cluster in view.clusters)}",
        )
    first, gone = parts[0], {cluster.cluster_id for cluster in parts[1:]}
    words = tuple(dict.fromkeys(word for cluster in parts for word in cluster.words))
    whole = replace(first, name=_free(view, new or first.name, parts), words=words)
    left = tuple(cluster for cluster in view.clusters if cluster.cluster_id not in gone)
    moved = np.isin(members.clusters, list(gone))
    places = np.where(moved, first.cluster_id, members.clusters)
    return _with(replace(view, clusters=left), whole), replace(members, clusters=places)


def split(
    view: View, members: Members, name: str, parts: NDArray[np.int64], named: Sequence[Cluster]
) -> tuple[View, Members]:
    """Make several clusters of one; the largest keeps its number and its name.

    Args:
        view: the view.
        members: who is in it.
        name: the cluster.
        parts: part of each of its items in the order of ``members``, (B,), in [0, len(named)).
        named: name and words of each part that is not the largest; numbers are given here.

    Raises:
        ViewError: there is no such cluster.
    """
    cluster = view.cluster(name)
    largest = int(np.bincount(parts, minlength=len(named)).argmax())
    made: list[Cluster] = []
    number = view.next_id
    for part, called in enumerate(named):
        if part == largest:
            made.append(cluster)
            continue
        taken = [c.name.casefold() for c in (*view.clusters, *made)]
        made.append(replace(called, cluster_id=number, name=_unlike(taken, called.name)))
        number += 1
    places = members.clusters.copy()
    places[members.clusters == cluster.cluster_id] = np.array([c.cluster_id for c in made])[parts]
    at = view.clusters.index(cluster)
    clusters = (*view.clusters[:at], *made, *view.clusters[at + 1 :])
    return replace(view, clusters=clusters, next_id=number), replace(members, clusters=places)


def pin(view: View, members: Members, item_id: str, name: str) -> Members:
    """Put an item into a cluster and hold it there.

    Raises:
        ViewError: the item is not in the view, or there is no such cluster.
    """
    row, cluster = members.row(view, item_id), view.cluster(name)
    clusters, pinned = members.clusters.copy(), members.pinned.copy()
    clusters[row], pinned[row] = cluster.cluster_id, True
    return replace(members, clusters=clusters, pinned=pinned)


def unpin(view: View, members: Members, item_id: str) -> Members:
    """Take an item out of its cluster, for the view to give it a place.

    Raises:
        ViewError: the item is not in the view, or not pinned.
    """
    row = members.row(view, item_id)
    if not members.pinned[row]:
        raise ViewError(f"the item {item_id!r} is not pinned in the view {view.name}")
    clusters, pinned = members.clusters.copy(), members.pinned.copy()
    clusters[row], pinned[row] = 0, False
    return replace(members, clusters=clusters, pinned=pinned)


def parts_of(before: View, after: View, name: str) -> dict[int, tuple[int, ...]]:
    """Tell which clusters those of an edited view are made of, by number.

    Args:
        before: the view before one cluster was divided, or several became one.
        after: the view as it is now.
        name: the cluster that was divided, or the first of those that became one.
    """
    spoken = before.cluster(name).cluster_id
    old, new = (tuple(c.cluster_id for c in one.clusters) for one in (before, after))
    gone = tuple(number for number in old if number not in new)
    parts = {number: (number,) if number in old else (spoken,) for number in new}
    return {**parts, spoken: (spoken, *gone)}


def _with(view: View, changed: Cluster) -> View:
    clusters = (changed if c.cluster_id == changed.cluster_id else c for c in view.clusters)
    return replace(view, clusters=tuple(clusters))


def _free(view: View, name: str, own: Sequence[Cluster]) -> str:
    """A name for a cluster that no other has."""
    name = " ".join(name.split())
    if not name or len(name) > MOST_CHARACTERS or not name.isprintable():
        raise ViewError(
            f"{name!r} cannot be the name of a cluster",
            f"use one line of at most {MOST_CHARACTERS} characters",
        )
    numbers = {cluster.cluster_id for cluster in own}
    for cluster in view.clusters:
        if cluster.cluster_id not in numbers and cluster.name.casefold() == name.casefold():
            raise ViewError(
                f"the view {view.name} has a cluster {cluster.name!r} already",
                f"choose another name, or merge: sensorium view merge {view.name} ...",
            )
    return name


def _unlike(taken: Sequence[str], name: str) -> str:
    """The name, with a number where it is taken."""
    tries = itertools.chain([name], (f"{name} {number}" for number in itertools.count(2)))
    return next(name for name in tries if name.casefold() not in taken)
