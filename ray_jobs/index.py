"""Index a library: decode, encode, fuse, upsert; every run resumes where the last one ended.

Contents are decoded and encoded on workers; the driver alone writes. The order of writing is the
law of this room: vectors into the cache with the content's mark in one transaction, then item
vectors into the index, then the item's mark. A crash between two steps repeats the second.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ingest.item import Item
from ray_jobs.recipe import content_hashes, words_hash
from ray_jobs.stage import Failure, Outcome
from ray_jobs.stages import ContentTask, EncodedContent
from ray_jobs.write import ItemWriter

STORE_EVERY = 64
"""Most contents whose vectors wait in memory for one transaction."""
STORE_SECONDS = 2.0
"""Longest that a finished content waits for its transaction."""
FUSE_EVERY = 256
"""Items fused and upserted at once."""
PAGE = 200
"""Items looked at together."""

Runner = Callable[[Iterable[tuple[str, ContentTask]]], Generator[Outcome, None, None]]
"""Runs decode and encode over tasks, in this process or on a cluster."""


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a run would do."""

    items: int = 0
    """Items in scope."""
    to_write: int = 0
    """Items whose vectors would be made anew."""
    to_decode: Counter[str] = field(default_factory=Counter)
    """Contents to decode, by kind."""
    to_encode: Counter[str] = field(default_factory=Counter)
    """Views to encode, by source."""
    quarantined: int = 0
    """Contents left aside because they failed before."""


@dataclass(slots=True, kw_only=True)
class IndexReport:
    """What a run did."""

    items: int = 0
    """Items in scope."""
    encoded: int = 0
    """Contents decoded and encoded in this run."""
    indexed: int = 0
    """Items whose vectors were written in this run."""
    unchanged: int = 0
    """Items that were already as they should be."""
    failed: Counter[str] = field(default_factory=Counter)
    """Contents quarantined in this run, by code."""
    seconds: float = 0.0
    """Wall time."""


def plan(writer: ItemWriter, items: Iterable[Item]) -> Plan:
    """Count what ``run`` would do for these items, without doing it."""
    result, seen = Plan(), set[str]()
    manifest, recipe = writer.stores.manifest, writer.recipe
    for page in pages(items):
        missing = manifest.missing(recipe.wanted(page))
        held = writer.held(page)
        towers = recipe.towers(page)
        kinds = {m.content_key: str(m.modality) for item in page for m in item.media}
        result.items += len(page)
        result.to_write += sum(
            bool(missing.keys() & set(content_hashes(item))) or item.item_id not in held
            for item in page
        )
        for key in missing.keys() - seen:
            result.to_decode[kinds.get(key, "text")] += 1
            result.to_encode.update(s for s, d in towers[key].items() if d in missing[key])
        seen |= missing.keys()
        result.quarantined += len(manifest.quarantined(towers))
    return result


def run(writer: ItemWriter, items: Iterable[Item], runner: Runner) -> IndexReport:
    """Bring the index up to date with these items.

    Args:
        writer: makes and writes item vectors.
        items: what should be indexed; already put into the catalogue.
        runner: decodes and encodes; yields one outcome per task, in any order.

    Returns:
        What was done; quarantined contents are in it, never an exception.
    """
    report = IndexReport()
    started = time.monotonic()
    tasks = _Tasks(writer, items, report)
    sink = _Sink(writer, report)
    outcomes = runner(tasks)
    try:
        for outcome in outcomes:
            sink.take(outcome)
            sink.ready(tasks.take_ready())
    finally:
        outcomes.close()
        sink.ready(tasks.take_ready())
        sink.close()
        report.seconds = time.monotonic() - started
    return report


def fuse(writer: ItemWriter, items: Iterable[Item], on_progress: Callable[[int], None]) -> None:
    """Make and write item vectors from cached embeddings alone; what is held already is left.

    Args:
        writer: makes and writes item vectors.
        items: items whose contents are all done or quarantined.
        on_progress: told how many items were looked at.
    """
    seen = 0
    for page in pages(items):
        held = writer.held(page)
        writer.write([item.item_id for item in page if item.item_id not in held])
        seen += len(page)
        on_progress(seen)


class _Tasks:
    """Gives the contents that need work, lazily; keeps aside items that need only fusing."""

    def __init__(self, writer: ItemWriter, items: Iterable[Item], report: IndexReport) -> None:
        self._writer = writer
        self._items = items
        self._report = report
        self._ready: list[str] = []
        self._given: set[str] = set()

    def __iter__(self) -> Iterator[tuple[str, ContentTask]]:
        recipe = self._writer.recipe
        for page in pages(self._items):
            missing = self._writer.stores.manifest.missing(recipe.wanted(page))
            held = self._writer.held(page)
            towers = recipe.towers(page)
            self._report.items += len(page)
            for item in page:
                waiting = missing.keys() & set(content_hashes(item))
                if not waiting:
                    self._report.unchanged += item.item_id in held
                    self._ready += [item.item_id] if item.item_id not in held else []
                for key in waiting - self._given:
                    self._given.add(key)
                    sources = {s for s, digest in towers[key].items() if digest in missing[key]}
                    yield key, _task(item, key, frozenset(sources))

    def take_ready(self) -> list[str]:
        """Give the items whose contents were all done before, once."""
        ready, self._ready = self._ready, []
        return ready


class _Sink:
    """Stores outcomes in transactions, then writes the items that they complete."""

    def __init__(self, writer: ItemWriter, report: IndexReport) -> None:
        self._writer = writer
        self._report = report
        self._outcomes: list[Outcome] = []
        self._ready: dict[str, None] = {}
        self._stored = time.monotonic()

    def take(self, outcome: Outcome) -> None:
        """Accept one outcome; store the waiting ones when they are many or old."""
        self._outcomes.append(outcome)
        waited = time.monotonic() - self._stored
        if len(self._outcomes) >= STORE_EVERY or waited > STORE_SECONDS:
            self._store()

    def ready(self, item_ids: Sequence[str]) -> None:
        """Accept items whose contents are all done."""
        self._ready.update(dict.fromkeys(item_ids))
        while len(self._ready) >= FUSE_EVERY:
            self._write()

    def close(self) -> None:
        """Store and write whatever waits."""
        self._store()
        while self._ready:
            self._write()

    def _store(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        self._stored = time.monotonic()
        if not outcomes:
            return
        stores, recipe = self._writer.stores, self._writer.recipe
        owners = stores.catalogue.owners([outcome.key for outcome in outcomes])
        items = list(stores.catalogue.get(owners).values())
        towers = recipe.towers(items)
        uris = {medium.content_key: medium.uri for item in items for medium in item.media}
        with stores.catalogue.engine.begin() as connection:
            for outcome in outcomes:
                if isinstance(outcome.value, Failure):
                    cause = (outcome.value.code, outcome.value.message)
                    stores.manifest.fail(connection, outcome.key, uris.get(outcome.key, ""), cause)
                    self._report.failed[cause[0]] += 1
                    continue
                encoded: EncodedContent = outcome.value
                digest = stores.manifest.decode_digest
                stores.cache.put(connection, outcome.key, digest, encoded.embeddings)
                made_by = towers.get(outcome.key, {}).values()
                stores.manifest.done(connection, encoded.decoded, made_by)
                self._report.encoded += 1
        missing = stores.manifest.missing(recipe.wanted(items)).keys()
        self.ready([item.item_id for item in items if not missing & set(content_hashes(item))])

    def _write(self) -> None:
        batch = list(self._ready)[:FUSE_EVERY]
        self._report.indexed += self._writer.write(batch)
        for item_id in batch:
            del self._ready[item_id]


def pages(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut a stream of items into lists of at most ``PAGE``."""
    page: list[Item] = []
    for item in items:
        page.append(item)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def _task(item: Item, content_hash: str, sources: frozenset[str]) -> ContentTask:
    media = {medium.content_key: medium for medium in item.media}
    if content_hash in media:
        medium = media[content_hash]
        return ContentTask(content_hash=content_hash, sources=sources, medium=medium)
    assert content_hash == words_hash(item.words)
    return ContentTask(content_hash=content_hash, sources=sources, text=item.words)
