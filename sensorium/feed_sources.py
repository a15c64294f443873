"""Where a library's candidates come from: what needs no learning, and what has been learnt."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ingest.event import EPOCH, MICROSECOND
from retrieval.nearest import ItemIndex
from retrieval.source_fresh import Arrivals, ExploreSource, FreshSource
from retrieval.source_popular import PopularSource
from retrieval.source_similar import similar_items
from retrieval.source_vectors import ModelAsker, VectorSource
from retrieval.space import GraphConfig
from retrieval.tally import Standings
from sensorium.fitted_sources import Show, hidden
from sensorium.ranker_store import open_interests
from sensorium.relation_store import open_related

if TYPE_CHECKING:
    from retrieval.source import Source
    from retrieval.source_neighbours import NeighbourTable
    from sensorium.fitted_sources import FittedSources
    from sensorium.library import Library
    from sensorium.shelf import Stock

READ_ON_SECONDS = 30.0
"""Time after which counts of what many like are read on before a page is made."""
EXACT = GraphConfig(exact_rows=500_000)
"""Learnt vectors are short: comparing with all of them is quicker than building a graph."""


class Counts:
    """What many like, read on from the log now and then.

    Args:
        fitted: what is learnt from the log.
        number_of: numbers of the shelf's items by id.
        show: told how far the first count is.
    """

    def __init__(
        self, fitted: FittedSources, number_of: dict[str, int], show: Show = hidden
    ) -> None:
        self.fitted = fitted
        self.tally = fitted.tally(_now_us(), show)
        self.standings = Standings(self.tally, number_of)
        self._read = time.monotonic()

    def read_on(self) -> None:
        """Count what was appended since, where the last time is long ago."""
        if time.monotonic() - self._read >= READ_ON_SECONDS:
            self.fitted.catch_up(self.tally, _now_us())
            self.standings.refresh()
            self._read = time.monotonic()


def sources_of(
    library: Library, stock: Stock, standings: Standings, neighbours: NeighbourTable | None
) -> list[Source]:
    """Give the sources of a library; what has not been learnt is left out.

    Args:
        library: the library.
        stock: its items.
        standings: what many like.
        neighbours: what goes with what; None where nobody has liked anything.
    """
    shelf, settings = stock.shelf, library.config.sources
    arrivals = Arrivals(shelf.added_us, shelf.hidden)
    sources: list[Source] = [
        similar_items(shelf.vectors, stock.nearest, settings.similar),
        PopularSource(standings),
        FreshSource(arrivals, settings.fresh),
        ExploreSource(arrivals, standings, settings.explore),
    ]
    if neighbours is not None:
        sources.append(neighbours.source(shelf.number_of))
    related = open_related(library.workspace, settings.relations, shelf.number_of)
    if related is not None:
        sources.append(related)
    learnt = _interests(library, stock)
    return sources if learnt is None else [*sources, learnt]


def _interests(library: Library, stock: Stock) -> VectorSource | None:
    """The source ``interests``, where it has been learnt for the vectors that answer."""
    shelf, generation = stock.shelf, library.workspace.active
    assert generation is not None, "the library has been opened"
    learnt, _ = open_interests(library.workspace, generation, shelf.item_ids, shelf.vectors)
    if learnt is None:
        return None
    index = ItemIndex.build(learnt.vectors, EXACT)
    return VectorSource("interests", ModelAsker(learnt), index, merge="quota")


def _now_us() -> int:
    return (datetime.now(UTC) - EPOCH) // MICROSECOND
