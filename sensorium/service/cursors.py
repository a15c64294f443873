"""Lists a page at a time: a cursor says after which row the next page begins.

A cursor holds the keys of the last row that was given, never a number of rows, so rows that come
or go in between neither repeat nor hide others. To callers it is a word without meaning. It carries
the name of its list and a checksum, so one that was cut, changed or taken from another list is told
from a good one; it holds no right and no secret, so nothing is gained by making one up.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query

from sensorium.service.hosting import HostHere
from sensorium.service.problems import ServiceError

MOST_CHARACTERS = 8_192
"""Longest cursor."""
CHECKSUM_BYTES = 6
"""Enough to tell accidents."""
LARGEST = 2**63 - 1
"""Largest number in a cursor, either way: that of a database."""
Row = TypeVar("Row")


class Cursor:
    """The cursors of one list.

    Args:
        name: of the list; another list has another.
        types: of the keys that a row is placed by.
    """

    def __init__(self, name: str, *types: type[str | int]) -> None:
        self._name, self._types = name, types

    def write(self, *keys: str | int) -> str:
        """Give the cursor of a row, by its keys."""
        told = json.dumps(keys, ensure_ascii=False, separators=(",", ":")).encode()
        return urlsafe_b64encode(self._checksum(told) + told).decode().rstrip("=")

    def read(self, text: str | None) -> tuple[Any, ...] | None:
        """Give the keys in a cursor; None where there is none, for the first page.

        Raises:
            ServiceError: it is not a cursor of this list.
        """
        if not text:
            return None
        try:
            data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            keys = tuple(json.loads(data[CHECKSUM_BYTES:]))
            same = self.write(*keys) == text
        except (ValueError, TypeError, RecursionError):
            raise _bad() from None
        if not same or len(keys) != len(self._types) or not all(map(_fits, keys, self._types)):
            raise _bad()
        return keys

    def _checksum(self, told: bytes) -> bytes:
        return blake2b(told, digest_size=CHECKSUM_BYTES, key=self._name.encode()).digest()


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list is asked for."""

    n: int
    """Most rows."""
    cursor: str | None
    """As the page before gave it; None for the first."""

    def cut(self, rows: Sequence[Row]) -> tuple[Sequence[Row], Row | None]:
        """Give the rows of this page, and its last where more rows follow.

        Args:
            rows: as they come; one more than ``n`` says that more follow.
        """
        kept = rows[: self.n]
        return kept, kept[-1] if len(rows) > self.n else None


def _page(
    host: HostHere,
    n: Annotated[int | None, Query(ge=1, description="Most rows.")] = None,
    cursor: Annotated[
        str | None,
        Query(max_length=MOST_CHARACTERS, description="`next_cursor` of the page before."),
    ] = None,
) -> Page:
    settings = host.config.service
    if n is not None and n > settings.most_rows:
        raise ServiceError(422, "invalid", f"query/n: at most {settings.most_rows} rows at a time")
    return Page(n or settings.page_size, cursor)


PageHere = Annotated[Page, Depends(_page)]
"""Which page a request asks for, by ``n`` and ``cursor``."""


def _fits(key: Any, kind: type[str | int]) -> bool:
    if type(key) is not kind:
        return False
    return "\0" not in key if isinstance(key, str) else abs(key) <= LARGEST


def _bad() -> ServiceError:
    return ServiceError(
        422,
        "cursor",
        "the cursor is not one of this list",
        "take next_cursor of the answer before as it is, or leave it out for the first page",
    )
