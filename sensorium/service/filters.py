"""Filters as clients write them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from retrieval.filters import MAX_LENGTH

FilterIn = Annotated[
    Annotated[str, Field(max_length=MAX_LENGTH)]
    | Annotated[dict[str, Any], Field(max_length=3)]
    | None,
    Field(
        description='What items must pass: an expression (lang == "en" and width > 600), or '
        '{"must": [...], "should": [...], "must_not": [...]} with conditions '
        '{"key": "lang", "match": {"value" | "any" | "except"}}, '
        '{"key": "width", "range": {"gt" | "gte" | "lt" | "lte"}}, {"is_empty": {"key": "title"}}.'
    ),
]
"""A filter in a body."""
FilterQuery = Annotated[
    str | None,
    Query(alias="filter", max_length=MAX_LENGTH, description="Expression that items must pass."),
]
"""A filter in a query string."""
