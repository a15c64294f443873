"""Views kept up to date by every index run: who is new gets a place, who is gone leaves.

Whether an item is new is asked of the view's own members, not of the run: what a killed run left
undone, the next one does. A view that cannot be brought up to date is left as it was, and never
fails the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ingest.errors import SensoriumError
from ranking.candidates import phrases
from ranking.space import AspectSpace
from ranking.view_assignment import admitted, arrivals, learn_anew, shared_space
from ranking.view_store import ViewStore
from ranking.views import DriftConfig, Learnt, Members, View, ViewError, Watch
from retrieval.mirror import Mirror
from retrieval.table import View as Table
from sensorium import assemble
from sensorium.workspace import Generation

if TYPE_CHECKING:
    from encoders.family import Family
    from sensorium.library import Library


def refresh_views(library: Library, generation: Generation, mirror: Mirror) -> tuple[str, ...]:
    """Bring every view of a library up to date; call while the workspace is held.

    Args:
        library: the library.
        generation: the one that answers.
        mirror: its vectors.

    Returns:
        A sentence per view that changed or could not be changed.
    """
    store = ViewStore(library.workspace.engine)
    names = store.names()
    if not names:
        return ()
    upkeep = upkeep_of(library, generation, mirror)
    notes = []
    for name in names:
        try:
            notes.append(upkeep.refresh(store.view(name)))
        except SensoriumError as error:
            notes.append(f"view {name}: left as it was: {error}")
    return tuple(filter(None, notes))


def upkeep_of(library: Library, generation: Generation, mirror: Mirror) -> Upkeep:
    """What the views of a library are held against; see ``refresh_views``."""
    return Upkeep(
        ViewStore(library.workspace.engine),
        mirror.items,
        generation.name,
        library.workspace.manifest.digests(generation.name),
        library.family,
        library.config.drift,
    )


class Upkeep:
    """What views are held against: the library as it is now.

    Args:
        store: where views are.
        table: vectors of the items.
        generation: name of the generation that they are of.
        digests: what each item is now, by item id.
        family: brings words beside those vectors.
        drift: when a view is learnt anew.
    """

    def __init__(
        self,
        store: ViewStore,
        table: Table,
        generation: str,
        digests: Mapping[str, str],
        family: Family,
        drift: DriftConfig,
    ) -> None:
        self.store, self.table, self.generation = store, table, generation
        self.digests, self.family, self.drift = digests, family, drift

    def refresh(self, view: View) -> str:
        """Bring a view up to date; give a sentence where it changed.

        Raises:
            FilterError: its filter no longer means anything.
            ViewError: nothing of it is left.
        """
        rows, members = admitted(self.table, view.where), self.store.members(view)
        if view.generation != self.generation:
            return self._move(view, members, rows)
        settled = members.taken(self._settled(members, rows))
        fresh = {key: rows[key] for key in rows.keys() - set(settled.item_ids)}
        gone = sorted(set(members.item_ids) - rows.keys())
        if not fresh and not gone:
            return ""
        learnt = self.store.learnt(view)
        arrived = arrivals(view, learnt, self.table, self.digests, fresh)
        watch = view.watch.seen(arrived.confidence)
        view = replace(view, watch=watch, updated_at=datetime.now(UTC))
        note = f"view {view.name}: {len(arrived)} came, {len(gone)} went"
        if not watch.has_drifted(self.drift):
            self.store.update(view, arrived, gone)
            return note
        stays = np.arange(len(settled) + len(arrived)) < len(settled)
        self.store.write(*self.learn(view, learnt.space, settled.joined(arrived), rows, stays))
        return (
            f"{note}; {watch.doubtful} of {watch.arrived} that came since it was learnt fit it "
            "badly, so it was learnt anew with them"
        )

    def learn(
        self,
        view: View,
        space: AspectSpace,
        members: Members,
        rows: Mapping[str, int],
        stays: NDArray[np.bool_],
    ) -> tuple[View, Learnt, Members]:
        """Learn a view anew from its members; gives what is to be written. See ``learn_anew``."""
        learnt, members = learn_anew(view, space, self.table, members, rows, stays)
        return self._watched(view, members), learnt, members

    def _move(self, view: View, members: Members, rows: Mapping[str, int]) -> str:
        """Carry a view into the vectors of another generation, with its names and members."""
        left = members.taken(_places(key in rows for key in members.item_ids))
        if not len(left):
            raise ViewError(f"none of its {len(members)} items is left")
        words = assemble.word_vectors(self.family, phrases(view.candidates))
        space = shared_space(self.table, rows, words)
        view = replace(view, generation=self.generation)
        left = replace(left, digests=tuple(self.digests.get(key, "") for key in left.item_ids))
        learnt, left = learn_anew(view, space, self.table, left, rows, np.ones(len(left), np.bool_))
        fresh = {key: rows[key] for key in rows.keys() - set(left.item_ids)}
        arrived = arrivals(view, learnt, self.table, self.digests, fresh)
        every = left.joined(arrived)
        self.store.write(self._watched(view, every), learnt, every)
        return f"view {view.name}: carried over to other vectors, members and names kept"

    def _settled(self, members: Members, rows: Mapping[str, int]) -> NDArray[np.int64]:
        """Members whose place is still right: unchanged or pinned, and not gone."""
        return _places(
            key in rows and (pinned or digest == self.digests.get(key))
            for key, pinned, digest in zip(
                members.item_ids, members.pinned, members.digests, strict=True
            )
        )

    def _watched(self, view: View, members: Members) -> View:
        """The view, watched for drift from now on."""
        watch = Watch.start(members.confidence[~members.pinned], self.drift)
        return replace(view, watch=watch, updated_at=datetime.now(UTC))


def _places(flags: Iterable[bool]) -> NDArray[np.int64]:
    return np.flatnonzero(np.fromiter(flags, np.bool_))
