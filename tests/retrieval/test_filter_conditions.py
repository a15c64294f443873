"""Nested conditions mean what expressions mean, and fail alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.columns import evaluate
from retrieval.filter_conditions import parse_conditions, read_filter
from retrieval.filters import FilterError, Kind, Schema, parse
from support.filters import WORDS, columns_of, numbers, rows

FIELDS = {
    "duration_seconds": Kind.NUMBER,
    "lang": Kind.TEXT,
    "has_audio": Kind.FLAG,
    "tags": Kind.TAGS,
    "created_at": Kind.DATE,
}
SCHEMA = Schema(None, FIELDS)
words = st.sampled_from(WORDS)
scalar_fields: tuple[tuple[str, st.SearchStrategy[Any]], ...] = (
    ("duration_seconds", numbers),
    ("lang", words),
    ("attrs.mixed", numbers),
    ("attrs.mixed", words),
)
SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
Pair = tuple[dict[str, Any], str]
"""A condition, and the expression that says the same."""


def scalar_pairs(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Pair]:
    lists = st.lists(values, min_size=1, max_size=3)
    ranges = st.dictionaries(st.sampled_from(list(SIGNS)), values, min_size=1, max_size=2)
    return st.one_of(
        values.map(lambda v: ({"key": key, "match": {"value": v}}, f"{key} == {v!r}")),
        lists.map(lambda v: ({"key": key, "match": {"any": v}}, f"{key} in {v!r}")),
        lists.map(lambda v: ({"key": key, "match": {"except": v}}, f"{key} not in {v!r}")),
        ranges.map(
            lambda v: (
                {"key": key, "range": v},
                " and ".join(f"{key} {SIGNS[name]} {bound!r}" for name, bound in v.items()),
            )
        ),
    )


tag_lists = st.lists(words, min_size=1, max_size=3)
leaves: st.SearchStrategy[Pair] = st.one_of(
    *(scalar_pairs(key, values) for key, values in scalar_fields),
    words.map(lambda v: ({"key": "tags", "match": {"value": v}}, f"{v!r} in tags")),
    tag_lists.map(
        lambda v: (
            {"key": "tags", "match": {"any": v}},
            " or ".join(f"{word!r} in tags" for word in v),
        )
    ),
    tag_lists.map(
        lambda v: (
            {"key": "tags", "match": {"except": v}},
            " and ".join(f"{word!r} not in tags" for word in v),
        )
    ),
    st.booleans().map(
        lambda v: ({"key": "has_audio", "match": {"value": v}}, f"has_audio == {v!r}")
    ),
    st.just(({"is_empty": {"key": "lang"}}, 'not lang != ""')),
    st.just(
        (
            {"is_empty": {"key": "duration_seconds"}},
            "not (duration_seconds < 0 or duration_seconds >= 0)",
        )
    ),
    st.just(
        ({"is_empty": {"key": "has_audio"}}, "not (has_audio == true or has_audio == false)"),
    ),
    st.just(
        (
            {"is_empty": {"key": "attrs.mixed"}},
            'not (attrs.mixed != "" or attrs.mixed < 0 or attrs.mixed >= 0'
            " or attrs.mixed == true or attrs.mixed == false)",
        )
    ),
)


def joined(clauses: dict[str, list[Pair]]) -> Pair:
    said = {name: [pair[0] for pair in pairs] for name, pairs in clauses.items()}
    parts = [f"({pair[1]})" for pair in clauses.get("must", [])]
    some = " or ".join(f"({pair[1]})" for pair in clauses.get("should", []))
    parts += [f"({some})"] if some else []
    parts += [f"not ({pair[1]})" for pair in clauses.get("must_not", [])]
    return said, " and ".join(parts)


def clauses_of(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    names = st.sampled_from(["must", "should", "must_not"])
    lists = st.lists(inner, min_size=1, max_size=3)
    return st.dictionaries(names, lists, min_size=1, max_size=3).map(joined)


pairs = clauses_of(st.recursive(leaves, clauses_of, max_leaves=5))


@given(st.lists(rows, min_size=1, max_size=12), pairs)
@settings(max_examples=150)
def test_both_dialects_agree(table: list[dict[str, Any]], pair: Pair) -> None:
    conditions, expression = pair
    tree = parse_conditions(conditions, SCHEMA)
    assert tree is not None
    columns = columns_of(table)
    expected = evaluate(parse(expression, None, FIELDS), columns, len(table))
    assert evaluate(tree, columns, len(table)).tolist() == expected.tolist()


def test_the_tree_is_that_of_the_expression() -> None:
    conditions = {
        "must": [
            {"key": "lang", "match": {"any": ["en", "de"]}},
            {"key": "created_at", "range": {"gte": "2025-01-31"}},
        ],
        "should": [
            {"key": "tags", "match": {"value": "beach"}},
            {"key": "duration_seconds", "range": {"lt": 60}},
        ],
        "must_not": [{"key": "has_audio", "match": {"value": True}}],
    }
    expression = (
        'lang in ["en", "de"] and created_at >= "2025-01-31" '
        'and ("beach" in tags or duration_seconds < 60) and not has_audio'
    )
    assert parse_conditions(conditions, SCHEMA) == parse(expression, None, FIELDS)


@pytest.mark.parametrize("nothing", [None, "", "  ", {}, {"must": []}, {"should": [{"must": []}]}])
def test_nothing_asked_admits_everything(nothing: Any) -> None:
    assert read_filter(nothing, SCHEMA) is None


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ({"filter": []}, "has no part 'filter'"),
        ({"must": {"key": "lang"}}, "a list of conditions"),
        ({"must": ["lang"]}, "is no condition"),
        ({"must": [{"key": "lang", "match": {"text": "en"}}]}, "value, any or except"),
        ({"must": [{"key": "lang", "match": {"value": None}}]}, "no text, number"),
        ({"must": [{"key": "lang", "match": {"value": 5}}]}, "lang holds a text"),
        ({"must": [{"key": "lang", "match": {"any": []}}]}, "at least one value"),
        ({"must": [{"key": "tags", "match": {"any": []}}]}, "at least one value"),
        ({"must": [{"key": "lagn", "match": {"value": "en"}}]}, "did you mean lang"),
        ({"must": [{"key": "tags", "match": {"value": 5}}]}, "holds texts"),
        ({"must": [{"key": "tags", "range": {"lt": 5}}]}, "holds several texts"),
        ({"must": [{"key": "has_audio", "range": {"lt": True}}]}, "has no order"),
        ({"must": [{"key": "duration_seconds", "range": {}}]}, "needs one of"),
        ({"must": [{"key": "duration_seconds", "range": {"below": 5}}]}, "needs one of"),
        ({"must": [{"key": "duration_seconds", "range": {"lt": float("inf")}}]}, "no text"),
        ({"must": [{"is_empty": {"key": "tags"}}]}, "cannot be asked"),
        ({"must": [{"key": "created_at", "range": {"lt": "soon"}}]}, "is not a date"),
        ({"must": [{"key": "lang", "match": {"value": "en"}}] * 1_001}, "more than 1000"),
        ({"must": [{"key": "lang", "match": {"any": ["en"] * 1_001}}]}, "more than 1000"),
    ],
)
def test_errors_say_what_to_do(conditions: dict[str, Any], says: str) -> None:
    with pytest.raises(FilterError, match=says):
        parse_conditions(conditions, SCHEMA)


def test_depth_is_bounded() -> None:
    deep: dict[str, Any] = {"must": []}
    for _ in range(50):
        deep = {"must": [deep]}
    with pytest.raises(FilterError, match="too deeply nested"):
        parse_conditions(deep, SCHEMA)
