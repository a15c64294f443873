"""Layouts of event files that are known on sight: public data sets, and our own.

A file says what it is by the names of its columns, or, where it has none, by the shape of its
lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ingest.event import EventType
from ingest.event_records import FIELDS, NEEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the rows of a file become events."""

    name: str
    """Name for people and for ``--format``."""
    columns: Mapping[str, str]
    """Field by column of the file."""
    needed: frozenset[str] = frozenset()
    """Columns by which a file is recognised."""
    event_type: str = ""
    """Type of rows that name none."""
    line: re.Pattern[str] | None = None
    """Shape of a line, for files whose columns have no names."""
    header: tuple[str, ...] = ()
    """Names for the columns of such files."""
    delimiter: str | None = None
    """What stands between them; None for any white space, which the last column may hold, too."""


def _named(name: str, event_type: str, columns: Mapping[str, str], *optional: str) -> Layout:
    """A layout with names of columns; rows may lack the optional ones."""
    needed = frozenset(columns.keys() - set(optional))
    return Layout(name=name, columns=columns, needed=needed, event_type=event_type)


def _shaped(name: str, event_type: str, line: str, delimiter: str | None, *header: str) -> Layout:
    """A layout without names of columns."""
    return Layout(
        name=name,
        columns={column: column for column in header},
        event_type=event_type,
        line=re.compile(line),
        header=header,
        delimiter=delimiter,
    )


MIND = "mind"
SEQUENCES = "sequences"
OWN = Layout(name="events", columns={name: name for name in FIELDS}, needed=frozenset(NEEDED))
RATED = ("user_id", "item_id", "value", "timestamp")
RATED_ITEM_FIRST = ("item_id", "user_id", "value", "timestamp")

LAYOUTS = (
    _named(
        "personalize",
        EventType.CLICK,
        {
            "USER_ID": "user_id",
            "ITEM_ID": "item_id",
            "TIMESTAMP": "timestamp",
            "EVENT_TYPE": "event_type",
            "EVENT_VALUE": "value",
            "IMPRESSION": "impressions",
            "RECOMMENDATION_ID": "recommendation_id",
        },
        "EVENT_TYPE",
        "EVENT_VALUE",
        "IMPRESSION",
        "RECOMMENDATION_ID",
    ),
    _named(
        "movielens",
        EventType.RATING,
        {"userId": "user_id", "movieId": "item_id", "rating": "value", "timestamp": "timestamp"},
    ),
    _shaped("movielens", EventType.RATING, r"\d+\t\d+\t[\d.]+\t\d{9,}", "\t", *RATED),
    _shaped("movielens", EventType.RATING, r"\d+::\d+::[\d.]+::\d{9,}", "::", *RATED),
    _named(
        "recbole",
        EventType.RATING,
        {
            "user_id:token": "user_id",
            "item_id:token": "item_id",
            "rating:float": "value",
            "timestamp:float": "timestamp",
        },
    ),
    _named(
        "recbole",
        EventType.CLICK,
        {
            "user_id:token": "user_id",
            "item_id:token": "item_id",
            "timestamp:float": "timestamp",
        },
    ),
    _named(
        "amazon",
        EventType.RATING,
        {
            "reviewerID": "user_id",
            "asin": "item_id",
            "overall": "value",
            "unixReviewTime": "timestamp",
        },
    ),
    _named(
        "amazon",
        EventType.RATING,
        {
            "user_id": "user_id",
            "parent_asin": "item_id",
            "rating": "value",
            "timestamp": "timestamp",
        },
    ),
    _shaped("amazon", EventType.RATING, r"A[A-Z\d]{9,},[B\d][A-Z\d]{9},[\d.]+,\d{9,}", ",", *RATED),
    _shaped(
        "amazon",
        EventType.RATING,
        r"[B\d][A-Z\d]{9},A[A-Z\d]{9,},[\d.]+,\d{9,}",
        ",",
        *RATED_ITEM_FIRST,
    ),
    _shaped(
        MIND,
        EventType.CLICK,
        r"\S+\t\S+\t\d+/\d+/\d{4} \d+:\d\d:\d\d [AP]M\t[^\t]*\t\S.*",
        "\t",
        "impression_id",
        "user_id",
        "time",
        "history",
        "impressions",
    ),
    _named(
        "kuairec",
        EventType.WATCH_TIME,
        {
            "user_id": "user_id",
            "video_id": "item_id",
            "watch_ratio": "value",
            "timestamp": "timestamp",
        },
    ),
    _named(
        "microlens",
        EventType.COMMENT,
        {"user": "user_id", "item": "item_id", "timestamp": "timestamp"},
    ),
    _shaped(SEQUENCES, EventType.CLICK, r"\d+\t\d+( \d+)+", None, "user_id", "items"),
    OWN,
)
FORMATS = tuple(dict.fromkeys(layout.name for layout in LAYOUTS))
"""Names for ``--format``, besides auto."""
