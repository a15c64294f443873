"""A filter in Milvus's own language, rendered from the checked tree.

Every literal is escaped as JSON: what a user writes never becomes syntax.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ingest.item import AttrValue
from retrieval.filters import Both, Compare, Contains, Either, Expression, Kind, Member, Negation

_INVERSE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def to_milvus(tree: Expression, path: Callable[[str, Kind], str]) -> str:
    """Render an expression in Milvus's own language.

    Negation is pushed down to the leaves and missing values are guarded by ``exists``, because
    stores differ in what a comparison with a missing key gives.

    Args:
        tree: a checked expression.
        path: the store's name of a field that holds a kind.

    Returns:
        The expression; literals are escaped as JSON.
    """
    return _render(tree, path, negated=False)


def _render(tree: Expression, path: Callable[[str, Kind], str], *, negated: bool) -> str:
    match tree:
        case Negation(part):
            return _render(part, path, negated=not negated)
        case Both(parts) | Either(parts):
            word = " and " if isinstance(tree, Both) is not negated else " or "
            return f"({word.join(_render(part, path, negated=negated) for part in parts)})"
        case Contains(field, tag):
            test = f"json_contains({path(field, Kind.TAGS)}, {_quoted(tag)})"
            return f"(not {test})" if negated else test
        case Compare(field, kind, op, value):
            name = path(field, kind)
            sign = _INVERSE[op] if negated else op
            return _guarded(name, f"{name} {sign} {_quoted(value)}", negated)
        case Member(field, kind, values, none_of):
            name = path(field, kind)
            sign, word = ("!=", " and ") if none_of is not negated else ("==", " or ")
            test = word.join(f"{name} {sign} {_quoted(value)}" for value in values)
            return _guarded(name, f"({test})", negated)


def _guarded(name: str, test: str, negated: bool) -> str:
    # Servers before 2.4 read ``exists`` as a condition only between brackets of its own.
    held = f"(exists {name})"
    return f"((not {held}) or ({test}))" if negated else f"({held} and ({test}))"


def _quoted(value: AttrValue) -> str:
    return json.dumps(value, ensure_ascii=False)
