"""Filters as nested conditions, the way vector stores take them in JSON.

``{"must": [{"key": "lang", "match": {"value": "en"}}, {"key": "width", "range": {"gt": 600}}]}``
gives the same tree as the expression ``lang == "en" and width > 600``, and is checked by the same
``Schema``, so that both dialects mean the same and fail alike. Choices worth knowing:
- every condition of ``must`` holds, some of ``should``, none of ``must_not``; an absent or empty
  list asks for nothing, and a condition may itself be such a filter;
- a match on tags asks whether a tag is among them: ``value`` this one, ``any`` one of these,
  ``except`` none of these;
- a missing value matches no comparison, as in expressions; ``is_empty`` asks for those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ingest.item import AttrValue
from retrieval.filters import (
    Both,
    Compare,
    Either,
    Expression,
    FilterError,
    Kind,
    Negation,
    Schema,
    parse_checked,
)

Where = str | Mapping[str, Any]
"""A filter in either dialect: an expression, or nested conditions."""
MOST_CONDITIONS = 1_000
"""Most conditions of one filter, and most values that one condition names."""
MOST_NESTED = 20
"""Most filters within each other."""
CLAUSES = ("must", "should", "must_not")
RANGE_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
HINT = 'write {"must": [{"key": "lang", "match": {"value": "en"}}]}'


def read_filter(where: Where | None, schema: Schema) -> Expression | None:
    """Read a filter of either dialect.

    Args:
        where: an expression, nested conditions, or none.
        schema: the fields that it may name.

    Returns:
        The checked tree; None where nothing is asked for.

    Raises:
        FilterError: it cannot be understood.
    """
    if where is None:
        return None
    if isinstance(where, str):
        return parse_checked(where, schema) if where.strip() else None
    return parse_conditions(where, schema)


def parse_conditions(conditions: Mapping[str, Any], schema: Schema) -> Expression | None:
    """Read nested conditions.

    Args:
        conditions: lists of conditions under ``must``, ``should`` and ``must_not``.
        schema: the fields that they may name.

    Returns:
        The checked tree; None where nothing is asked for.

    Raises:
        FilterError: they cannot be understood.
    """
    return _Reader(schema).read(conditions, 0)


class _Reader:
    """Turns conditions into the tree of expressions."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._read = 0

    def read(self, conditions: Mapping[str, Any], depth: int) -> Expression | None:
        if depth >= MOST_NESTED:
            raise FilterError("the filter is too deeply nested", "split it")
        unknown = sorted(set(conditions) - set(CLAUSES))
        if unknown:
            raise FilterError(f"a filter has no part {unknown[0]!r}", f"use {', '.join(CLAUSES)}")
        must, should, must_not = (self._clause(conditions, name, depth) for name in CLAUSES)
        parts = [*must, *([_some(should)] if should else []), *map(Negation, must_not)]
        return _every(parts) if parts else None

    def _clause(self, conditions: Mapping[str, Any], name: str, depth: int) -> list[Expression]:
        given = conditions.get(name)
        if given is None:
            return []
        if not isinstance(given, list):
            raise FilterError(f"{name} holds a list of conditions, not {_shown(given)}", HINT)
        self._read += len(given)
        if self._read > MOST_CONDITIONS:
            raise FilterError(f"the filter has more than {MOST_CONDITIONS} conditions", "split it")
        found = [self._condition(one, depth) for one in given]
        return [one for one in found if one is not None]

    def _condition(self, given: Any, depth: int) -> Expression | None:
        match given:
            case {"key": str(key), "match": dict(how), **rest} if not rest:
                return self._match(key, how)
            case {"key": str(key), "range": dict(bounds), **rest} if not rest:
                return self._range(key, bounds)
            case {"is_empty": {"key": str(key), **more}, **rest} if not (rest or more):
                return self._is_empty(key)
            case dict() if set(given) & set(CLAUSES):
                return self.read(given, depth + 1)
            case _:
                raise FilterError(f"{_shown(given)} is no condition", HINT)

    def _match(self, key: str, how: Mapping[str, Any]) -> Expression:
        tags = self._schema.kinds(key) == {Kind.TAGS}
        match how:
            case {"value": value, **rest} if not rest:
                literal = _literal(value)
                if tags:
                    return self._schema.contains(key, literal)
                return self._schema.compare(key, "==", literal)
            case {"any": list(values), **rest} if not rest:
                return self._one_of(key, values, tags)
            case {"except": list(values), **rest} if not rest:
                if tags:
                    return Negation(self._one_of(key, values, tags))
                return self._schema.member(key, _literals(values), negated=True)
            case _:
                raise FilterError(
                    f"{key} is matched with value, any or except, not {_shown(how)}", HINT
                )

    def _one_of(self, key: str, values: list[Any], tags: bool) -> Expression:
        literals = _literals(values)
        if not tags:
            return self._schema.member(key, literals, negated=False)
        if not literals:
            raise FilterError(f"any needs at least one value to match {key}", HINT)
        return _some([self._schema.contains(key, literal) for literal in literals])

    def _range(self, key: str, bounds: Mapping[str, Any]) -> Expression:
        unknown = sorted(set(bounds) - set(RANGE_SIGNS))
        if unknown or not bounds:
            raise FilterError(
                f"the range of {key} needs one of {', '.join(RANGE_SIGNS)}, not {_shown(bounds)}",
                'write {"key": "duration_seconds", "range": {"lt": 60}}',
            )
        return _every(
            [
                self._schema.compare(key, RANGE_SIGNS[name], _literal(value))
                for name, value in bounds.items()
            ]
        )

    def _is_empty(self, key: str) -> Expression:
        """No value of any kind that the field may hold is there."""
        kinds = self._schema.kinds(key)
        if Kind.TAGS in kinds:
            raise FilterError(f"is_empty cannot be asked of {key}", "match the tags themselves")
        held = [
            Compare(key, kind, sign, literal)
            for kind, sign, literal in _PRESENT
            if kind in kinds or (kind is Kind.NUMBER and Kind.DATE in kinds)
        ]
        return Negation(_some(held))


_PRESENT: tuple[tuple[Kind, str, AttrValue], ...] = (
    (Kind.TEXT, "!=", ""),
    (Kind.NUMBER, "==", 0),
    (Kind.NUMBER, "!=", 0),
    (Kind.FLAG, "==", True),
    (Kind.FLAG, "!=", True),
)
"""Comparisons of which one holds wherever there is a value of that kind."""


def _every(parts: list[Expression]) -> Expression:
    return _joined(Both, parts)


def _some(parts: list[Any]) -> Expression:
    return _joined(Either, parts)


def _joined(
    kind: Callable[[tuple[Expression, ...]], Expression], parts: list[Expression]
) -> Expression:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _literals(values: list[Any]) -> list[AttrValue]:
    if len(values) > MOST_CONDITIONS:
        raise FilterError(f"a condition names more than {MOST_CONDITIONS} values", "split it")
    return [_literal(value) for value in values]


def _literal(value: Any) -> AttrValue:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float) and abs(value) < float("inf"):
        return value if abs(value) < 2**53 else float(value)
    raise FilterError(f"{_shown(value)} is no text, number or truth value", HINT)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
