"""The library as the service holds it: opened once, exchanged when it has changed.

A request takes what is current and keeps it to its end. A thread looks now and then whether another
generation answers, the index has grown, or a view was edited; it opens the new state beside the old
one, and requests that come after see it. So no request waits for opening, and an index run, in this
process or another, shows by itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ingest.errors import SensoriumError
from ranking.view_store import ViewStore
from sensorium import assemble
from sensorium.config import Config
from sensorium.feed import Recommender, open_recommender
from sensorium.index_store import shown_snapshot, stored_version
from sensorium.library import EmptyLibraryError, Library, open_library
from sensorium.query import QueryEncoder, SearchRequest
from sensorium.reports import Answers
from sensorium.search import answer, described
from sensorium.steps import timed

if TYPE_CHECKING:
    from retrieval.mirror import Mirror
    from retrieval.relevance import Calibration
    from sensorium.workspace import Generation

log = logging.getLogger(__name__)


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
    encoder: QueryEncoder
    """Turns what is asked into vectors."""
    recommender: Recommender
    """Makes pages, with interests of the view made last."""
    notes: tuple[str, ...]
    """What a person should know of it."""

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
        self._serving: Serving | None = None
        self._shown: object = None
        self._looked = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
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
        state = self._state()
        if state != self._shown:
            self._serving = None if state is None else self._open()
            self._shown = state
            self.opened_at, self.refreshes = time.monotonic(), self.refreshes + 1
            self._looked.set()
            return True
        self._looked.set()
        return False

    def start(self, on_fault: Callable[[Exception], None] = lambda _error: None) -> None:
        """Look for changes from now on, in a thread; what fails is told, and tried again."""

        def look() -> None:
            told = ""
            while not self._stopping.is_set():
                try:
                    self.refresh()
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

    def _state(self) -> object:
        """What differs whenever there is something new to open; None for an empty library."""
        workspace = self.library.workspace
        active = workspace.active
        if active is None:
            return None
        store = ViewStore(workspace.engine)
        views = tuple((name, store.view(name).updated_at) for name in store.names())
        learnt = tuple(workspace.learnt(part, newest=True) for part in ("ranker", "interests"))
        shown = stored_version(workspace, active), shown_snapshot(workspace, active)
        return active, shown, views, learnt

    def _open(self) -> Serving:
        library = Library(self.library.workspace.path, self.library.config, create=False)
        generation, mirror, notes = library.asking()
        return Serving(
            library=library,
            generation=generation,
            mirror=mirror,
            calibration=assemble.calibration(library.workspace, generation),
            encoder=QueryEncoder(
                library.family, partial(assemble.decode_files, library.config), library.fusion
            ),
            recommender=open_recommender(library),
            notes=notes,
        )
