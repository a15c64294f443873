"""Titles of a library as a person looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ranking.title_store import StoredTitle, TitleStore
from ranking.views import ViewError, meant
from sensorium.shelf import stock_of, with_interests
from sensorium.title_lookup import titles_of

if TYPE_CHECKING:
    from sensorium.library import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleQuery:
    """Which titles to look at."""

    view: str = ""
    """View whose interests are the groups; empty for the one made last."""
    group: str = ""
    """Only those for the group of this name; empty for all."""
    item_id: str = ""
    """Only those of this item; empty for all."""
    limit: int = 20
    """Most titles."""
    every: bool = False
    """Whether to list pairs, too, for which there was nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleList:
    """What was found."""

    grouping: str
    """Name of the division of readers; empty where the library has none."""
    rows: tuple[StoredTitle, ...]
    """Titles by item, the best match first."""
    names: Mapping[int, str]
    """Name of each group by its number."""
    own: Mapping[str, str]
    """The item's own title, by item."""
    counts: Mapping[str, int]
    """How many of the division were written, rejected, or had nothing to say."""


def list_titles(library: Library, query: TitleQuery) -> TitleList:
    """Look titles up.

    Raises:
        ViewError: there is no such view or group.
    """
    stock = with_interests(library, stock_of(library, library.serving()), query.view or None)
    lookup = titles_of(library, stock)
    if lookup is None:
        return TitleList(grouping="", rows=(), names={}, own={}, counts={})
    names = dict(zip(lookup.ids, lookup.names, strict=True))
    store = TitleStore(library.workspace.engine)
    chosen = _number(query.group, names) if query.group else None
    rows = store.rows(lookup.grouping, chosen, query.item_id, query.limit, query.every)
    items = library.workspace.catalogue.get({row.item_id for row in rows})
    return TitleList(
        grouping=lookup.grouping,
        rows=tuple(rows),
        names=names,
        own={key: item.title for key, item in items.items()},
        counts=store.counts().get(lookup.grouping, {}),
    )


def _number(name: str, names: Mapping[int, str]) -> int:
    for number, known in names.items():
        if known.casefold() == name.casefold():
            return number
    raise ViewError(
        f"there is no group {name!r}", meant(name, list(names.values()), "the groups") or ""
    )
