"""Walk a folder, read a manifest, or take one file: items come out, one at a time.

- In a folder, files that share a stem are one item: all media, the words of a ``.txt``, the
  columns of a ``.json``. The id is the path below the root without its extension. Folders are
  walked in order of name and held in memory one at a time.
- Broken media are still items, and fail when they are decoded. What cannot even be read, and rows
  that make no sense, come out as ``RejectedRow`` in the same stream, so that nothing is lost.
- Files of unknown kinds are skipped, and counted by extension.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from ingest.errors import DecodeError
from ingest.files import (
    Entry,
    absolute,
    content_hash,
    join,
    list_folder,
    look_up,
    open_bytes,
    parent,
)
from ingest.item import Item, Medium, Modality
from ingest.kinds import EXTENSIONS, extension
from ingest.manifest_file import is_manifest, read_rows
from ingest.records import MediumRecord, Record, parse_record
from ingest.text import DEFAULT_MAX_CHARACTERS, clean, clean_line, read_text, split_title

KnownHash = Callable[[str, int, int], str | None]
"""Gives the hash of an unchanged file from ``uri, size_bytes, modified_ns``, or None."""
Permits = Callable[[str], bool]
"""Says of an absolute path or a URI whether it may be looked at."""

MAX_SIDECAR_BYTES = 1 << 20
"""Largest JSON file beside a medium that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A file or row that gave no item, or not all of one."""

    source: str
    """The file, or the manifest."""
    line: int
    """Line of the manifest from 1; 0 for a file."""
    code: str
    """Why, a key of ``ingest.errors.DECODE_CODES``."""
    reason: str
    """Why, in one sentence."""


class Scan:
    """One pass over a source; iterate it for items and rejected rows.

    Args:
        source: a folder, manifest or single file: a path, or any URI that fsspec opens.
        known: hashes of files that have not changed since they were last read.
        max_text_characters: longest text kept of an item.
        permits: asked before a file is looked at, whether it stands in a folder or in a row of a
            manifest; None permits all.
    """

    def __init__(
        self,
        source: str | Path,
        known: KnownHash | None = None,
        max_text_characters: int = DEFAULT_MAX_CHARACTERS,
        permits: Permits | None = None,
    ) -> None:
        self.source = absolute(str(source))
        self.skipped: Counter[str] = Counter()
        """Files that were passed over, by extension, filled while iterating."""
        self._known = known
        self._max_text_characters = max_text_characters
        self._permits = permits

    def __iter__(self) -> Iterator[Item | RejectedRow]:
        """Walk the source.

        Raises:
            DecodeError: ``missing``, ``outside``, ``unsupported`` or ``bad_metadata``, where the
                source as a whole cannot be read.
        """
        self.skipped.clear()
        self._check(self.source)
        entry = look_up(self.source)
        if entry.is_folder:
            return self._folder(self.source, "")
        if is_manifest(self.source):
            return self._manifest()
        if extension(self.source) not in EXTENSIONS:
            raise DecodeError(
                "unsupported",
                f"{self.source} is no folder, manifest or known kind of medium",
                "name a folder, a .parquet, .jsonl or .csv manifest, or a media file",
            )
        return self._item(_stem(entry.name), [entry])

    def _folder(self, uri: str, prefix: str) -> Iterator[Item | RejectedRow]:
        try:
            entries = list_folder(uri)
        except DecodeError as error:
            yield RejectedRow(source=uri, line=0, code=error.code, reason=error.sentence)
            return
        files = [entry for entry in entries if not entry.is_folder and self._accepts(entry)]
        files.sort(key=lambda entry: (_stem(entry.name), entry.name))
        for stem, group in groupby(files, lambda entry: _stem(entry.name)):
            yield from self._item(prefix + stem, list(group))
        for entry in entries:
            if entry.is_folder:
                yield from self._folder(entry.uri, f"{prefix}{entry.name}/")

    def _accepts(self, entry: Entry) -> bool:
        kind = extension(entry.name)
        accepted = kind in EXTENSIONS or kind == "json"
        if not accepted:
            self.skipped[f".{kind}" if kind else "no extension"] += 1
        return accepted

    def _item(self, item_id: str, entries: list[Entry]) -> Iterator[Item | RejectedRow]:
        media: list[Medium] = []
        record = Record()
        for entry in entries:
            try:
                kind = extension(entry.name)
                self._check(entry.uri)
                if entry.fault:
                    raise DecodeError("missing", f"{entry.uri} {entry.fault}")
                if kind == "txt":
                    record = _merge(record, self._words(entry))
                elif kind == "json":
                    record = _merge(self._sidecar(entry, alone=len(entries) == 1), record)
                else:
                    media.append(self._medium(entry, EXTENSIONS[kind]))
            except DecodeError as error:
                yield RejectedRow(source=entry.uri, line=0, code=error.code, reason=error.sentence)
        if media or record.title or record.text:
            yield _make_item(record.item_id or item_id, media, record)

    def _check(self, uri: str) -> None:
        if self._permits is not None and not self._permits(uri):
            raise DecodeError("outside", f"{uri} is not in a folder that may be read")

    def _medium(self, entry: Entry, modality: Modality) -> Medium:
        known = self._known and self._known(entry.uri, entry.size_bytes, entry.modified_ns)
        return Medium(
            uri=entry.uri,
            modality=modality,
            content_hash=known or content_hash(entry.uri),
            size_bytes=entry.size_bytes,
            modified_ns=entry.modified_ns,
        )

    def _words(self, entry: Entry) -> Record:
        with open_bytes(entry.uri) as stream:
            data = stream.read(4 * self._max_text_characters + 1)
        title, text = split_title(clean(read_text(data, entry.uri), self._max_text_characters))
        return Record(title=clean_line(title), text=text)

    def _sidecar(self, entry: Entry, alone: bool) -> Record:
        with open_bytes(entry.uri) as stream:
            data = stream.read(MAX_SIDECAR_BYTES + 1)
        try:
            row = json.loads(data)
        except ValueError as error:
            if alone:
                self.skipped[".json"] += 1
                return Record()
            raise DecodeError("bad_metadata", f"{entry.uri} is not JSON ({error})") from error
        if not isinstance(row, dict):
            row = {}
        if alone and not ("title" in row or "text" in row):
            self.skipped[".json"] += 1
            return Record()
        record = parse_record(row, self._max_text_characters)
        return replace(record, media=())

    def _manifest(self) -> Iterator[Item | RejectedRow]:
        seen: set[str] = set()
        for line, row in read_rows(self.source):
            try:
                if isinstance(row, DecodeError):
                    raise row
                item = self._row_item(parse_record(row, self._max_text_characters))
                if item.item_id in seen:
                    raise DecodeError("bad_metadata", f"item_id {item.item_id!r} was used before")
            except DecodeError as error:
                yield RejectedRow(
                    source=self.source, line=line, code=error.code, reason=error.sentence
                )
                continue
            seen.add(item.item_id)
            yield item

    def _row_item(self, record: Record) -> Item:
        media = []
        for part in record.media:
            uri = join(parent(self.source), part.uri)
            self._check(uri)
            entry = look_up(uri)
            if entry.is_folder or entry.fault:
                raise DecodeError("missing", f"{part.uri} {entry.fault or 'is a folder'}")
            modality = part.modality or EXTENSIONS.get(extension(entry.name))
            if modality is None:
                raise DecodeError("unsupported", f"{part.uri} is no known kind of medium")
            if modality is Modality.TEXT:
                record = _merge(record, self._words(entry))
            else:
                media.append(self._medium(entry, modality))
        if not (media or record.title or record.text):
            raise DecodeError("bad_metadata", "the row has no uri, media, title or text")
        item_id = record.item_id or _row_id(record.media)
        if not item_id:
            raise DecodeError("bad_metadata", "the row has neither item_id nor uri")
        return _make_item(item_id, media, record)


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _row_id(media: Iterable[MediumRecord]) -> str:
    first = next((part.uri for part in media), "")
    folder, slash, name = first.rpartition("/")
    return folder + slash + _stem(name)


def _merge(first: Record, second: Record) -> Record:
    """Fill the empty title and text of one record from another."""
    return replace(first, title=first.title or second.title, text=first.text or second.text)


def _make_item(item_id: str, media: list[Medium], record: Record) -> Item:
    return Item(
        item_id=item_id,
        media=tuple(media),
        title=record.title,
        text=record.text,
        tags=record.tags,
        created_at=record.created_at,
        creator_id=record.creator_id,
        lang=record.lang,
        attrs=record.attrs,
    )
