"""What was shown together, what of it was clicked, and what its person had clicked before.

Where a log knows only what people chose, impressions are constructed: beside the item chosen stand
items that the person never chose and that are about as popular, so that popularity says nothing.
A history is what came before, never after.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ingest.histories import Histories

if TYPE_CHECKING:
    from ingest.impression_files import ImpressionRow

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Impressions:
    """I impressions over a catalogue of items by number."""

    users: Numbers
    """Number of each person, (I,), from 1; 0 for one that nothing was learnt of."""
    items: Numbers
    """Every item shown, (E,), impression by impression."""
    clicked: NDArray[np.bool_]
    """Which were clicked, (E,)."""
    offsets: Numbers
    """Where the items of each impression begin, and where the last one's end, (I + 1,)."""
    events: Numbers
    """Items that histories are cut from, earliest first."""
    known: Numbers
    """Where in ``events`` the history of each impression begins and ends, (I, 2)."""

    def __post_init__(self) -> None:
        sizes = {len(self.users), len(self.offsets) - 1, len(self.known)}
        if len(sizes) > 1 or self.items.shape != self.clicked.shape:
            raise ValueError(
                f"impressions do not match: {self.users.shape = }, {self.offsets.shape = }, "
                f"{self.known.shape = }, {self.items.shape = }, {self.clicked.shape = }"
            )

    def __len__(self) -> int:
        """I."""
        return len(self.users)

    @property
    def owner(self) -> Numbers:
        """Impression of each item shown, (E,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @property
    def judging(self) -> NDArray[np.bool_]:
        """Which impressions have something clicked and something not, (I,)."""
        hits = np.bincount(self.owner, self.clicked, minlength=len(self))
        return np.asarray((hits > 0) & (hits < np.diff(self.offsets)))

    def only(self, kept: NDArray[np.bool_]) -> Impressions:
        """Some of the impressions, by a mask (I,)."""
        shown = kept[self.owner]
        counts = np.diff(self.offsets)[kept]
        return replace(
            self,
            users=self.users[kept],
            items=self.items[shown],
            clicked=self.clicked[shown],
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            known=self.known[kept],
        )

    def strangers(self) -> Impressions:
        """The same impressions by persons of whom nothing was learnt."""
        return replace(self, users=np.zeros_like(self.users))

    def histories(self, rows: Numbers, most: int) -> tuple[Numbers, NDArray[np.bool_]]:
        """Lay the latest clicks of some impressions side by side.

        Args:
            rows: numbers of impressions, (B,).
            most: clicks of each, at most.

        Returns:
            Items (B, T), the newest last among those present, and which are present (B, T).
        """
        begin, end = self.known[rows].T
        begin = np.maximum(begin, end - most)
        place = begin[:, None] + np.arange(int((end - begin).max(initial=0)))
        present = place < end[:, None]
        return self.events[np.where(present, place, 0)] if place.size else place, present


def draw_choices(
    impressions: Impressions, number: int, random: np.random.Generator
) -> tuple[Numbers, Numbers]:
    """For every click, draw items of the same impression that were not clicked.

    Args:
        impressions: clicks of those without anything else are passed over.
        number: items to draw for each click; some twice only where there are too few.
        random: what draws.

    Returns:
        Impression of each click (Q,), and the items (Q, 1 + number), the clicked one first.
    """
    owner = impressions.owner
    usable = impressions.clicked & impressions.judging[owner]
    rows = owner[usable]
    others = impressions.items[~impressions.clicked]
    counts = np.bincount(owner[~impressions.clicked], minlength=len(impressions))
    starts = np.cumsum(counts) - counts
    drawn = np.empty((len(rows), 0), np.int64)
    for turn in range(number):
        # Among those left, by its place; then past every one that was drawn before.
        found = (random.random(len(rows)) * np.maximum(counts[rows] - turn, 1)).astype(np.int64)
        for taken in np.sort(drawn, axis=1).T:
            found += found >= taken
        drawn = np.column_stack([drawn, found])
    drawn %= counts[rows][:, None]
    items = np.column_stack([impressions.items[usable], others[starts[rows][:, None] + drawn]])
    return rows, items


@dataclass(frozen=True, slots=True, kw_only=True)
class Construction:
    """How impressions are made of choices."""

    shown: int = 20
    """Items of an impression, one of them chosen."""
    window: int = 200
    """Items beside the chosen one, in the order of popularity, that the others are drawn from."""
    seed: int = 0
    """Draws."""


def constructed(
    histories: Histories, events: Numbers, counts: Numbers, config: Construction
) -> Impressions:
    """Make an impression of each of some choices.

    Args:
        histories: what every person chose, in order.
        events: numbers of the choices to ask for, (I,).
        counts: how popular each item of the catalogue is, (N,), by what may be known.
        config: how.

    Returns:
        Impressions, with the chosen item at a place drawn for it, by the persons' numbers plus one.
        Where too little was never chosen near by, some items stand twice; where nothing, the
        chosen one stands alone.
    """
    random = np.random.default_rng(config.seed)
    by_popularity = np.lexsort((random.random(len(counts)), counts))
    place_of = np.empty(len(counts), np.int64)
    place_of[by_popularity] = np.arange(len(counts))
    window = min(config.window, len(counts))
    begins = np.clip(place_of[histories.items[events]] - window // 2, 0, len(counts) - window)
    users = histories.user_of_event[events]
    shown: list[Numbers] = []
    for event, user, begin in zip(events, users, begins, strict=True):
        own = histories.items[histories.offsets[user] : histories.offsets[user + 1]]
        most = min(window, config.shown - 1 + len(own))
        near = by_popularity[begin + random.choice(window, most, replace=False)]
        others = near[~np.isin(near, own)][: config.shown - 1]
        wanted = config.shown - 1 if len(others) else 0
        shown.append(np.r_[histories.items[event], np.resize(others, wanted)])
    sizes = np.array([len(items) for items in shown], np.int64)
    owner = np.repeat(np.arange(len(shown)), sizes)
    order = np.lexsort((random.random(len(owner)), owner))
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Impressions(
        users=users + 1,
        items=np.concatenate([np.empty(0, np.int64), *shown])[order],
        clicked=np.isin(order, offsets[:-1]),
        offsets=offsets,
        events=histories.items,
        known=np.column_stack([histories.offsets[users], events]),
    )


def gathered(
    rows: Iterable[ImpressionRow], item_ids: Mapping[str, int], user_ids: Mapping[str, int]
) -> Impressions:
    """Number what a file tells; items that the catalogue does not hold are left out.

    Args:
        rows: of the file.
        item_ids: numbers of the catalogue's items.
        user_ids: numbers, from 1, of the persons that are learnt of.

    Returns:
        Impressions of all rows, some of which may be left with nothing to judge by.
    """
    users, items, clicked, sizes = array("q"), array("q"), array("b"), array("q")
    events, known = array("q"), array("q")
    for row in rows:
        users.append(user_ids.get(row.user_id, 0))
        begin = len(events)
        events.extend(item_ids[item] for item in row.history if item in item_ids)
        known.extend((begin, len(events)))
        held = [n for n, item in enumerate(row.shown) if item in item_ids]
        items.extend(item_ids[row.shown[n]] for n in held)
        clicked.extend(row.clicked[n] for n in held)
        sizes.append(len(held))
    return Impressions(
        users=np.array(users, np.int64),
        items=np.array(items, np.int64),
        clicked=np.array(clicked, np.bool_),
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        events=np.array(events, np.int64),
        known=np.array(known, np.int64).reshape(-1, 2),
    )
