"""Events as a sequence model reads them: actions beside histories, padded batch by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ingest.histories import Histories
from ranking.actions import Actions

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]

MICROSECONDS = 1_000_000
"""Of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Padded:
    """Events of some users, padded on the right."""

    items: Numbers
    """Numbers of items, (B, T)."""
    actions: Numbers
    """Numbers of actions, (B, T)."""
    times: Numbers
    """Seconds since 1970, (B, T)."""
    lengths: Numbers
    """Events of each user, (B,); what stands beyond means nothing."""

    @property
    def some(self) -> NDArray[np.bool_]:
        """Where there is an event, (B, T)."""
        return np.arange(self.items.shape[1]) < self.lengths[:, None]

    def before_last(self) -> Padded:
        """The same events without the last of each user."""
        return Padded(
            items=self.items[:, :-1],
            actions=self.actions[:, :-1],
            times=self.times[:, :-1],
            lengths=self.lengths - 1,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequences:
    """What users did."""

    histories: Histories
    """The events."""
    actions: Numbers | None = None
    """Number of each event's action, (E,); None where there is one action only."""
    liked: NDArray[np.bool_] | None = None
    """Which events say: more like this, (E,); None for all."""
    known: Actions | None = None
    """What the numbers of actions stand for."""

    def __post_init__(self) -> None:
        for part in (self.actions, self.liked):
            if part is not None and part.shape != self.histories.items.shape:
                raise ValueError(
                    f"one action per event: {part.shape = }, {self.histories.items.shape = }"
                )

    @property
    def told(self) -> tuple[Numbers, NDArray[np.bool_], Actions]:
        """Actions of the events, which of them were liked, and what the actions are.

        Raises:
            ValueError: there are none.
        """
        if self.actions is None or self.liked is None or self.known is None:
            raise ValueError("these events tell of no actions")
        return self.actions, self.liked, self.known

    @property
    def likings(self) -> Histories:
        """What was liked; every user and the catalogue stay."""
        return self.histories if self.liked is None else self.histories.only(self.liked)

    @property
    def likings_from_end(self) -> Numbers:
        """How many likings of the user come with or after each event, (E,)."""
        events = self.histories
        liked = np.ones(len(events.items), np.bool_) if self.liked is None else self.liked
        before = np.concatenate([[0], np.cumsum(liked)])
        every = before[np.repeat(events.offsets[1:], events.lengths)]
        return np.asarray(every - before[:-1], np.int64)

    @property
    def digest(self) -> str:
        """Sixteen hex digits that change with any event."""
        digest = hashlib.blake2b(digest_size=8)
        events = self.histories
        for part in (events.offsets, events.items, events.times_us, self.actions):
            digest.update(b"" if part is None else np.ascontiguousarray(part).data)
        return digest.hexdigest()

    def only(self, events: NDArray[np.bool_]) -> Sequences:
        """Keep some events, bool (E,); every user and the catalogue stay."""
        actions = None if self.actions is None else self.actions[events]
        liked = None if self.liked is None else self.liked[events]
        return replace(self, histories=self.histories.only(events), actions=actions, liked=liked)

    def latest(self, users: Numbers, most: int) -> Padded:
        """The last events of some users, in order.

        Args:
            users: numbers of users, (B,).
            most: events per user, at most.
        """
        events = self.histories
        lengths = np.minimum(events.lengths[users], most)
        place = np.arange(lengths.max(initial=0))
        some = place < lengths[:, None]  # (B, T)
        rows = np.where(some, (events.offsets[users + 1] - lengths)[:, None] + place, 0)
        return Padded(
            items=events.items[rows],
            actions=np.zeros_like(rows) if self.actions is None else self.actions[rows],
            times=events.times_us[rows] // MICROSECONDS,
            lengths=lengths,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRows:
    """What is known of the items of a catalogue."""

    id_rows: Numbers
    """Row of each item in the id table, (N,); -1 for items that are known by their content alone:
    cold ones, from which nothing was learnt, and scarce ones."""
    content: Floats | None = None
    """Content vector of each item, (N, F), in memory or mapped from disk; zeros where there is
    none."""

    def __post_init__(self) -> None:
        if self.content is not None and len(self.content) != len(self.id_rows):
            raise ValueError(f"one vector per item: {len(self.content)}, {len(self.id_rows)}")

    def __len__(self) -> int:
        """Items, N."""
        return len(self.id_rows)

    @property
    def known(self) -> Numbers:
        """Numbers of the items that have a row, in the order of the rows."""
        order = np.argsort(self.id_rows, kind="stable")
        return order[self.id_rows[order] >= 0]


def rows_learnt_from(
    histories: Histories, content: Floats | None = None, fewest: int = 1
) -> ItemRows:
    """Give a row to each item that is in the events often enough, and to no other.

    Args:
        histories: events to learn from.
        content: of each item of the catalogue, (N, F).
        fewest: events from which on an item with content has a row; one without has nothing else to
            be known by, and needs one event only.
    """
    counts = np.bincount(histories.items, minlength=histories.num_items)
    needed = 1 if content is None else np.where(content.any(axis=1), max(fewest, 1), 1)
    seen = counts >= needed
    return ItemRows(id_rows=np.where(seen, np.cumsum(seen) - 1, -1), content=content)


def rows_of_catalogue(
    item_ids: Sequence[str], row_of_id: Mapping[str, int], content: Floats | None = None
) -> ItemRows:
    """Find the rows of a catalogue's items.

    Args:
        item_ids: of the catalogue, N.
        row_of_id: rows of the id table, by item id.
        content: of each item of the catalogue, (N, F).
    """
    rows = np.array([row_of_id.get(item_id, -1) for item_id in item_ids], np.int64)
    return ItemRows(id_rows=rows, content=content)
