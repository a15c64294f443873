"""The items nearest to some vectors, by number: what sources search with.

Several vectors are searched at once, over everything that is there; filters are for searches that
people make. Choices a reader would question:
- what is found is scored again exactly, pair by pair, so that an answer does not depend on which
  vectors were asked beside it;
- items behind the graph, such as those of the last minute, are compared one by one with every
  query;
- a graph is taken over from the index that has one: building it takes seconds.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.columns import GrowingArray
from retrieval.space import SPARE, Graph, GraphConfig, Space, build_graph

BLOCK = 8_192
"""Items compared at once with every query."""


class NearestItems(Protocol):
    """Finds items by vector."""

    def nearest(
        self, queries: NDArray[np.float32], limit: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the items nearest to each query.

        Args:
            queries: (B, D).
            limit: most items per query, 1 or more.

        Returns:
            Numbers of items (B, limit), best first, and inner products (B, limit); -1 and minus
            infinity in places that nothing is left for.
        """


class ItemIndex:
    """Nearest items of a space; it goes on showing the space as it was when this was made.

    Args:
        space: where vectors are.
        numbers: number of the item of each row of the table, -1 where it is none, (R,); rows beyond
            are none.
    """

    def __init__(self, space: Space, numbers: NDArray[np.int64]) -> None:
        rows = space.rows
        rows = rows[: np.searchsorted(rows, len(numbers))]
        self._matrix = space.matrix[: len(rows)]
        self._numbers = numbers[rows]
        self._held = self._numbers >= 0
        self._bits = None if self._held.all() else np.packbits(self._held, bitorder="little")
        graph = space.graph
        self._graph = graph if graph and graph.width and graph.size <= len(rows) else None

    @classmethod
    def build(cls, vectors: NDArray[np.float32], config: GraphConfig | None = None) -> ItemIndex:
        """Index vectors (N, D) by row; rows of zeros are not found.

        Above ``config.exact_rows`` a graph is built, some 20 s for 100,000 of 512 on two cores.
        """
        config = config or GraphConfig()
        numbers = np.flatnonzero(vectors.any(axis=1))
        held = vectors if len(numbers) == len(vectors) else vectors[numbers]
        space = Space(GrowingArray(held), GrowingArray(np.arange(len(held), dtype=np.int32)))
        if len(held) > config.exact_rows:
            space.graph = build_graph(held, config)
        return cls(space, numbers)

    def __len__(self) -> int:
        """Items that can be found."""
        return int(np.count_nonzero(self._held))

    def nearest(
        self, queries: NDArray[np.float32], limit: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the items nearest to each query; see ``NearestItems``."""
        queries = np.ascontiguousarray(queries, np.float32)
        wanted = min(limit, len(self))
        if wanted and len(queries):
            items, scores = self._ranked(queries, self._near(queries, wanted + SPARE))
        else:
            items, scores = _nothing(len(queries), 0)
        missing = _nothing(len(queries), max(limit - items.shape[1], 0))
        items = np.concatenate([items, missing[0]], axis=1)[:, :limit]
        return items, np.concatenate([scores, missing[1]], axis=1)[:, :limit]

    def _near(self, queries: NDArray[np.float32], wanted: int) -> NDArray[np.int64]:
        """Positions among which the nearest are, (B, P); -1 for none."""
        graph = self._graph
        if graph is None:
            return self._exact(queries, wanted, slice(0, len(self._matrix)))
        covered = int(np.count_nonzero(self._held[: graph.size]))
        found = self._through_graph(graph, queries, min(wanted, covered))
        short = (found < 0).any(axis=1)
        if short.any():
            covered_by_graph = slice(0, graph.size)
            found[short] = self._exact(queries[short], found.shape[1], covered_by_graph)
        behind = self._exact(queries, wanted, slice(graph.size, len(self._matrix)))
        return np.concatenate([found, behind], axis=1)

    def _through_graph(
        self, graph: Graph, queries: NDArray[np.float32], wanted: int
    ) -> NDArray[np.int64]:
        import faiss

        if wanted == 0:
            return np.zeros((len(queries), 0), np.int64)
        parameters, share = faiss.SearchParametersHNSW(), 1.0
        if self._bits is not None:
            selector = faiss.IDSelectorBitmap(self._bits)
            parameters.sel = selector
            share = np.count_nonzero(self._held[: graph.size]) / graph.size
        parameters.efSearch = int(max(graph.width or 0, 2 * wanted) / share)
        # One by one: of several queries faiss makes threads that wait for each other.
        found = [graph.index.search(one[None], wanted, params=parameters)[1] for one in queries]
        return np.concatenate(found).astype(np.int64)

    def _exact(self, queries: NDArray[np.float32], wanted: int, among: slice) -> NDArray[np.int64]:
        """Positions among some with the largest products, (B, at most wanted); -1 for none."""
        best, scores = _nothing(len(queries), 0)
        for first in range(among.start, among.stop, BLOCK):
            stretch = slice(first, min(first + BLOCK, among.stop))
            products = queries @ self._matrix[stretch].T
            products[:, ~self._held[stretch]] = -np.inf
            positions = np.broadcast_to(np.arange(stretch.start, stretch.stop), products.shape)
            best = np.concatenate([best, positions], axis=1)
            scores = np.concatenate([scores, products], axis=1)
            if best.shape[1] > wanted:
                kept = np.argpartition(-scores, wanted - 1, axis=1)[:, :wanted]
                best = np.take_along_axis(best, kept, axis=1)
                scores = np.take_along_axis(scores, kept, axis=1)
        return np.where(np.isneginf(scores), -1, best)

    def _ranked(
        self, queries: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Items at positions (B, P) by exact score, equal ones by rising number."""
        scores = np.empty(positions.shape, np.float32)
        for row, query in enumerate(queries):
            scores[row] = np.einsum("pd,d->p", self._matrix[positions[row]], query)
        scores[positions < 0] = -np.inf
        items = np.where(positions < 0, -1, self._numbers[positions])
        order = np.lexsort((items, -scores), axis=1)
        return np.take_along_axis(items, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _nothing(rows: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    return np.full((rows, width), -1, np.int64), np.full((rows, width), -np.inf, np.float32)
