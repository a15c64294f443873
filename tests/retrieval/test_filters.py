"""The tree, the columns and the store agree with Python about what an expression means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.columns import evaluate
from retrieval.filter_milvus import to_milvus
from retrieval.filters import (
    Both,
    Compare,
    Contains,
    Either,
    Expression,
    FilterError,
    Kind,
    Member,
    Negation,
    parse,
)
from support.filters import OPS, columns_of, rows, trees

KINDS: dict[Kind, Any] = {Kind.NUMBER: (int, float), Kind.TEXT: str, Kind.FLAG: bool}


def holds(tree: Expression, row: dict[str, Any]) -> bool:
    """What the documentation promises, row by row."""
    match tree:
        case Both(parts):
            return all(holds(part, row) for part in parts)
        case Either(parts):
            return any(holds(part, row) for part in parts)
        case Negation(part):
            return not holds(part, row)
        case Contains(field, tag):
            return tag in (row[field] or ())
    value = row[tree.field]
    is_flag = isinstance(value, bool)
    if value in (None, "") or not isinstance(value, KINDS[tree.kind]):
        return False
    if is_flag is not (tree.kind is Kind.FLAG):
        return False
    match tree:
        case Compare(_, _, op, literal):
            return bool(OPS[op](value, literal))
        case Member(_, _, literals, negated):
            return (value in literals) is not negated


@given(st.lists(rows, min_size=1, max_size=12), trees)
def test_columns_agree_with_a_loop(table: list[dict[str, Any]], tree: Expression) -> None:
    expected = [holds(tree, row) for row in table]
    assert evaluate(tree, columns_of(table), len(table)).tolist() == expected


@given(st.lists(rows, min_size=2, max_size=12), trees)
def test_a_reader_sees_only_its_rows(table: list[dict[str, Any]], tree: Expression) -> None:
    expected = [holds(tree, row) for row in table[:-1]]
    assert evaluate(tree, columns_of(table), len(table) - 1).tolist() == expected


@settings(max_examples=200)
@given(st.lists(rows, min_size=1, max_size=6), trees)
def test_written_and_read_again_means_the_same(
    table: list[dict[str, Any]], tree: Expression
) -> None:
    again = parse(written(tree))
    assert [holds(again, row) for row in table] == [holds(tree, row) for row in table]


def written(tree: Expression) -> str:
    match tree:
        case Both(parts):
            return "(" + " and ".join(map(written, parts)) + ")"
        case Either(parts):
            return "(" + " or ".join(map(written, parts)) + ")"
        case Negation(part):
            return f"not ({written(part)})"
        case Contains(field, tag):
            return f"{tag!r} in {field}"
        case Compare(field, _, op, value):
            return f"{field} {op} {value!r}"
        case Member(field, _, values, negated):
            return f"{field} {'not in' if negated else 'in'} {list(values)!r}"


def test_precedence_and_chains() -> None:
    tree = parse('not lang == "en" and 10 < duration_seconds <= 60 or "beach" in tags')
    assert tree == Either(
        (
            Both(
                (
                    Negation(Compare("lang", Kind.TEXT, "==", "en")),
                    Both(
                        (
                            Compare("duration_seconds", Kind.NUMBER, ">", 10),
                            Compare("duration_seconds", Kind.NUMBER, "<=", 60),
                        )
                    ),
                )
            ),
            Contains("tags", "beach"),
        )
    )


def test_dates_become_seconds() -> None:
    expected = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    assert parse('created_at >= "2025-01-01"') == Compare("created_at", Kind.NUMBER, ">=", expected)
    assert parse('created_at >= "2025-01-01T01:00:00+01:00"') == parse('created_at >= "2025-01-01"')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("duration_secs < 60", "did you mean duration_seconds"),
        ("attrs.ratng > 3", "did you mean attrs.rating"),
        ("nothing_like_it == 1", "the fields are item_id, title"),
        ("lang == 5", "lang holds a text"),
        ('duration_seconds < "long"', "duration_seconds holds a number"),
        ('attrs.rating == "four"', "attrs.rating holds number"),
        ('tags == "beach"', '"beach" in tags'),
        ('created_at > "yesterday"', "is not a date"),
        ("has_audio > true", "has no order"),
        ("lang in []", "at least one value"),
        ('lang in ["en", 5]', "lang holds a text"),
        ("duration_seconds <", "cannot be read"),
        ('lang = "en"', "=="),
        ("duration_seconds", "duration_seconds holds a number"),
        ("__import__('os').system('x')", "cannot hold"),
        ("lang.upper() == 'EN'", "cannot hold"),
        ("(lambda: 1) == 1", "cannot hold"),
        ("duration_seconds < 1e999", "cannot hold"),
        ("lang is None", "with =="),
        ("(" * 300 + "lang" + ")" * 300, "filter"),
        ("not " * 3000 + "has_audio", "filter"),
        ("lang == 'a' or " * 1000 + "lang == 'b'", "characters"),
        ("", "cannot be read"),
        ("lang == 'a\x00'", "filter"),
    ],
)
def test_errors_say_what_to_do(text: str, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, {"attrs.rating": frozenset({Kind.NUMBER})})
    assert says in str(caught.value)


def test_text_of_a_user_stays_a_literal() -> None:
    attack = 'x" or item_id != "'
    rendered = to_milvus(parse(f"lang == {attack!r}"), lambda field, _: field)
    assert rendered == '((exists lang) and (lang == "x\\" or item_id != \\""))'
