"""Columns of scalars that filters run over, and arrays that grow without moving what was read.

Text is coded by a vocabulary, so that a comparison looks at each distinct value once and then at
integers; numbers compare as they are. A column holds each kind in an array of its own: a value of
another kind is simply missing there. Appending never changes what lies before it: a reader that
knows how many rows it may see needs no lock.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ingest.item import AttrValue
from retrieval.base import Scalar
from retrieval.filters import (
    Both,
    Compare,
    Contains,
    Either,
    Expression,
    Kind,
    Member,
    Negation,
    is_missing,
    kind_of,
)

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class GrowingArray:
    """An array that is appended to in amortised constant time; old views stay valid.

    Args:
        start: first rows, (N, ...); may be read-only or memory-mapped, and is then copied only when
            something is appended.
    """

    def __init__(self, start: NDArray[Any]) -> None:
        self._buffer = start
        self._length = len(start)
        self._owned = False

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> NDArray[Any]:
        """The rows so far, (N, ...)."""
        return self._buffer[: self._length]

    def extend(self, rows: NDArray[Any]) -> None:
        """Append rows (B, ...)."""
        needed = self._length + len(rows)
        if not self._owned or needed > len(self._buffer):
            grown = np.empty(
                (max(needed, 2 * self._length, 256), *self._buffer.shape[1:]), self._buffer.dtype
            )
            grown[: self._length] = self._buffer[: self._length]
            self._buffer, self._owned = grown, True
        self._buffer[self._length : needed] = rows
        self._length = needed


def empty_array(dtype: DTypeLike, *shape: int) -> GrowingArray:
    """A growing array without rows whose rows have this shape."""
    return GrowingArray(np.empty((0, *shape), dtype))


class Vocabulary:
    """Distinct texts, each with a code from 0."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        self.words = list(words)
        self._codes = {word: code for code, word in enumerate(self.words)}

    def code(self, word: str) -> int:
        """Code of a word, given one now if it is new."""
        code = self._codes.setdefault(word, len(self._codes))
        if code == len(self.words):
            self.words.append(word)
        return code

    def find(self, word: str) -> int:
        """Code of a word; -2, which no row has, where it is unknown."""
        return self._codes.get(word, -2)


class Column:
    """One scalar of every row, each kind of value in its own array."""

    def __init__(self, num_rows: int = 0) -> None:
        self.num_rows = num_rows
        self.numbers: GrowingArray | None = None
        """NaN where the row has no number."""
        self.flags: GrowingArray | None = None
        """1, 0, or -1 where the row has no flag."""
        self.codes: GrowingArray | None = None
        """Code of the text, or -1."""
        self.tag_codes: GrowingArray | None = None
        """Code of each tag of each row, end to end."""
        self.tag_rows: GrowingArray | None = None
        """Row of each tag."""
        self.vocabulary = Vocabulary()

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds that some row holds."""
        held = {
            Kind.NUMBER: self.numbers,
            Kind.FLAG: self.flags,
            Kind.TEXT: self.codes,
            Kind.TAGS: self.tag_codes,
        }
        return frozenset(kind for kind, array in held.items() if array is not None)

    def extend(self, values: Sequence[Scalar]) -> None:
        """Append one value per row."""
        for offset, value in enumerate(values):
            if isinstance(value, tuple):
                self._extend_tags(self.num_rows + offset, value)
        plain = [v if not is_missing(v) and not isinstance(v, tuple) else None for v in values]
        held = {kind_of(value) for value in plain if value is not None}
        self._prepare(held)
        if self.numbers is not None:
            self.numbers.extend(_pick(plain, Kind.NUMBER, float, np.nan, np.float64))
        if self.flags is not None:
            self.flags.extend(_pick(plain, Kind.FLAG, int, -1, np.int8))
        if self.codes is not None:
            self.codes.extend(_pick(plain, Kind.TEXT, self.vocabulary.code, -1, np.int32))
        self.num_rows += len(values)

    def _prepare(self, held: set[Kind]) -> None:
        """Make room for kinds that no earlier row had."""
        if Kind.NUMBER in held and self.numbers is None:
            self.numbers = GrowingArray(np.full(self.num_rows, np.nan))
        if Kind.FLAG in held and self.flags is None:
            self.flags = GrowingArray(np.full(self.num_rows, -1, np.int8))
        if Kind.TEXT in held and self.codes is None:
            self.codes = GrowingArray(np.full(self.num_rows, -1, np.int32))

    def _extend_tags(self, row: int, tags: tuple[str, ...]) -> None:
        if self.tag_codes is None or self.tag_rows is None:
            self.tag_codes, self.tag_rows = empty_array(np.int32), empty_array(np.int32)
        codes = [self.vocabulary.code(tag) for tag in dict.fromkeys(tags)]
        self.tag_codes.extend(np.array(codes, np.int32))
        self.tag_rows.extend(np.full(len(codes), row, np.int32))

    def select(self, rows: NDArray[np.integer]) -> list[Scalar]:
        """The values of some rows, none where one is missing."""
        chosen: list[Scalar] = [None] * len(rows)
        if self.tag_codes is not None and self.tag_rows is not None:
            tags: dict[int, list[str]] = {}
            for row, code in zip(self.tag_rows.values, self.tag_codes.values, strict=True):
                tags.setdefault(int(row), []).append(self.vocabulary.words[int(code)])
            chosen = [tuple(tags[row]) if row in tags else None for row in rows.tolist()]
        for offset, row in enumerate(rows.tolist()):
            if chosen[offset] is None:
                chosen[offset] = self._plain(row)
        return chosen

    def _plain(self, row: int) -> Scalar:
        if self.codes is not None and self.codes.values[row] >= 0:
            return self.vocabulary.words[int(self.codes.values[row])]
        if self.numbers is not None and not np.isnan(self.numbers.values[row]):
            return float(self.numbers.values[row])
        if self.flags is not None and self.flags.values[row] >= 0:
            return bool(self.flags.values[row])
        return None

    def compare(self, kind: Kind, op: str, value: AttrValue, num_rows: int) -> NDArray[np.bool_]:
        """Rows whose value of this kind stands in this order to a literal, (N,)."""
        compare = _COMPARE[op]
        if kind is Kind.NUMBER and self.numbers is not None:
            numbers = self.numbers.values[:num_rows]
            return np.asarray(compare(numbers, value) & ~np.isnan(numbers))
        if kind is Kind.FLAG and self.flags is not None:
            flags = self.flags.values[:num_rows]
            return np.asarray(compare(flags, int(value)) & (flags >= 0))
        if kind is Kind.TEXT and self.codes is not None:
            codes = self.codes.values[:num_rows]
            if op in ("==", "!="):
                return np.asarray(compare(codes, self.vocabulary.find(str(value))) & (codes >= 0))
            matching = np.array([compare(word, value) for word in self.vocabulary.words] + [False])
            return np.asarray(matching[codes])
        return np.zeros(num_rows, np.bool_)

    def present(self, kind: Kind, num_rows: int) -> NDArray[np.bool_]:
        """Rows that hold a value of this kind, (N,)."""
        if kind is Kind.NUMBER and self.numbers is not None:
            return np.asarray(~np.isnan(self.numbers.values[:num_rows]))
        array = self.flags if kind is Kind.FLAG else self.codes
        if array is None:
            return np.zeros(num_rows, np.bool_)
        return np.asarray(array.values[:num_rows] >= 0)

    def member(self, values: Sequence[str], num_rows: int) -> NDArray[np.bool_]:
        """Rows whose text is one of these, (N,)."""
        if self.codes is None:
            return np.zeros(num_rows, np.bool_)
        chosen = np.zeros(len(self.vocabulary.words) + 1, np.bool_)
        found = np.array([self.vocabulary.find(value) for value in values], np.int64)
        chosen[found[found >= 0]] = True
        # Code -1, of a row without text, lands on the last place, which is never chosen.
        return np.asarray(chosen[self.codes.values[:num_rows]])

    def contains(self, tag: str, num_rows: int) -> NDArray[np.bool_]:
        """Rows that carry a tag, (N,)."""
        mask = np.zeros(num_rows, np.bool_)
        if self.tag_codes is not None and self.tag_rows is not None:
            length = len(self.tag_rows)
            rows = self.tag_rows.values[:length]
            rows = rows[self.tag_codes.values[:length] == self.vocabulary.find(tag)]
            mask[rows[rows < num_rows]] = True
        return mask


def _pick(
    values: Sequence[Scalar],
    kind: Kind,
    convert: Callable[[Any], Any],
    missing: float,
    dtype: DTypeLike,
) -> NDArray[Any]:
    chosen = [
        convert(v) if v is not None and not isinstance(v, tuple) and kind_of(v) is kind else missing
        for v in values
    ]
    return np.array(chosen, dtype)


def evaluate(tree: Expression, columns: Mapping[str, Column], num_rows: int) -> NDArray[np.bool_]:
    """Find the rows for which an expression holds.

    Args:
        tree: a checked expression.
        columns: columns by name, each at least ``num_rows`` long; an absent one holds nothing.
        num_rows: N.

    Returns:
        One truth value per row, (N,).
    """
    match tree:
        case Both(parts):
            masks = [evaluate(part, columns, num_rows) for part in parts]
            return np.asarray(np.logical_and.reduce(masks))
        case Either(parts):
            masks = [evaluate(part, columns, num_rows) for part in parts]
            return np.asarray(np.logical_or.reduce(masks))
        case Negation(part):
            return ~evaluate(part, columns, num_rows)
    column = columns.get(tree.field)
    if column is None:
        return np.zeros(num_rows, np.bool_)
    match tree:
        case Contains(_, tag):
            return column.contains(tag, num_rows)
        case Compare(_, kind, op, value):
            return column.compare(kind, op, value, num_rows)
        case Member(_, kind, values, negated):
            found = [column.compare(kind, "==", value, num_rows) for value in values]
            mask = np.asarray(np.logical_or.reduce(found))
            return column.present(kind, num_rows) & ~mask if negated else mask
