"""Random filter trees and rows to run them over."""

from __future__ import annotations

import operator
from typing import Any

from hypothesis import strategies as st

from retrieval.columns import Column
from retrieval.filters import Both, Compare, Contains, Either, Expression, Kind, Member, Negation

WORDS = ["en", "de", "x y", 'quo"te', "back\\slash", "é", "new\nline", "' or 1 == 1", "zz"]
OPS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
numbers = st.one_of(st.integers(-5, 5), st.floats(-5, 5, width=16))
words = st.sampled_from(WORDS)
rows = st.fixed_dictionaries(
    {
        "duration_seconds": st.none() | numbers,
        "lang": st.none() | st.just("") | words,
        "has_audio": st.none() | st.booleans(),
        "tags": st.lists(words, max_size=3).map(tuple),
        "attrs.mixed": st.none() | numbers | words | st.booleans(),
    }
)
leaves: st.SearchStrategy[Expression] = st.one_of(
    st.builds(
        Compare,
        st.just("duration_seconds"),
        st.just(Kind.NUMBER),
        st.sampled_from(list(OPS)),
        numbers,
    ),
    st.builds(Compare, st.just("lang"), st.just(Kind.TEXT), st.sampled_from(list(OPS)), words),
    st.builds(
        Compare,
        st.just("has_audio"),
        st.just(Kind.FLAG),
        st.sampled_from(["==", "!="]),
        st.booleans(),
    ),
    st.builds(
        Compare, st.just("attrs.mixed"), st.just(Kind.NUMBER), st.sampled_from(list(OPS)), numbers
    ),
    st.builds(
        Compare, st.just("attrs.mixed"), st.just(Kind.TEXT), st.sampled_from(list(OPS)), words
    ),
    st.builds(
        Member,
        st.just("lang"),
        st.just(Kind.TEXT),
        st.lists(words, min_size=1, max_size=3).map(tuple),
        st.booleans(),
    ),
    st.builds(
        Member,
        st.just("duration_seconds"),
        st.just(Kind.NUMBER),
        st.lists(numbers, min_size=1, max_size=3).map(tuple),
        st.booleans(),
    ),
    st.builds(Contains, st.just("tags"), words),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Negation, inner),
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(Both),
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(Either),
    ),
    max_leaves=6,
)


def columns_of(table: list[dict[str, Any]]) -> dict[str, Column]:
    """Columns of these rows, each appended on its own."""
    columns = {name: Column() for name in table[0]}
    for name, column in columns.items():
        for row in table:
            column.extend([row[name]])
    return columns
