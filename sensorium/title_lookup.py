"""What serving does with titles: one look-up by the reader's group, and else the item's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ingest.database import WorkspaceError
from ranking.title_store import TitleStore
from ranking.user_groups import NOBODY, strongest_interest, taste_of
from sensorium.steps import timed
from sensorium.title_groups import interest_grouping, kept_tastes, taste_grouping, taste_names

if TYPE_CHECKING:
    from ranking.page import Pick
    from ranking.user_state import UserState
    from sensorium.library import Library
    from sensorium.shelf import Stock


@dataclass(frozen=True, kw_only=True, eq=False)
class TitleLookup:
    """Finds the titles that were written for a reader's group."""

    store: TitleStore
    """Where they are."""
    grouping: str
    """The division of readers."""
    ids: tuple[int, ...]
    """Number of each group, (K,)."""
    names: tuple[str, ...]
    """Name of each, (K,)."""
    place_of: Callable[[UserState], int]
    """Which of them a reader is of; ``NOBODY`` where too little is known."""

    def titled(self, state: UserState, picks: Sequence[Pick]) -> tuple[Pick, ...]:
        """Give picks the titles of the reader's group, where there are some.

        A database that does not answer leaves every item its own title.
        """
        place = self.place_of(state)
        if place == NOBODY:
            return tuple(picks)
        found: dict[str, str] = {}
        with suppress(WorkspaceError), timed("page", "titles"):
            ids = [pick.item_id for pick in picks]
            found = self.store.texts(self.grouping, self.ids[place], ids)
        return tuple(
            replace(pick, title=found[pick.item_id], titled_for=self.names[place])
            if pick.item_id in found
            else pick
            for pick in picks
        )


def open_titles(library: Library, stock: Stock) -> TitleLookup | None:
    """Open the titles that pages show; None where the settings want every item's own."""
    return titles_of(library, stock) if library.config.titles.shown == "written" else None


def titles_of(library: Library, stock: Stock) -> TitleLookup | None:
    """Find titles as the settings group readers; None where there are no groups to have any."""
    workspace, interests = library.workspace, stock.shelf.interests
    store = TitleStore(workspace.engine)
    if library.config.titles.groups == "interests":
        if interests is None:
            return None
        return TitleLookup(
            store=store,
            grouping=interest_grouping(workspace, interests),
            ids=interests.cluster_ids,
            names=interests.names,
            place_of=partial(strongest_interest, interests),
        )
    generation = workspace.active
    groups = kept_tastes(workspace, generation) if generation else None
    if groups is None:
        return None
    vectors, number = stock.shelf.vectors, len(groups.centres)
    return TitleLookup(
        store=store,
        grouping=taste_grouping(groups),
        ids=tuple(range(number)),
        names=taste_names(number),
        place_of=lambda state: groups.nearest(taste_of(vectors, state.liked.items)),
    )
