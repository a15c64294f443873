"""Multipart bodies taken apart while they arrive, so that no file lies in memory as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from sensorium.service.problems import ServiceError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_HEADER_BYTES = 8_192
"""Longest headers of one part."""
MOST_PARTS = 32
"""Most parts of a body."""


@dataclass(slots=True)
class Part:
    """The headers of one part, read."""

    name: str = ""
    """Of the field."""
    filename: str | None = None
    """As the caller calls the file; None for a field of words."""
    content_type: str = ""
    """Without parameters, in lower case."""


@dataclass(slots=True)
class _Headers:
    """Headers as they arrive."""

    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    known: dict[bytes, bytes] = field(default_factory=dict)
    size_bytes: int = 0


class Multipart:
    """Takes one body apart.

    Args:
        content_type: header of the request.
        on_part: called at the beginning of each part.
        on_data: called with its bytes, as often as they come.

    Raises:
        ServiceError: the body is no multipart form.
    """

    def __init__(
        self,
        content_type: str,
        on_part: Callable[[Part], None],
        on_data: Callable[[bytes], None],
    ) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise ServiceError(415, "media_type", "the body is not multipart/form-data")
        self._on_part, self._on_data = on_part, on_data
        self._headers, self._parts, self._ended = _Headers(), 0, False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(options[b"boundary"], callbacks)
        except FormParserError as error:
            raise _broken(error) from None

    def feed(self, data: bytes) -> None:
        """Take bytes of the body.

        Raises:
            ServiceError: they make no sense.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _broken(error) from None

    def finish(self) -> None:
        """Take the end of the body.

        Raises:
            ServiceError: it ended too early.
        """
        if not self._ended:
            raise ServiceError(422, "invalid", "body: it ends before its last boundary")

    def _begin(self) -> None:
        self._headers = _Headers()
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise ServiceError(422, "invalid", f"body: more than {MOST_PARTS} parts")

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._headers.name += self._counted(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._headers.value += self._counted(data[start:end])

    def _counted(self, data: bytes) -> bytes:
        self._headers.size_bytes += len(data)
        if self._headers.size_bytes > MOST_HEADER_BYTES:
            raise ServiceError(422, "invalid", "body: the headers of a part are too long")
        return data

    def _header_end(self) -> None:
        headers = self._headers
        headers.known[bytes(headers.name).lower()] = bytes(headers.value)
        headers.name.clear()
        headers.value.clear()

    def _headers_end(self) -> None:
        known = self._headers.known
        _, options = parse_options_header(known.get(b"content-disposition", b""))
        kind, _ = parse_options_header(known.get(b"content-type", b""))
        filename = options.get(b"filename")
        part = Part(
            name=options.get(b"name", b"").decode(errors="replace"),
            filename=None if filename is None else filename.decode(errors="replace"),
            content_type=kind.decode(errors="replace").lower(),
        )
        self._on_part(part)

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._on_data(data[start:end])

    def _end(self) -> None:
        self._ended = True


def _broken(error: FormParserError) -> ServiceError:
    return ServiceError(422, "invalid", f"body: it is no multipart form: {error}")
