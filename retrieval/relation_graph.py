"""A graph of named relations: triples of head, relation and tail as numbers.

A relation with many triples is background: vectors and neighbours are made of it. Others are few
enough to be completed, and the graph that describes their entities must not hold them: whoever
completes a relation would read the answer from the neighbours otherwise. ``only`` makes that cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BACK = "~"
"""Stands before the name of a relation that is read from its tails."""
NONE = -1
"""Stands in a padded place of a table of neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RelationGraph:
    """Triples over named entities and relations."""

    entities: tuple[str, ...]
    """Names, (N,)."""
    relations: tuple[str, ...]
    """Names, (R,)."""
    triples: NDArray[np.int64]
    """Number of head, relation and tail, each triple once, (T, 3)."""

    @classmethod
    def of(
        cls, triples: Iterable[tuple[str, str, str]], entities: Iterable[str] = ()
    ) -> RelationGraph:
        """Number the names of triples in their order by bytes.

        Args:
            triples: head, relation and tail.
            entities: further ones, of which the triples need not speak.
        """
        given = sorted(set(triples))
        ends = {end for head, _, tail in given for end in (head, tail)}
        names = tuple(sorted(ends | set(entities)))
        relations = tuple(sorted({relation for _, relation, _ in given}))
        entity_of = {name: number for number, name in enumerate(names)}
        relation_of = {name: number for number, name in enumerate(relations)}
        rows = [(entity_of[head], relation_of[by], entity_of[tail]) for head, by, tail in given]
        table = np.array(rows, np.int64).reshape(len(rows), 3)
        return cls(entities=names, relations=relations, triples=table)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Triples of each relation, (R,)."""
        return np.bincount(self.triples[:, 1], minlength=len(self.relations))

    def pairs(self, relation: int) -> NDArray[np.int64]:
        """Heads and tails of a relation, (P, 2)."""
        pairs: NDArray[np.int64] = self.triples[self.triples[:, 1] == relation][:, [0, 2]]
        return pairs

    def only(self, kept: NDArray[np.bool_]) -> RelationGraph:
        """The graph of some relations, bool (R,), numbered anew; entities keep their numbers."""
        names = tuple(name for name, one in zip(self.relations, kept, strict=True) if one)
        triples = self.triples[kept[self.triples[:, 1]]].copy()
        triples[:, 1] = (np.cumsum(kept) - 1)[triples[:, 1]]
        return RelationGraph(entities=self.entities, relations=names, triples=triples)

    def neighbours(self, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw neighbours of every entity, evenly where there are too many.

        Args:
            most: places per entity.
            rng: draws.

        Returns:
            Relation and entity in each place, (N, most, 2). The relation r met from its tail has
            the number R + r. Places without a neighbour hold ``NONE`` twice.
        """
        heads, relations, tails = self.triples.T
        owners = np.concatenate([heads, tails])
        by = np.concatenate([relations, relations + len(self.relations)])
        others = np.concatenate([tails, heads])
        order = np.lexsort((rng.random(len(owners)), owners))
        owners, by, others = owners[order], by[order], others[order]
        starts = np.searchsorted(owners, np.arange(len(self.entities)))
        place = np.arange(len(owners)) - starts[owners]
        kept = place < most
        table = np.full((len(self.entities), most, 2), NONE, np.int64)
        table[owners[kept], place[kept], 0] = by[kept]
        table[owners[kept], place[kept], 1] = others[kept]
        return table
