"""MIND's own files: what was shown and clicked (``behaviors.tsv``), and the news (``news.tsv``).

``sensorium events import`` reads the same behaviours as events. Here rows stay whole: what was
shown together, and the history as the file tells it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ingest.errors import SensoriumError
from ingest.event import EventError
from ingest.event_sequences import impression_time, labelled
from ingest.files import open_bytes

BEHAVIOUR_CELLS, FEWEST_NEWS_CELLS = 5, 5


class ImpressionFileError(SensoriumError):
    """A file of impressions or news that is none."""

    code = "impression_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpressionRow:
    """What one person was shown at a moment."""

    user_id: str
    """Who."""
    shown_at: datetime
    """When; files give no zone, and it is taken for UTC."""
    history: tuple[str, ...]
    """Ids of what the person had clicked before, earliest first."""
    shown: tuple[str, ...]
    """Ids of the items."""
    clicked: tuple[bool, ...]
    """Which of them were clicked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsRow:
    """What is said of one piece of news."""

    item_id: str
    """Its id."""
    category: str
    """Such as ``sports``; may be empty."""
    subcategory: str
    """Such as ``more_sports``; may be empty."""
    title: str
    """Its title; may be empty."""
    abstract: str
    """A few sentences; may be empty."""


def read_impressions(uri: str) -> Iterator[ImpressionRow]:
    """Read ``behaviors.tsv``, in the order of the file.

    Raises:
        ImpressionFileError: a line is no impression with known clicks.
        DecodeError: the file cannot be read.
    """
    for line, cells in _lines(uri, BEHAVIOUR_CELLS):
        pairs = [labelled(shown) for shown in cells[4].split()]
        if not pairs or any(not label for _, label in pairs):
            raise _wrong(uri, line, "items such as N1-0 and N2-1, which say what was clicked")
        try:
            shown_at = impression_time(cells[2])
        except EventError as error:
            raise _wrong(uri, line, "a time such as 11/12/2019 2:14:46 PM") from error
        yield ImpressionRow(
            user_id=cells[1].strip(),
            shown_at=shown_at,
            history=tuple(cells[3].split()),
            shown=tuple(item for item, _ in pairs),
            clicked=tuple(label == "1" for _, label in pairs),
        )


def read_news(uri: str) -> Iterator[NewsRow]:
    """Read ``news.tsv``, in the order of the file.

    Raises:
        ImpressionFileError: a line has too few cells.
        DecodeError: the file cannot be read.
    """
    for _, cells in _lines(uri, FEWEST_NEWS_CELLS):
        item_id, category, subcategory, title, abstract = (cell.strip() for cell in cells[:5])
        yield NewsRow(
            item_id=item_id,
            category=category,
            subcategory=subcategory,
            title=title,
            abstract=abstract,
        )


def _lines(uri: str, fewest: int) -> Iterator[tuple[int, list[str]]]:
    with open_bytes(uri) as stream:
        for number, data in enumerate(stream, 1):
            cells = data.decode("utf-8", "replace").rstrip("\r\n").split("\t")
            if len(cells) < fewest:
                if any(cells):
                    raise _wrong(uri, number, f"{fewest} cells, and there are {len(cells)}")
                continue
            yield number, cells


def _wrong(uri: str, line: int, expected: str) -> ImpressionFileError:
    return ImpressionFileError(
        f"{uri}, line {line}: expected {expected}",
        "give behaviors.tsv or news.tsv as MIND has them",
    )
