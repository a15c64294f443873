"""The library as the service holds it: opened once, exchanged when it has changed.

A request takes what is current and keeps it to its end. A thread looks now and then whether another
generation answers, the index has grown, or a view was edited; it opens the new state beside the old
one, and requests that come after see it. So no request waits for opening, and an index run, in
another process, shows by itself. While a run writes, what it changes is not looked at: it shows
once, when the run has ended. Encoders that have been loaded go over to the new state.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ingest.errors import SensoriumError
from ranking.view_store import ViewStore
from sensorium import assemble
from sensorium.config import Config
from sensorium.feed import Recommender, open_parts
from sensorium.index_store import shown_snapshot, stored_version
from sensorium.kept_answers import KeptAnswers
from sensorium.library import EmptyLibraryError, Library, open_library
from sensorium.people import ERASURES
from sensorium.query import QueryEncoder, SearchRequest
from sensorium.query_decoder import QueryDecoder
from sensorium.ranker_store import LEARNT
from sensorium.relation_store import RELATED
from sensorium.reports import Answers
from sensorium.search import answer, described
from sensorium.service.recommenders import Recommenders
from sensorium.shared_encoders import SharedEncoders
from sensorium.shelf import stock_of
from sensorium.signals import WEIGHTS
from sensorium.steps import timed
from sensorium.strengths import STRENGTHS

if TYPE_CHECKING:
    from retrieval.mirror import Mirror
    from retrieval.relevance import Calibration
    from sensorium.workspace import Generation

log = logging.getLogger(__name__)


class _State(NamedTuple):
    """What differs whenever there is something new to open."""

    written: object
    """Generation, vectors and views: what whoever holds the workspace changes."""
    besides: object
    """Models, what they count, and erasures, which come without its being held."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Serving:
    """One state of a library, open."""

    library: Library
    """The library."""
    generation: Generation
    """The one that answers."""
    mirror: Mirror
    """Its vectors."""
    calibration: Calibration
    """What scores of searches mean."""
    encoders: SharedEncoders
    """The encoders, for any thread."""
    encoder: QueryEncoder
    """Turns what is asked into vectors."""
    recommenders: Recommenders
    """Make pages, one for each view that interests are read from."""
    notes: tuple[str, ...]
    """What a person should know of it."""

    @property
    def recommender(self) -> Recommender:
        """Makes pages, with interests of the view made last."""
        return self.recommenders.of()

    def search(self, request: SearchRequest) -> Answers:
        """Answer a search; see ``Library.search``."""
        found = answer(self.mirror, self.calibration, self.encoder, request)
        with timed("search", "description"):
            answers = described(self.library.workspace, self.generation, found.candidates)
        return Answers(
            title=request.title,
            answers=answers,
            withheld=found.withheld,
            notes=self.notes,
        )


class Host:
    """Holds the current state of a library, and exchanges it.

    Args:
        path: the workspace folder; made where there is none.
        config: the settings in force.
    """

    def __init__(self, path: Path, config: Config) -> None:
        self.config = config
        self.library = open_library(path, config, create=True)
        self.kept_answers = KeptAnswers(self.library.workspace.engine)
        """Of requests with an ``Idempotency-Key``."""
        self._views = ViewStore(self.library.workspace.engine)
        self._serving: Serving | None = None
        self._shown: _State | None = None
        self._refreshing = threading.Lock()
        self._looked = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        workers = config.service.decode_workers
        self._decoder = QueryDecoder(assemble.decode_pool(self.library.config, workers))
        self.opened_at: float | None = None
        """Monotonic seconds at which the current state was opened."""
        self.refreshes, self.failures = 0, 0
        """Times that a state was opened, and looks that failed."""

    @property
    def serving(self) -> Serving:
        """The current state.

        Raises:
            EmptyLibraryError: nothing has been indexed.
        """
        if self._serving is None:
            raise EmptyLibraryError(
                "this library holds no items", "index some: POST /v1/jobs, or sensorium index PATH"
            )
        return self._serving

    @property
    def loaded(self) -> Serving | None:
        """The current state; None where nothing has been opened or indexed."""
        return self._serving

    @property
    def ready(self) -> bool:
        """Whether the library has been looked at, so that requests are answered."""
        return self._looked.is_set()

    def refresh(self) -> bool:
        """Open the library anew if it has changed; gives whether it had."""
        with self._refreshing:
            state = self._state()
            changed = state != self._shown
            if changed:
                before = self._serving
                try:
                    self._serving = None if state is None else self._open()
                except EmptyLibraryError:
                    self._serving = None
                self._let_go(before)
                self._shown = state
                self.opened_at, self.refreshes = time.monotonic(), self.refreshes + 1
            self._looked.set()
            return changed

    def forget(self, user_id: str) -> int:
        """Drop what is held of somebody whose events are gone; give how many states that were."""
        serving = self._serving
        held = 0 if serving is None else serving.recommenders.forget(user_id)
        self.show()
        return held

    def show(self) -> None:
        """Show what was changed just now; where that fails, the thread tries again."""
        try:
            self.refresh()
        except SensoriumError as error:
            log.warning("what was changed cannot be shown yet: %s", error)

    def start(self, on_fault: Callable[[Exception], None] = lambda _error: None) -> None:
        """Look for changes from now on, in a thread; what fails is told, and tried again."""

        def look() -> None:
            told = ""
            while not self._stopping.is_set():
                try:
                    if self.refresh() and self._serving is not None:
                        self._serving.encoders.query_text(("words load the text model",))
                    told = ""
                except (SensoriumError, PoolTimeoutError) as error:
                    self.failures += 1
                    if str(error) != told:  # An outage is told once, not at every look.
                        log.warning("the library could not be opened: %s", error)
                    told = str(error)
                    on_fault(error)
                self._stopping.wait(self.config.service.refresh_seconds)

        self._thread = threading.Thread(target=look, name="refresh", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking for changes."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._decoder.close()

    def _state(self) -> _State | None:
        """What is to be shown; None for a library without vectors."""
        workspace = self.library.workspace
        held, active = workspace.is_held, workspace.active
        if active is None:
            return None
        learnt = [workspace.learnt(part, newest=True) for part in (*LEARNT, RELATED)]
        besides = (
            learnt,
            [workspace.manifest.recall(name) for name in (WEIGHTS, STRENGTHS, ERASURES)],
        )
        if held and self._shown is not None:
            return self._shown._replace(besides=besides)
        snapshot = shown_snapshot(workspace, active)
        if held and not snapshot:
            return None  # The first run is under way.
        views = tuple((name, self._views.view(name).updated_at) for name in self._views.names())
        written = active, stored_version(workspace, active), snapshot, views
        return _State(written, besides)

    def _let_go(self, before: Serving | None) -> None:
        """Close what a library that answers no more keeps open; requests under way keep theirs."""
        now = self._serving
        if before is not None and (now is None or now.library is not before.library):
            before.library.workspace.engine.dispose()

    def _open(self) -> Serving:
        before = self._serving
        if before is not None and before.generation == self.library.workspace.active:
            library, encoders = before.library, before.encoders  # Its models are loaded.
        else:
            library = Library(self.library.workspace.path, self.library.config, create=False)
            encoders = self._encoders(library)
        generation, mirror, notes = library.asking()
        parts = open_parts(library, stock_of(library, (generation, mirror, notes)))
        recommenders = Recommenders(parts)
        recommenders.of()  # Before anybody asks for a page.
        return Serving(
            library=library,
            generation=generation,
            mirror=mirror,
            calibration=assemble.calibration(library.workspace, generation),
            encoders=encoders,
            encoder=QueryEncoder(encoders, self._decoder, library.fusion),
            recommenders=recommenders,
            notes=notes,
        )

    def _encoders(self, library: Library) -> SharedEncoders:
        """The encoders at hand, where they are still those of the library; their weights stay."""
        before = self._serving
        if before is not None and before.encoders.family.config == library.family.config:
            library.family = before.encoders.family
            return before.encoders
        return SharedEncoders(library.family, library.config.service.words_cache_mib << 20)
