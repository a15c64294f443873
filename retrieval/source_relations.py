"""Candidates that stand in a named relation to what was liked lately, as a table.

For every item the table holds the items that its relations lead to, by name: those that are known,
and those that were completed. A known one counts 1; one that was completed counts the share of
known pairs whose true end stood at the same place when it was asked for, so a relation that is
guessed badly brings little. A candidate is found from either end, and says which: that it is a
``sequel of`` what was liked, or that what was liked is a sequel of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ingest.histories import History
from retrieval.fitted import FittedError, FittedFile
from retrieval.relation_graph import BACK
from retrieval.source import NOTHING, Found, Said, best_of

KIND = "table of relations"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedConfig:
    """Which related items are brought."""

    use: Literal["off", "known", "completed"] = "off"
    """None; those in relations that were imported; or also those that relations were completed
    with."""
    recent: int = 10
    """Most different items of a history, the latest."""
    recency: float = 0.2
    """The item so many places from the end counts places ** -recency."""

    def __post_init__(self) -> None:
        if self.recent < 1 or self.recency < 0:
            raise ValueError(
                f"recent must be 1 or more, recency 0 or more: {self.recent = }, {self.recency = }"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedRow:
    """One entry of a table."""

    item: int
    """From which."""
    related: int
    """To which."""
    relation: str
    """By which, with ``BACK`` before it where ``related`` is the head."""
    weight: float
    """How much it counts."""
    known: bool
    """Whether it was given rather than found."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RelatedTable:
    """What each item leads to."""

    item_ids: tuple[str, ...]
    """Items, (N,)."""
    relations: tuple[str, ...]
    """Names, (R,)."""
    offsets: NDArray[np.int64]
    """Where the entries of each item begin, and where the last one's end, (N + 1,)."""
    related: NDArray[np.int32] = field(repr=False)
    """Numbers of items, (W,)."""
    by: NDArray[np.int32] = field(repr=False)
    """Numbers of relations, (W,)."""
    weights: NDArray[np.float32] = field(repr=False)
    """How much each counts, (W,)."""
    known: NDArray[np.bool_] = field(repr=False)
    """Which were given, (W,)."""

    @classmethod
    def of(cls, item_ids: Sequence[str], rows: Sequence[RelatedRow]) -> RelatedTable:
        """Put entries into their order."""
        names = tuple(sorted({row.relation for row in rows}))
        number_of = {name: number for number, name in enumerate(names)}
        kept = sorted(rows, key=lambda row: (row.item, -row.weight, row.related, row.relation))
        counts = np.bincount([row.item for row in kept], minlength=len(item_ids))
        return cls(
            item_ids=tuple(item_ids),
            relations=names,
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            related=np.array([row.related for row in kept], np.int32),
            by=np.array([number_of[row.relation] for row in kept], np.int32),
            weights=np.array([row.weight for row in kept], np.float32),
            known=np.array([row.known for row in kept], np.bool_),
        )

    def save(self, path: Path) -> None:
        """Write it; the file appears whole or not at all."""
        arrays: dict[str, NDArray[Any]] = {
            name: getattr(self, name) for name in ("offsets", "related", "by", "weights", "known")
        }
        config = {"relations": list(self.relations)}
        FittedFile(kind=KIND, config=config, item_ids=self.item_ids, arrays=arrays).write(path)

    @classmethod
    def load(cls, path: Path) -> RelatedTable:
        """Read what ``save`` wrote.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        try:
            relations = tuple(file.config["relations"])
            return cls(item_ids=file.item_ids, relations=relations, **file.arrays)
        except (KeyError, TypeError) as error:
            raise FittedError(f"{path} holds another {KIND}", "learn it again") from error


class RelatedSource:
    """Names what relations lead to.

    Args:
        table: of the items that were there when it was made.
        config: what is brought.
        number_of: numbers of the shelf's items by id.
    """

    name = "relations"

    def __init__(
        self, table: RelatedTable, config: RelatedConfig, number_of: Mapping[str, int]
    ) -> None:
        self.table, self.config = table, config
        self._of_table = np.array([number_of.get(key, -1) for key in table.item_ids], np.int64)
        self._of_shelf = np.full(len(number_of), -1, np.int64)
        held = np.flatnonzero(self._of_table >= 0)
        self._of_shelf[self._of_table[held]] = held

    def candidates(self, history: History, limit: int) -> Found:
        """Find candidates; see ``Source``. What speaks most for one says why it was found."""
        items, places = np.unique(history.items[::-1], return_index=True)
        latest = items[np.argsort(places)][: self.config.recent]
        scores, said = dict[int, float](), dict[int, tuple[float, Said]]()
        for place, item in enumerate(latest.tolist(), 1):
            self._add(item, place**-self.config.recency, scores, said)
        if not scores:
            return NOTHING
        numbers = np.fromiter(scores, np.int64, len(scores))
        sums = np.fromiter(scores.values(), np.float32, len(scores))
        found = best_of(numbers, sums, limit)
        reasons = {item: said[item][1] for item in found.items.tolist()}
        return Found(items=found.items, scores=found.scores, said=reasons)

    def _add(
        self, item: int, share: float, scores: dict[int, float], said: dict[int, tuple[float, Said]]
    ) -> None:
        """Add what one item of a history leads to."""
        table, row = self.table, int(self._of_shelf[item])
        if row < 0:
            return
        for entry in range(int(table.offsets[row]), int(table.offsets[row + 1])):
            related = int(self._of_table[table.related[entry]])
            if related < 0 or (self.config.use == "known" and not table.known[entry]):
                continue
            weight = share * float(table.weights[entry])
            scores[related] = scores.get(related, 0.0) + weight
            if weight > said.get(related, (0.0, None))[0]:
                words = said_of(table.relations[table.by[entry]], bool(table.known[entry]))
                said[related] = (weight, Said(words=words, item=item))


def said_of(relation: str, known: bool) -> str:
    """Words for a relation to the item that ``{item}`` stands for."""
    perhaps = "" if known else "perhaps "
    if relation.startswith(BACK):
        return f"{perhaps}{relation.removeprefix(BACK)} {{item}}"
    return f"{{item}} is {perhaps}{relation} this"
