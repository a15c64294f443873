"""Media that come with a request: kept in files of their own for as long as it is answered.

Bytes are counted before anything is decoded. Files get names of ours, never the client's, in a
folder that goes with the request, however that ends. What is inside is the decoder's to judge.
"""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingest.errors import DecodeError
from sensorium.service.fetching import Fetcher
from sensorium.service.problems import ServiceError
from sensorium.service.settings import ServiceConfig

Kind = Literal["image", "audio", "video"]
CHUNK_BYTES = 1 << 20
MOST_FILES = 8
"""Most media of one kind in one request."""
_DATA_URI = re.compile(r"data:[\w.+-]*/?[\w.+-]*(?:;[\w.+-]+=[^;,]*)*;base64,", re.ASCII)


class MediaIn(BaseModel):
    """One picture, sound or clip: an item's, or one that comes along."""

    model_config = ConfigDict(extra="forbid")

    item_id: str | None = Field(None, max_length=500, description="Id of an item that has one.")
    data: str | None = Field(None, description="The file as base64, or as a data URI in base64.")
    url: str | None = Field(None, max_length=4_000, description="Where it is; may not be allowed.")

    @model_validator(mode="after")
    def _one(self) -> MediaIn:
        given = [value for value in (self.item_id, self.data, self.url) if value is not None]
        if len(given) != 1:
            raise ValueError("give one of item_id, data and url")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """What a request may bring."""

    media_bytes: int
    """Most bytes of all its media."""
    fetcher: Fetcher
    """Fetches those that are named by address."""


def limits_of(config: ServiceConfig) -> MediaLimits:
    """Give what the settings let a request bring."""
    return MediaLimits(media_bytes=config.media_bytes, fetcher=Fetcher(config))


class GivenMedia:
    """The media of one request as files.

    Args:
        folder: where they are put; its owner removes it.
        limits: what may come.
    """

    def __init__(self, folder: Path, limits: MediaLimits) -> None:
        self._folder, self._limits = folder, limits
        self._left = limits.media_bytes
        self._count = 0

    def keep(self, stream: IO[bytes], kind: Kind) -> Path:
        """Keep what a stream holds.

        Raises:
            ServiceError: it is more than may come.
        """
        path = self._next(kind)
        with path.open("wb") as copy:
            while chunk := stream.read(CHUNK_BYTES):
                self._take(len(chunk))
                copy.write(chunk)
        return path

    def keep_data(self, data: str, kind: Kind) -> Path:
        """Keep what comes as base64 or as a data URI.

        Raises:
            ServiceError: it is more than may come, or not base64.
        """
        if data[:5].lower() == "data:":
            head = _DATA_URI.match(data)
            if head is None:
                raise ServiceError(422, "invalid", f"the data URI of the {kind} is not in base64")
            data = data[head.end() :]
        self._take(len(data) // 4 * 3 - data[-2:].count("="))
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ServiceError(
                422, "invalid", f"the data of the {kind} is not base64", "encode the file's bytes"
            ) from error
        path = self._next(kind)
        path.write_bytes(content)
        return path

    def keep_address(self, address: str, kind: Kind) -> Path:
        """Keep what an address holds: a data URI itself, or what lies there.

        Raises:
            ServiceError: it is more than may come, not base64, or may not be fetched.
        """
        if address[:5].lower() == "data:":
            return self.keep_data(address, kind)
        return self.keep_fetched(address, kind)

    def keep_fetched(self, url: str, kind: Kind) -> Path:
        """Keep what lies at an address.

        Raises:
            ServiceError: the address may not be fetched, or gives more than may come.
        """
        content = self._limits.fetcher.fetch(url, self._left)
        self._take(len(content))
        path = self._next(kind)
        path.write_bytes(content)
        return path

    def _next(self, kind: Kind) -> Path:
        self._count += 1
        return self._folder / f"{kind} {self._count}"

    def _take(self, size_bytes: int) -> None:
        self._left -= size_bytes
        if self._left < 0:
            raise too_large(self._limits.media_bytes)


@contextmanager
def given_media(limits: MediaLimits) -> Iterator[GivenMedia]:
    """Keep the media of one request; their files go at the end.

    Raises:
        DecodeError: as the decoder says, with the name of the file and not of its folder.
    """
    with tempfile.TemporaryDirectory(prefix="sensorium-") as folder:
        try:
            yield GivenMedia(Path(folder), limits)
        except DecodeError as error:
            sentence = error.sentence.replace(f"{folder}/", "")
            raise DecodeError(error.code, sentence, error.hint) from error


def too_large(most_bytes: int) -> ServiceError:
    """The answer to a request that brings too much."""
    return ServiceError(
        413,
        "too_large",
        f"the request brings more than {most_bytes} bytes of media",
        "send smaller files, or raise service.media_bytes",
    )
