"""A page of recommendations as a person is told of it: picks with what to show of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ranking.page import Page, Pick
from sensorium.reports import Glimpse


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """One page, ready to be shown."""

    page: Page
    """What was chosen and why."""
    items: Mapping[str, Glimpse]
    """What to show of each item, by id; one that has just gone is missing."""
    view: str = ""
    """View that interests are read from; empty for none."""
    recorded: bool = False
    """Whether the log was told that this was shown."""

    def name(self, pick: Pick) -> str:
        """What a person calls an item: its title, its first words, or its id."""
        item = self.items.get(pick.item_id)
        return (item.title or item.text if item else "") or pick.item_id
