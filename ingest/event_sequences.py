"""Rows that hold several events: impression logs with a history, and bare sequences of items.

Where such a row gives the order of things and no time, times are made that keep the order and can
be told from real ones: a minute apart and all before the file's first impression for a history,
seconds after 1970 for a bare sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from ingest.event import EPOCH, Event, EventError, EventType

TIME_FORMAT = "%m/%d/%Y %I:%M:%S %p"
STEP_OF_HISTORY = timedelta(minutes=1)
STEP_OF_SEQUENCE = timedelta(seconds=1)


def impression_events(
    row: Mapping[str, str], event_type: str, first: datetime | None
) -> Iterator[Event]:
    """Read a row of MIND: what a user clicked before, what was shown, what was clicked then.

    A history stands in every row of its user. Its events are named by their place in it, so that
    they count once.

    Args:
        row: impression_id, user_id, time, history and impressions.
        event_type: type of what was clicked.
        first: time of the file's first impression.

    Raises:
        EventError: a cell is wrong.
    """
    shown_at = impression_time(row["time"])
    user_id, list_id = row["user_id"].strip(), row["impression_id"].strip()
    history = row["history"].split()
    for place, item_id in enumerate(history):
        said = f"history\0{user_id}\0{place}\0{item_id}"
        yield Event(
            event_id=blake2b(said.encode(), digest_size=16).hexdigest(),
            user_id=user_id,
            item_id=item_id,
            event_type=event_type,
            occurred_at=(first or shown_at) - (len(history) - place) * STEP_OF_HISTORY,
        )
    for position, shown in enumerate(row["impressions"].split()):
        item_id, label = labelled(shown)
        for kind in (EventType.IMPRESSION.value, *([event_type] if label == "1" else [])):
            yield Event(
                user_id=user_id,
                item_id=item_id,
                event_type=kind,
                occurred_at=shown_at,
                recommendation_id=list_id,
                position=position,
            )


def impression_time(text: str) -> datetime:
    """Read a time such as 11/12/2019 2:14:46 PM, as UTC.

    Raises:
        EventError: it is none.
    """
    try:
        return datetime.strptime(text.strip(), TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise EventError("time", "a time such as 11/12/2019 2:14:46 PM", text) from error


def first_impression(rows: Iterable[Mapping[str, str]]) -> datetime | None:
    """Give the earliest time among rows; those without one are passed over."""
    earliest: datetime | None = None
    for row in rows:
        try:
            found = impression_time(row["time"])
        except EventError:
            continue
        earliest = found if earliest is None else min(earliest, found)
    return earliest


def sequence_events(row: Mapping[str, str], event_type: str) -> Iterator[Event]:
    """Read a user with the items of a sequence, in order.

    Raises:
        EventError: there is no item, or a word is no id.
    """
    items = row["items"].split()
    if not items:
        raise EventError("items", "at least one item id", row["items"])
    for place, item_id in enumerate(items):
        yield Event(
            user_id=row["user_id"],
            item_id=item_id,
            event_type=event_type,
            occurred_at=EPOCH + place * STEP_OF_SEQUENCE,
        )


def labelled(shown: str) -> tuple[str, str]:
    """Cut ``N1-0``, as MIND has it, into item and label; the label is empty where there is none."""
    item_id, dash, label = shown.rpartition("-")
    return (item_id, label) if dash and label in {"0", "1"} else (shown, "")
