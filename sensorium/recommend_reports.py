"""A page of recommendations as a person is told of it: picks with what to show of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ranking.page import Page, Pick
from sensorium.reports import Glimpse

MOST_CHARACTERS = 32
"""Longest name of an item in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """One page, ready to be shown."""

    page: Page
    """What was chosen and why."""
    items: Mapping[str, Glimpse]
    """What to show of items, picks and those that reasons name, by id; one that has just gone is
    missing."""
    view: str = ""
    """View that interests are read from; empty for none."""
    recorded: bool = False
    """Whether the log was told that this was shown."""

    def name(self, item_id: str) -> str:
        """What a person calls an item: its title, its first words, or its id."""
        item = self.items.get(item_id)
        return " ".join((item.title or item.text if item else "").split()) or item_id

    def title(self, pick: Pick) -> str:
        """What a pick is called here: by what was written for the person's group, or its name."""
        return pick.title or self.name(pick.item_id)

    def why(self, pick: Pick) -> str:
        """A pick's reason, with the item that it names called as a person does."""
        named = pick.reason.history_item
        if not named or self.name(named) == named:
            return pick.reason.text
        return pick.reason.text.replace(named, f"“{shortened(self.name(named))}”")


def shortened(name: str) -> str:
    """The beginning of a long name."""
    return name if len(name) <= MOST_CHARACTERS else name[: MOST_CHARACTERS - 1].rstrip() + "…"
