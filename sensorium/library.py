"""One library and everything that can be asked of it; command line and service call this."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ingest.database import WorkspaceError
from ingest.errors import SensoriumError
from ingest.item import Item
from ray_jobs.duplicates import link_duplicates
from ray_jobs.index import IndexReport, fuse, plan, run
from ray_jobs.manifest import Quarantined
from ray_jobs.recipe import Recipe
from ray_jobs.write import Fusion, ItemWriter, Stores
from retrieval.base import JOINT, VectorIndex
from retrieval.mirror import Mirror
from sensorium import assemble
from sensorium.album_upkeep import refresh_views
from sensorium.config import Config
from sensorium.export import write_items
from sensorium.index_store import IndexStore, newest_mirror
from sensorium.intake import IndexRequest, Intake, take_in
from sensorium.models import ensure_models
from sensorium.progress import bar_progress, stage_progress
from sensorium.quarantine import quarantined_items, quarantined_of
from sensorium.query import QueryEncoder, SearchRequest
from sensorium.reports import Answers, IndexOutcome, PlanReport, StatusReport
from sensorium.search import answer, described
from sensorium.title_upkeep import refresh_titles
from sensorium.workspace import ALIGNMENT, FUSION, Generation, Workspace, changes

if TYPE_CHECKING:
    from rich.console import Console

    from encoders.family import Family

ASKED_WITH = ("frames", "sound", "text", "alignment", "fusion", "decode options", "store")
"""Parts of a recipe that a search uses, too; views that only add words need not be switched on."""
FAMILY = "family"
"""Name under which the family behind the active generation is remembered."""
RATE = "seconds_per_content"
"""Name under which the speed of the last run is remembered, for estimates."""
BYTES_PER_ITEM = 40_000
"""Rough space of one item's vectors, thumbnail and rows; for estimates before a first run."""


class EmptyLibraryError(SensoriumError):
    """There is nothing to search yet."""

    code = "empty"


class Library:
    """A workspace with the settings it is used with.

    Args:
        path: the workspace folder.
        config: the settings in force.
        create: make the workspace where there is none.
        newest: use what was learnt last, rather than what is behind the generation that answers.
    """

    def __init__(self, path: Path, config: Config, create: bool, newest: bool = False) -> None:
        self.config = config
        digest = assemble.decode_options(config).digest
        self.workspace = Workspace(path, digest, config.store.database_url, create)
        self._newest = newest

    @cached_property
    def family(self) -> Family:
        """The encoders, each loaded when first used."""
        return assemble.family(self.config, self.workspace.learnt(ALIGNMENT, self._newest))

    @cached_property
    def fusion(self) -> Fusion:
        """How embeddings become item vectors."""
        return assemble.fusion(self.family, self.workspace.learnt(FUSION, self._newest))

    @cached_property
    def recipe(self) -> Recipe:
        """What today's settings make of a content."""
        return assemble.recipe(self.config, self.family, self.fusion)

    def index(self, request: IndexRequest, console: Console, quiet: bool) -> IndexOutcome:
        """Bring the index up to date with a source; see ``ray_jobs.index``.

        Raises:
            WorkspaceError: another process writes, the folder cannot be written, or the models
                differ from the workspace's and ``reembed`` is false.
        """
        ensure_models(self.config, console)
        self._newest = request.reembed
        with self.workspace.exclusive():
            generation = self.workspace.open_generation(
                self.recipe.digest, self._made_by(), request.reembed
            )
            found = take_in(self.workspace.catalogue, self.config.decode, request)
            scope = self._items_of_run(found.run)
            with closing(self._open_store(generation)) as store:
                if store.is_empty:
                    # The store was lost or moved: cached vectors are written to it anew.
                    self.workspace.manifest.drop_generation(generation.name)
                writer = self._writer(generation.name, store)
                if request.reembed:
                    scope = self._all_items
                report = self._run(writer, scope, console, quiet)
                pruned = self._prune(writer, found) if request.prune else 0
                finished = self._finish(generation, store, writer)
            return self._outcome(found, report, self._items_of_run(found.run), pruned, finished)

    def newest(self) -> Library:
        """The same library with what it learnt last, as its next generation will be."""
        return Library(self.workspace.path, self.config, create=False, newest=True)

    def fuse_anew(self, console: Console, quiet: bool) -> int:
        """Build the next generation from cached vectors; nothing is decoded or encoded.

        Returns:
            How many items it holds.

        Raises:
            WorkspaceError: a content has no cached vectors of today's models.
        """
        with self.workspace.exclusive():
            absent = plan(self._writer("none", Mirror()), self._all_items()).to_decode.total()
            if absent:
                raise WorkspaceError(
                    f"{absent} files have not been encoded by the models in use",
                    "sensorium index PATH --reembed encodes them and applies what was learnt",
                )
            generation = self.workspace.open_generation(
                self.recipe.digest, self._made_by(), reembed=True
            )
            with closing(self._open_store(generation)) as store:
                writer = self._writer(generation.name, store)
                total = self.workspace.catalogue.count()
                with bar_progress(console, quiet) as show:
                    fuse(writer, self._all_items(), lambda n: show(n / total, f"{n:,} items"))
                self._finish(generation, store, writer)
                return len(store.mirror)

    def retry(self, code: str | None, console: Console, quiet: bool) -> IndexOutcome:
        """Try quarantined contents again, all or those with one code."""
        ensure_models(self.config, console)
        with self.workspace.exclusive():
            generation = self.workspace.open_generation(
                self.recipe.digest, self._made_by(), reembed=False
            )
            released = self.workspace.manifest.release(code)
            ids = self.workspace.catalogue.owners(released)

            def scope() -> Iterator[Item]:
                yield from self.workspace.catalogue.get(ids).values()

            with closing(self._open_store(generation)) as store:
                writer = self._writer(generation.name, store)
                report = self._run(writer, scope, console, quiet)
                finished = self._finish(generation, store, writer)
            found = Intake(source="", run=0, rejected=(), skipped=0)
            return self._outcome(found, report, scope, 0, finished)

    def plan(self, source: str) -> PlanReport:
        """Count what ``index`` would do with a source; nothing is written but the catalogue."""
        with self.workspace.exclusive():
            found = take_in(
                self.workspace.catalogue, self.config.decode, IndexRequest(source=source)
            )
        self._newest = True
        active = self.workspace.active
        made_by = self._made_by()
        same = active is None or active.recipe == self.recipe.digest
        generation = active if active is not None and same else None
        name = generation.name if generation else "none"
        scope = self._items_of_run(found.run) if same else self._all_items
        counted = plan(self._writer(name, Mirror()), scope())
        rate = self.workspace.manifest.recall(RATE)
        contents = sum(counted.to_decode.values())
        return PlanReport(
            items=counted.items,
            to_write=counted.to_write,
            to_decode=dict(counted.to_decode),
            to_encode=dict(counted.to_encode),
            quarantined=counted.quarantined,
            model_changes="" if same or active is None else changes(active.made_by, made_by),
            seconds=None if rate is None else rate * contents,
            disk_bytes=counted.to_write * BYTES_PER_ITEM,
        )

    def search(self, request: SearchRequest, console: Console) -> Answers:
        """Answer a request.

        Raises:
            EmptyLibraryError: nothing has been indexed.
            WorkspaceError: other models made the vectors, so that nothing could be compared.
            QueryError: the request cannot be asked.
            FilterError: the filter is wrong.
            DecodeError: a file to search by cannot be read.
        """
        ensure_models(self.config, console)
        generation, mirror, notes = self.asking()
        encoder = QueryEncoder(
            self.family, partial(assemble.decode_files, self.config), self.fusion
        )
        calibration = assemble.calibration(self.workspace, generation)
        found = answer(mirror, calibration, encoder, request)
        return Answers(
            title=request.title,
            answers=described(self.workspace, generation, found.candidates),
            withheld=found.withheld,
            asked_with=(*request.images, *request.sounds, *request.clips),
            notes=notes,
        )

    def serving(self) -> tuple[Generation, Mirror, tuple[str, ...]]:
        """The generation that answers, its vectors, and what a person should know of them."""
        generation = self._answering()
        return generation, *newest_mirror(self.workspace, generation, self._open_store)

    def asking(self) -> tuple[Generation, Mirror, tuple[str, ...]]:
        """What ``serving`` gives, to be compared with what today's models make.

        Raises:
            EmptyLibraryError: nothing has been indexed.
            WorkspaceError: other models made the vectors, so that nothing could be compared.
        """
        made, now = (
            {name: parts.get(name, "none") for name in ASKED_WITH}
            for parts in (self._answering().made_by, self._made_by())
        )
        if made != now:
            raise WorkspaceError(
                f"this workspace was made with {changes(made, now)}",
                "go back to those settings, or build anew with sensorium index PATH --reembed",
            )
        return self.serving()

    def status(self) -> StatusReport:
        """Say where the library stands."""
        active, building = self.workspace.active, self.workspace.building
        return StatusReport(
            items=self.workspace.catalogue.count(),
            states=self.workspace.manifest.states(active.name) if active else {},
            quarantined=dict(Counter(entry.code for entry in self.quarantine())),
            generation=active.name if active else "",
            building=building.name if building else "",
            made_by=active.made_by if active else {},
            disk_bytes=self.workspace.size_bytes(),
        )

    def quarantine(self) -> list[Quarantined]:
        """Give every file that could not be read, with its cause."""
        return [entry for _, entry in quarantined_items(self.workspace)]

    def export(self, out: Path, vectors: bool) -> int:
        """Write every indexed item to a parquet or JSONL file; give how many."""
        generation, mirror, _ = self.serving()
        return write_items(out, self.workspace, generation, mirror if vectors else None)

    def time_search(self, repeats: int = 20) -> tuple[int, float]:
        """Measure one search of the joint field on this library's own vectors.

        Returns:
            How many items there are, and the median milliseconds of a search.
        """
        _, mirror, _ = self.serving()
        _, queries = mirror.sample(JOINT, repeats)
        spent = []
        for query in queries:
            started = time.perf_counter()
            mirror.search(JOINT, query[None], 10)
            spent.append(time.perf_counter() - started)
        return len(mirror), float(np.median(spent or [0.0])) * 1000

    def _made_by(self) -> dict[str, str]:
        return assemble.made_by(self.config, self.family, self.fusion)

    def _answering(self) -> Generation:
        active = self.workspace.active
        if active is None:
            raise EmptyLibraryError("this library is empty", "run sensorium index PATH first")
        return active

    def _items_of_run(self, number: int) -> Callable[[], Iterator[Item]]:
        return lambda: chain.from_iterable(self.workspace.catalogue.pages(run=number))

    def _all_items(self) -> Iterator[Item]:
        return chain.from_iterable(self.workspace.catalogue.pages())

    def _open_store(self, generation: Generation) -> IndexStore:
        milvus = assemble.milvus(self.config, self.workspace, generation, self.family)
        return IndexStore(self.workspace, generation, milvus)

    def _writer(self, generation: str, index: VectorIndex) -> ItemWriter:
        stores = Stores(
            catalogue=self.workspace.catalogue,
            cache=self.workspace.cache,
            manifest=self.workspace.manifest,
            index=index,
            generation=generation,
        )
        return ItemWriter(stores, self.recipe, self.fusion)

    def _run(
        self,
        writer: ItemWriter,
        scope: Callable[[], Iterator[Item]],
        console: Console,
        quiet: bool,
    ) -> IndexReport:
        contents = sum(plan(writer, scope()).to_decode.values())
        with stage_progress(console, contents, quiet) as progress:
            runner = assemble.runner(self.config, self.workspace.path, contents, progress)
            report = run(writer, scope(), runner)
        if report.encoded:
            self.workspace.manifest.remember(RATE, report.seconds / report.encoded)
        return report

    def _prune(self, writer: ItemWriter, found: Intake) -> int:
        return writer.remove(self.workspace.catalogue.unseen(found.source, found.run))

    def _finish(
        self, generation: Generation, store: IndexStore, writer: ItemWriter
    ) -> tuple[int, tuple[str, ...]]:
        """Let what was written answer; give how many items repeat another, and what else to say."""
        duplicates = link_duplicates(
            writer, lambda item_id: store.mirror.vectors(item_id).get("image_native")
        )
        store.save()
        assemble.calibrate(self.workspace, generation, store.mirror, self.family)
        old = self.workspace.switch(generation)
        self.workspace.manifest.remember(FAMILY, self.config.encoders.name)
        if old is not None:
            self._open_store(old).drop()
            self.workspace.manifest.drop_generation(old.name)
        notes = refresh_views(self, generation, store.mirror)
        return duplicates, (*notes, *refresh_titles(self.workspace))

    def _outcome(
        self,
        found: Intake,
        report: IndexReport,
        scope: Callable[[], Iterator[Item]],
        pruned: int,
        finished: tuple[int, tuple[str, ...]],
    ) -> IndexOutcome:
        duplicates, notes = finished
        quarantined = [entry for _, entry in quarantined_of(self.workspace, scope())]
        return IndexOutcome(
            items=report.items,
            encoded=report.encoded,
            indexed=report.indexed,
            unchanged=report.unchanged,
            pruned=pruned,
            duplicates=duplicates,
            quarantined=dict(Counter(entry.code for entry in quarantined)),
            examples={entry.code: entry.message for entry in quarantined},
            rejected=found.rejected,
            skipped=found.skipped,
            seconds=report.seconds,
            notes=notes,
        )


def open_library(path: Path, config: Config, create: bool) -> Library:
    """Open a workspace with the encoders that the settings, the workspace or the network decide.

    Args:
        path: the workspace folder.
        config: the settings in force.
        create: make the workspace where there is none.
    """
    if config.family != "auto":
        return Library(path, assemble.with_family(config, config.family), create)
    library = Library(path, config, create)
    remembered = library.workspace.manifest.recall(FAMILY)
    hub = remembered == "hub" or (remembered is None and assemble.hub_answers())
    return Library(path, assemble.with_family(config, "hub" if hub else "bundled"), create)
