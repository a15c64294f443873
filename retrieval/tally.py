"""How often each item was shown, liked, and liked lately: counts that grow with the log.

Events are read once, in the order they were appended, and each adds to a few numbers; what is kept
is small enough to be written down and gone on with. An event's part in what is liked lately halves
with every half-life. A list of recommendations shows an item once, whatever tells of it: the list
itself, or the clicks that name what stood beside them; of lists, the latest are remembered.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.event import MICROSECOND, Event, EventType
from ingest.event_rules import EventRules
from retrieval.fitted import FittedError, FittedFile

KIND = "item tally"
LISTS = 5_000
"""Lists of recommendations that are remembered, so that none counts twice."""
MOST_DOUBLINGS = 200.0
"""Half-lives after which sums are scaled down, long before they could overflow."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Standing:
    """Counts of a shelf's items at one moment."""

    shown: NDArray[np.float64]
    """How often each item was shown, (N,)."""
    liked: NDArray[np.float64]
    """How often each was liked, (N,)."""
    heat: NDArray[np.float64]
    """How often each was liked, halved with every half-life since, up to a common factor, (N,)."""

    @cached_property
    def by_heat(self) -> NDArray[np.int64]:
        """Numbers of the items that anyone likes, the hottest first.

        Those that have all gone cold stand by how often they were liked, equal ones by number.
        """
        order = np.lexsort((-self.liked, -self.heat))
        return order[: np.count_nonzero(self.liked)]


class Tally:
    """Counts of every item of a log.

    Args:
        half_life: after which an event counts half in what is liked lately.
        sequence: number of the last event that was read; 0 before the first.
    """

    def __init__(self, half_life: timedelta, sequence: int = 0) -> None:
        if half_life <= timedelta(0):
            raise ValueError(f"half_life must be positive: {half_life}")
        self.half_life, self.sequence = half_life, sequence
        self._numbers: dict[str, int] = {}
        self._shown, self._liked, self._heat = (array("d") for _ in range(3))
        self._base_us = 0
        self._lists: dict[tuple[str, str], set[str]] = {}

    def __len__(self) -> int:
        """Items that were counted."""
        return len(self._numbers)

    def read(self, events: Iterable[tuple[int, Event]], rules: EventRules, asked_us: int) -> None:
        """Count events.

        Args:
            events: with their sequence numbers, rising, after those read before.
            rules: which of them are positive.
            asked_us: microseconds since 1970 now; what is said to happen later happens now.
        """
        for sequence, event in events:
            self.sequence = sequence
            self._count_shown(event)
            if rules.is_positive(event.event_type, event.value):
                # Before the sum is looked up: it may scale down all sums.
                warmth = self._warmth(min(event.occurred_us, asked_us))
                number = self._number(event.item_id)
                self._liked[number] += 1
                self._heat[number] += warmth

    def standing(self, number_of: Mapping[str, int]) -> Standing:
        """Give the counts of a shelf's items, by its numbers of items by id."""
        pairs = [(number_of[key], own) for key, own in self._numbers.items() if key in number_of]
        numbers, own = np.array(pairs, np.int64).reshape(-1, 2).T
        return Standing(
            shown=_placed(self._shown, own, numbers, len(number_of)),
            liked=_placed(self._liked, own, numbers, len(number_of)),
            heat=_placed(self._heat, own, numbers, len(number_of)),
        )

    def save(self, path: Path) -> None:
        """Write it; the file appears whole or not at all."""
        config = {
            "half_life_us": self.half_life // MICROSECOND,
            "sequence": self.sequence,
            "base_us": self._base_us,
        }
        counts = {"shown": self._shown, "liked": self._liked, "heat": self._heat}
        FittedFile(
            kind=KIND,
            config=config,
            item_ids=tuple(self._numbers),
            arrays={name: np.array(values, np.float64) for name, values in counts.items()},
        ).write(path)

    @classmethod
    def load(cls, path: Path) -> Tally:
        """Read what ``save`` wrote.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        try:
            tally = cls(file.config["half_life_us"] * MICROSECOND, file.config["sequence"])
            tally._base_us = file.config["base_us"]
            tally._shown, tally._liked, tally._heat = (
                array("d", file.arrays[name].tobytes()) for name in ("shown", "liked", "heat")
            )
        except (KeyError, TypeError, ValueError) as error:
            raise FittedError(f"{path} holds another {KIND}", "count again") from error
        tally._numbers = {key: number for number, key in enumerate(file.item_ids)}
        return tally

    def _number(self, item_id: str) -> int:
        number = self._numbers.setdefault(item_id, len(self._numbers))
        if number == len(self._shown):
            for counts in (self._shown, self._liked, self._heat):
                counts.append(0.0)
        return number

    def _count_shown(self, event: Event) -> None:
        shown = set(event.impressions)
        if event.event_type == EventType.IMPRESSION:
            shown.add(event.item_id)
        if event.recommendation_id and shown:
            listed = self._listed((event.user_id, event.recommendation_id))
            shown -= listed
            listed |= shown
        for item_id in shown:
            self._shown[self._number(item_id)] += 1

    def _listed(self, key: tuple[str, str]) -> set[str]:
        """What a list is known to have shown; it may be added to."""
        if key not in self._lists and len(self._lists) >= LISTS:
            del self._lists[next(iter(self._lists))]
        return self._lists.setdefault(key, set())

    def _warmth(self, moment_us: int) -> float:
        """What an event of a moment counts, on the scale of the others."""
        span = self.half_life // MICROSECOND
        doublings = (moment_us - self._base_us) / span
        if doublings > MOST_DOUBLINGS:
            cooled = np.array(self._heat) * np.exp2(-doublings)
            self._heat, self._base_us = array("d", cooled.tobytes()), moment_us
            doublings = 0.0
        return float(np.exp2(doublings))


class Standings:
    """The counts of a shelf's items, for sources to read; ``refresh`` after the tally has read on.

    Args:
        tally: what counts.
        number_of: numbers of the shelf's items by id.
    """

    def __init__(self, tally: Tally, number_of: Mapping[str, int]) -> None:
        self.tally, self._number_of = tally, number_of
        self.now = tally.standing(number_of)
        self._sequence = tally.sequence

    def refresh(self) -> None:
        """Show what the tally has counted by now; nothing is done where it has read nothing."""
        if self._sequence != self.tally.sequence:
            self._sequence = self.tally.sequence
            self.now = self.tally.standing(self._number_of)


def _placed(
    counts: Sequence[float], own: NDArray[np.int64], numbers: NDArray[np.int64], num_items: int
) -> NDArray[np.float64]:
    placed = np.zeros(num_items)
    placed[numbers] = np.array(counts, np.float64)[own]
    return placed
