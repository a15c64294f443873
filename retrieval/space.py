"""One field's vectors: exact search over rows, and an approximate graph over the older of them.

Choices, each measured on two cores at 512 wide:
- exact products run through ``einsum``, not BLAS: as fast as one BLAS thread (0.08 ms per thousand
  rows), never waits for a second thread, and a pair's product does not depend on its neighbours;
- the graph keeps vectors in half precision (built and searched 1.7 times faster than in single);
  its answers are scored again exactly, so that only their order of discovery is approximate;
- rows added after the graph was built form a tail that is searched exactly and merged;
- under a filter that admits a share of the rows the graph looks ``1 / share`` times wider, while
  comparing with every admitted row in half precision gets cheaper by as much (0.1 ms per
  thousand, a quarter of gathering them in single); whichever costs less is done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.columns import GrowingArray, empty_array

BLOCK = 1024
PROBES = 64
"""Queries that a graph is tried with once it is built."""
SPARE = 16
"""Candidates beyond the wanted ones that half precision may have put in the wrong order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphConfig:
    """When a graph serves, and how hard it looks."""

    exact_rows: int = 6_000
    """A space up to so large is searched exactly, in half a millisecond; in a larger one of P rows,
    a filter's C rows are compared one by one while C * C is at most this times P."""
    links: int = 16
    """Links per node of the graph, half of those on its lowest level."""
    build_width: int = 100
    """Candidates looked at for each node while building."""
    search_width: int = 64
    """Fewest candidates looked at for each query without a filter; doubled up to 16 times while
    what the graph finds falls short of ``recall``."""
    recall: float = 0.99
    """Share of the ten nearest that the graph must find for points between two rows, which lie
    further out than rows do, as words do from pictures."""

    def __post_init__(self) -> None:
        for name in ("exact_rows", "links", "build_width", "search_width", "recall"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Graph:
    """An approximate index over the first positions of a space."""

    index: Any
    """The faiss index."""
    size: int
    """How many positions it covers."""
    width: int | None
    """Candidates to look at for a query without a filter, as measured on this geometry; none where
    the graph does not find enough and every row is compared."""
    path: Path | None = None
    """The file it is mapped from; none where it lives in memory and may grow."""


class Space:
    """Vectors of one field; each lies at a position, and belongs to a row of the table.

    Args:
        matrix: unit vectors, (P, D) float32.
        rows: the table's row of each position, (P,) int32, rising.
        graph: covers the first positions; none to search exactly.
    """

    def __init__(
        self, matrix: GrowingArray, rows: GrowingArray, graph: Graph | None = None
    ) -> None:
        self._matrix, self._rows, self.graph = matrix, rows, graph

    @classmethod
    def empty(cls, width: int) -> Space:
        """A space without vectors."""
        return cls(empty_array(np.float32, width), empty_array(np.int32))

    @property
    def width(self) -> int:
        """Length D of the vectors."""
        return int(self._matrix.values.shape[1])

    @property
    def matrix(self) -> NDArray[np.float32]:
        """Vectors by position, (P, D)."""
        return self._matrix.values

    @property
    def rows(self) -> NDArray[np.int32]:
        """Row of each position, (P,)."""
        return self._rows.values

    def extend(self, rows: NDArray[np.int32], vectors: NDArray[np.float32]) -> None:
        """Append vectors (B, D) of these rows, which are higher than any before."""
        self._matrix.extend(vectors)
        # Readers take their length from the rows, so a row appears after its vector.
        self._rows.extend(rows)

    def positions(self, rows: NDArray[np.int32]) -> NDArray[np.int64]:
        """Position of each row, -1 where the row has no vector here, (B,)."""
        held = self.rows
        if len(held) == 0:
            return np.full(len(rows), -1)
        found = np.minimum(np.searchsorted(held, rows), len(held) - 1)
        return np.where(held[found] == rows, found, -1)

    def products(
        self, positions: NDArray[np.int64], query: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Inner products of a query (D,) with the vectors at these positions, (B,)."""
        matrix = self._matrix.values
        scores = np.empty(len(positions), np.float32)
        for start in range(0, len(positions), BLOCK):
            chosen = matrix[positions[start : start + BLOCK]]
            scores[start : start + BLOCK] = np.einsum("pd,d->p", chosen, query)
        return scores

    def nearest(
        self,
        query: NDArray[np.float32],
        limit: int,
        admitted: NDArray[np.bool_],
        config: GraphConfig,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Find the nearest admitted rows.

        Args:
            query: unit vector, (D,).
            limit: how many are wanted.
            admitted: which rows of the table may answer, (N,).
            config: when the graph serves.

        Returns:
            Rows and scores in no order: the nearest ``limit``, and any that tie with the last.
        """
        rows = self._rows.values
        rows = rows[: np.searchsorted(rows, len(admitted))]
        passing = admitted[rows]
        count = int(np.count_nonzero(passing))
        if count == 0 or limit < 1:
            return rows[:0], np.empty(0, np.float32)
        graph = self.graph
        if graph is None:
            positions, scores = self._exact(query, passing, count)
        else:
            few = count * count <= config.exact_rows * len(passing)
            width = None if few else graph.width
            positions, scores = self._approximate(query, limit, passing, graph, width)
        return _best(rows[positions], scores, limit)

    def _exact(
        self, query: NDArray[np.float32], passing: NDArray[np.bool_], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        positions = np.flatnonzero(passing)
        if 3 * count < len(passing):
            return positions, self.products(positions, query)
        scores = np.einsum("pd,d->p", self._matrix.values[: len(passing)], query)
        return positions, scores if count == len(passing) else scores[positions]

    def _approximate(
        self,
        query: NDArray[np.float32],
        limit: int,
        passing: NDArray[np.bool_],
        graph: Graph,
        width: int | None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        covered = passing[: graph.size]
        wanted = min(limit + SPARE, int(np.count_nonzero(covered)))
        found = _search_graph(graph, query, wanted, covered, width)
        if len(found) < wanted:
            found = _search_graph(graph, query, wanted, covered, None)
        tail = graph.size + np.flatnonzero(passing[graph.size :])
        positions = np.concatenate([found, tail])
        return positions, self.products(positions, query)


def _search_graph(
    graph: Graph,
    query: NDArray[np.float32],
    wanted: int,
    covered: NDArray[np.bool_],
    width: int | None,
) -> NDArray[np.int64]:
    """Positions near a query, in half precision.

    Args:
        graph: what is searched.
        query: unit vector, (D,).
        wanted: how many positions.
        covered: which positions may be given.
        width: candidates looked at, for a query without a filter; none to look at everything.

    Returns:
        At most ``wanted`` positions; fewer where the graph leads nowhere.
    """
    import faiss

    if wanted == 0:
        return np.empty(0, np.int64)
    bits = np.packbits(covered, bitorder="little")
    selector = faiss.IDSelectorBitmap(bits)
    if width is None:
        parameters, index = faiss.SearchParameters(), faiss.downcast_index(graph.index.storage)
    else:
        parameters, index = faiss.SearchParametersHNSW(), graph.index
        share = np.count_nonzero(covered) / len(covered)
        parameters.efSearch = int(max(width, 2 * wanted) / share)
    if not covered.all():
        parameters.sel = selector
    _, found = index.search(query[None], wanted, params=parameters)
    return np.asarray(found[0][found[0] >= 0], np.int64)


def build_graph(matrix: NDArray[np.float32], config: GraphConfig) -> Graph:
    """Build a graph over vectors (P, D); about 20 s for 100,000 of 512 on two cores."""
    import faiss

    index = faiss.IndexHNSWSQ(
        matrix.shape[1], faiss.ScalarQuantizer.QT_fp16, config.links, faiss.METRIC_INNER_PRODUCT
    )
    index.hnsw.efConstruction = config.build_width
    index.train(matrix[:1])
    index.add(matrix)
    return _tuned(Graph(index, len(matrix), None), matrix, config)


def extend_graph(graph: Graph, matrix: NDArray[np.float32], config: GraphConfig) -> Graph:
    """A copy of a graph that also covers the rest of the vectors (P, D)."""
    import faiss

    # faiss aborts the process where a mapped index, or its clone, is added to.
    index = faiss.read_index(str(graph.path)) if graph.path else faiss.clone_index(graph.index)
    index.add(matrix[graph.size :])
    return _tuned(Graph(index, len(matrix), None), matrix, config)


def _tuned(graph: Graph, matrix: NDArray[np.float32], config: GraphConfig) -> Graph:
    """The graph with the least width that finds enough."""
    rng = np.random.default_rng(0)
    queries = matrix[rng.choice(len(matrix), PROBES)] + matrix[rng.choice(len(matrix), PROBES)]
    everything = np.ones(len(matrix), np.bool_)
    nearest = min(10, len(matrix))
    truth = [_search_graph(graph, query, nearest, everything, None) for query in queries]
    for doubling in range(5):
        width = config.search_width << doubling
        found = [_search_graph(graph, query, nearest, everything, width) for query in queries]
        hits = [len(np.intersect1d(a, b)) for a, b in zip(found, truth, strict=True)]
        if np.mean(hits) >= config.recall * nearest:
            return replace(graph, width=width)
    return graph


def map_graph(path: Path, size: int, width: int | None) -> Graph:
    """Open a graph that was written to a file, without reading it whole."""
    import faiss

    return Graph(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), size, width, path)


def write_graph(graph: Graph, path: Path) -> None:
    """Write a graph to a file."""
    import faiss

    faiss.write_index(graph.index, str(path))


def _best(
    rows: NDArray[np.int32], scores: NDArray[np.float32], limit: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    if len(rows) <= limit:
        return rows, scores
    last = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    kept = scores >= last
    return rows[kept], scores[kept]
