"""Filter expressions: ``duration_seconds < 60 and lang in ["en", "de"] and "beach" in tags``.

The grammar is Python's own, restricted to an allow-list of nodes, so that precedence, quoting and
escapes are those a reader knows; nothing is ever evaluated as Python. Choices worth knowing:
- a missing value (none, or empty text) matches no comparison, ``!=`` and ``not in`` included;
  ``not (...)`` is plain negation, so ``not lang == "en"`` does match an item without a language;
- a comparison of two types is an error where the type is known, and never a match otherwise;
- a second dialect, ``retrieval.filter_conditions``, gives the same tree, checked by ``Schema``.
"""

from __future__ import annotations

import ast
import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from ingest.errors import SensoriumError
from ingest.item import AttrValue

MAX_LENGTH = 10_000
"""Most characters of one expression."""


class FilterError(SensoriumError):
    """A filter expression cannot be understood."""

    code = "filter"


class Kind(StrEnum):
    """What a field holds."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "flag"
    DATE = "date"
    TAGS = "tags"


ITEM_SCALARS: Mapping[str, Kind] = {
    "item_id": Kind.TEXT,
    "title": Kind.TEXT,
    "duration_seconds": Kind.NUMBER,
    "width": Kind.NUMBER,
    "height": Kind.NUMBER,
    "created_at": Kind.DATE,
    "creator_id": Kind.TEXT,
    "lang": Kind.TEXT,
    "tags": Kind.TAGS,
    "has_video": Kind.FLAG,
    "has_image": Kind.FLAG,
    "has_audio": Kind.FLAG,
    "has_text": Kind.FLAG,
    "duplicate_of": Kind.TEXT,
}
"""Fields of an item, beside ``attrs.NAME``. A date is stored as seconds since 1970 in UTC."""
SEGMENT_SCALARS: Mapping[str, Kind] = {
    "item_id": Kind.TEXT,
    "modality": Kind.TEXT,
    "start_seconds": Kind.NUMBER,
    "end_seconds": Kind.NUMBER,
}
"""Fields of a segment."""
ATTRS = "attrs."
PLAIN_KINDS = frozenset({Kind.NUMBER, Kind.TEXT, Kind.FLAG})
"""What an attribute may hold."""


@dataclass(frozen=True, slots=True)
class Compare:
    """A present value stands in this order to a literal."""

    field: str
    """Name of the field."""
    kind: Kind
    """Kind of the literal: number, text or flag; a date is a number by now."""
    op: str
    """One of ``== != < <= > >=``."""
    value: AttrValue
    """The literal."""


@dataclass(frozen=True, slots=True)
class Member:
    """A present value is one of some literals of one kind, or none of them."""

    field: str
    """Name of the field."""
    kind: Kind
    """Kind of the literals."""
    values: tuple[AttrValue, ...]
    """The literals, at least one."""
    negated: bool = False
    """Whether the value must be none of them."""


@dataclass(frozen=True, slots=True)
class Contains:
    """A tag is among the tags."""

    field: str
    """Name of the field."""
    tag: str
    """The tag."""


@dataclass(frozen=True, slots=True)
class Both:
    """Every part holds."""

    parts: tuple[Expression, ...]
    """At least two."""


@dataclass(frozen=True, slots=True)
class Either:
    """Some part holds."""

    parts: tuple[Expression, ...]
    """At least two."""


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold."""

    part: Expression
    """What must not hold."""


Expression = Compare | Member | Contains | Both | Either | Negation
Leaf = Compare | Member | Contains

_OPS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def parse(
    text: str,
    attrs: Mapping[str, frozenset[Kind]] | None = None,
    scalars: Mapping[str, Kind] = ITEM_SCALARS,
) -> Expression:
    """Read an expression and check its fields and types.

    Args:
        text: the expression.
        attrs: which kinds each ``attrs.NAME`` holds; none to accept any attribute.
        scalars: the declared fields.

    Returns:
        The checked tree.

    Raises:
        FilterError: the text is not an expression, a field is unknown, or two types do not compare.
    """
    return parse_checked(text, Schema(attrs, scalars))


def parse_checked(text: str, schema: Schema) -> Expression:
    """Read an expression against known fields; see ``parse``."""
    if len(text) > MAX_LENGTH:
        raise FilterError(f"the filter has more than {MAX_LENGTH} characters", "shorten it")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return _Reader(schema).read(tree.body)
    except SyntaxError as error:
        raise FilterError(
            f"the filter cannot be read at character {error.offset or 1}: {text!r}",
            'write it like duration_seconds < 60 and lang == "en"; and, or, not, in, == are words '
            "and signs it knows",
        ) from None
    except (ValueError, RecursionError, MemoryError):
        raise FilterError("the filter is too deeply nested", "split it") from None


class Schema:
    """The fields that a filter may name, and what each may be compared with.

    Args:
        attrs: which kinds each ``attrs.NAME`` holds; none to accept any attribute.
        scalars: the declared fields.
    """

    def __init__(
        self, attrs: Mapping[str, frozenset[Kind]] | None, scalars: Mapping[str, Kind]
    ) -> None:
        self._attrs = attrs
        self._scalars = scalars

    def kinds(self, name: str) -> frozenset[Kind]:
        """What a field holds; an attribute may hold several kinds.

        Raises:
            FilterError: there is no such field.
        """
        if name in self._scalars:
            return frozenset({self._scalars[name]})
        if name.startswith(ATTRS) and (self._attrs is None or name in self._attrs):
            return PLAIN_KINDS if self._attrs is None else self._attrs[name]
        known = [*self._scalars, *sorted(self._attrs or ())]
        close = difflib.get_close_matches(name, known, n=1)
        suggestion = f"did you mean {close[0]}? " if close else ""
        raise FilterError(
            f"no field is called {name}", f"{suggestion}the fields are {', '.join(known)}"
        )

    def compare(self, name: str, sign: str, value: AttrValue) -> Compare:
        """Compare a field with a literal.

        Args:
            name: of the field.
            sign: one of ``== != < <= > >=``.
            value: the literal; a date as text.

        Raises:
            FilterError: the field does not hold such values.
        """
        kind = self._check(name, value)
        if kind is Kind.FLAG and sign not in ("==", "!="):
            raise FilterError(f"{name} is true or false and has no order", "compare with ==")
        return Compare(name, kind, sign, self._stored(name, value))

    def member(self, name: str, values: Sequence[AttrValue], negated: bool) -> Member:
        """Ask whether a field is one of some literals, or none of them.

        Raises:
            FilterError: the field does not hold such values, there is none, or they are mixed.
        """
        if not values:
            raise FilterError("in needs a list with at least one value", 'write lang in ["en"]')
        kinds = {self._check(name, value) for value in values}
        if len(kinds) > 1:
            raise FilterError(f"the list after {name} mixes types", "use one type")
        return Member(name, kinds.pop(), tuple(self._stored(name, v) for v in values), negated)

    def contains(self, name: str, tag: AttrValue) -> Contains:
        """Ask whether a tag is among those of a field.

        Raises:
            FilterError: the field holds no tags, or the literal is no text.
        """
        if self.kinds(name) != {Kind.TAGS}:
            raise FilterError(f"{name} holds one value, not several", f"write {name} == ...")
        if not isinstance(tag, str):
            raise FilterError(f"{name} holds texts, not {tag!r}", f"write {json.dumps(tag)!r}")
        return Contains(name, tag)

    def _check(self, name: str, value: AttrValue) -> Kind:
        """Kind of the literal, where the field may hold it."""
        holds, kind = self.kinds(name), kind_of(value)
        if holds == {Kind.TAGS}:
            raise FilterError(f"{name} holds several texts", f'write "beach" in {name}')
        if holds == {Kind.DATE} and kind in (Kind.TEXT, Kind.NUMBER):
            return Kind.NUMBER
        if kind in holds:
            return kind
        several = name not in self._scalars
        held = " or ".join(sorted(holds)) if several else f"a {min(holds).value}"
        raise FilterError(f"{name} holds {held}, not {value!r}")

    def _stored(self, name: str, value: AttrValue) -> AttrValue:
        """The literal as the index stores such values: dates become seconds."""
        if self._scalars.get(name) is not Kind.DATE or not isinstance(value, str):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise FilterError(f"{value!r} is not a date", 'write "2025-01-31"') from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class _Reader:
    """Turns Python's tree into ours."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def read(self, node: ast.expr) -> Expression:
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = tuple(self.read(value) for value in values)
                return Both(parts) if isinstance(op, ast.And) else Either(parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Negation(self.read(operand))
            case ast.Compare(left=left, ops=ops, comparators=rights):
                lefts = [left, *rights[:-1]]
                parts = tuple(map(self._comparison, lefts, ops, rights))
                return parts[0] if len(parts) == 1 else Both(parts)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._schema.compare(_field(node), "==", True)
            case _:
                raise _refusal(node)

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Leaf | Negation:
        if isinstance(op, ast.In | ast.NotIn):
            return self._membership(left, isinstance(op, ast.NotIn), right)
        if type(op) not in _OPS:
            raise FilterError("a filter compares with ==, not with is")
        sign = _OPS[type(op)]
        if _is_literal(left) and not _is_literal(right):
            left, right, sign = right, left, _MIRRORED[sign]
        return self._schema.compare(_field(left), sign, _literal(right))

    def _membership(self, left: ast.expr, negated: bool, right: ast.expr) -> Leaf | Negation:
        if _is_literal(left):
            found = self._schema.contains(_field(right), _literal(left))
            return Negation(found) if negated else found
        values = right.elts if isinstance(right, ast.List | ast.Tuple) else []
        return self._schema.member(_field(left), [_literal(value) for value in values], negated)


def _field(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id="attrs"), attr=attr):
            return ATTRS + attr
        case ast.Subscript(value=ast.Name(id="attrs"), slice=ast.Constant(value=str(attr))):
            return ATTRS + attr
        case _:
            raise _refusal(node)


def kind_of(value: AttrValue) -> Kind:
    """Kind of a plain value: flag, text or number."""
    if isinstance(value, bool):
        return Kind.FLAG
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def is_missing(value: object) -> bool:
    """Whether a stored value counts as absent: none, empty text, or not a number."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return _is_literal(node.operand)
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.Name) and node.id in ("true", "false")
    )


def _literal(node: ast.expr) -> AttrValue:
    match node:
        case ast.Name(id="true" | "false" as word):
            return word == "true"
        case ast.Constant(value=bool() | str() as plain):
            return plain
        case ast.Constant(value=int() | float() as number) if math.isfinite(number):
            return number if abs(number) < 2**53 else float(number)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case _:
            raise _refusal(node)


def _refusal(node: ast.expr) -> FilterError:
    return FilterError(
        f"a filter cannot hold {ast.unparse(node)!r} there",
        'compare a field with a literal, like duration_seconds < 60 or "beach" in tags',
    )
