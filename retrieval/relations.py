"""Completes ``(item, relation, ?)`` from a few pairs: what was learnt of a library's relations.

Relations fall into three by their number of pairs: those of the background, which describe items;
those that are learnt from; and those that are merely completed, for which one pair is enough. A
relation is read from its tails, too: the pairs turned round are a relation of their own, with
``relation_graph.BACK`` before its name.

More references than the network reads at once are read in parts, and the parts' scores averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ingest.errors import SensoriumError
from retrieval.fitted import FittedError, FittedFile
from retrieval.graph_vectors import VectorKind
from retrieval.relation_graph import BACK
from retrieval.relation_network import FewShotNetwork, NetworkConfig, Surroundings
from retrieval.relation_settings import READ_AT_ONCE
from retrieval.relation_tasks import MOST_COMPETING
from retrieval.relation_trials import described, pair_scores

KIND = "relations"
MOST_PARTS = 4
"""Readings of references that are averaged at most."""
WEIGHTS = "network."


class RelationError(SensoriumError):
    """A relation that cannot be learnt, completed or read."""

    code = "relation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One tail."""

    entity: str
    """Its name."""
    score: float
    """How well it continues the pairs; compares within one answer."""
    known: bool
    """Whether it was given rather than found."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RelationModel:
    """What was learnt, with the pairs that relations are read from."""

    network: FewShotNetwork = field(repr=False)
    """Scores pairs."""
    entities: tuple[str, ...]
    """Names, (N,)."""
    is_item: NDArray[np.bool_] = field(repr=False)
    """Which of them are items, and so may be an answer, (N,)."""
    around: Surroundings = field(repr=False)
    """What describes them."""
    pairs: Mapping[str, NDArray[np.int64]] = field(repr=False)
    """Heads and tails by name of the relation, (P, 2)."""
    space: str
    """Digest of what made item vectors; empty where the vectors are the graph's own."""

    def complete(self, entity: str, relation: str, limit: int) -> list[Completion]:
        """Find tails of an item, those that are known first.

        Args:
            entity: the head.
            relation: name, with ``BACK`` before it to ask for heads of a tail.
            limit: most tails, 1 or more.

        Raises:
            RelationError: the item or the relation is not known.
        """
        head, pairs = self._number(entity), self.pairs_of(relation)
        given = np.unique(pairs[pairs[:, 0] == head, 1])
        tails = np.flatnonzero(self.is_item)
        tails = tails[tails != head]
        every = np.union1d(tails, given)
        scores = self.scores(relation, np.array([head]), every)[0]
        known = np.isin(every, given)
        order = np.lexsort((-scores, ~known))[:limit]
        return [
            Completion(
                entity=self.entities[every[place]],
                score=float(scores[place]),
                known=bool(known[place]),
            )
            for place in order.tolist()
        ]

    def pairs_of(self, relation: str) -> NDArray[np.int64]:
        """Heads and tails of a relation, or of one turned round, (P, 2).

        Raises:
            RelationError: there is no such relation.
        """
        back = relation.startswith(BACK)
        found = self.pairs.get(relation.removeprefix(BACK))
        if found is None:
            raise RelationError(
                f"no relation {relation!r} has been learnt",
                f"use one of: {', '.join(sorted(self.pairs)) or 'none yet'}",
            )
        return found[:, ::-1] if back else found

    def scores(
        self,
        relation: str,
        heads: NDArray[np.int64],
        tails: NDArray[np.int64],
        without: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """Score tails for heads, (B, C).

        Args:
            relation: its name.
            heads: numbers, (B,).
            tails: numbers, the same for every head, (C,), or each head's own, (B, C).
            without: numbers of pairs that are not read; None reads all, as is
                done where none is left.
        """
        pairs = self.pairs_of(relation)
        if without is not None and len(without) < len(pairs):
            pairs = np.delete(pairs, without, axis=0)
        parts = _readings(pairs)
        known = (self.around, self._described)
        competing = self._competing(relation)
        found = [pair_scores(self.network, known, part, heads, tails, competing) for part in parts]
        scores: NDArray[np.float32] = np.mean(found, axis=0)
        return scores

    def save(self, path: Path) -> None:
        """Write it; the file appears whole or not at all."""
        around, names = self.around, sorted(self.pairs)
        state = self.network.state_dict()
        given = [self.pairs[name] for name in names] or [np.zeros((0, 2), np.int64)]
        arrays: dict[str, NDArray[Any]] = {
            "is_item": self.is_item,
            "vectors": around.vectors.numpy(),
            "symbols": around.symbols.numpy(),
            "neighbours": around.neighbours.numpy(),
            "pairs": np.concatenate(given),
            **{WEIGHTS + name: value.detach().numpy() for name, value in state.items()},
        }
        config = {
            "network": asdict(self.network.config),
            "kind": around.kind,
            "space": self.space,
            "relations": {name: len(self.pairs[name]) for name in names},
        }
        FittedFile(kind=KIND, config=config, item_ids=self.entities, arrays=arrays).write(path)

    @classmethod
    def load(cls, path: Path) -> RelationModel:
        """Read what ``save`` wrote.

        Raises:
            FittedError: the file is missing, holds something else, or was damaged.
        """
        file = FittedFile.read(path, KIND)
        try:
            network = FewShotNetwork(NetworkConfig(**file.config["network"]))
            weights = {
                name.removeprefix(WEIGHTS): torch.from_numpy(array)
                for name, array in file.arrays.items()
                if name.startswith(WEIGHTS)
            }
            network.load_state_dict(weights)
            ends = np.cumsum([0, *file.config["relations"].values()])
            pairs = {
                name: file.arrays["pairs"][start:end]
                for name, start, end in zip(
                    file.config["relations"], ends[:-1], ends[1:], strict=True
                )
            }
            return cls(
                network=network.eval(),
                entities=file.item_ids,
                is_item=file.arrays["is_item"],
                around=_around(file.arrays, file.config["kind"]),
                pairs=pairs,
                space=file.config["space"],
            )
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise FittedError(f"{path}: unknown settings: {error}", "learn it again") from error

    def _competing(self, relation: str) -> NDArray[np.int64]:
        """Tails that a relation has, and some items drawn to compete with them."""
        items = np.flatnonzero(self.is_item)
        drawn = np.random.default_rng(len(items)).permutation(items)[:MOST_COMPETING]
        return np.union1d(self.pairs_of(relation)[:, 1], drawn)

    @cached_property
    def _described(self) -> Tensor:
        return described(self.network, self.around)

    @cached_property
    def _number_of(self) -> Mapping[str, int]:
        return {name: number for number, name in enumerate(self.entities)}

    def _number(self, entity: str) -> int:
        if entity not in self._number_of:
            raise RelationError(
                f"nothing is known of {entity!r}",
                "name an item by its id; sensorium train relations takes in new ones",
            )
        return self._number_of[entity]


def _around(arrays: Mapping[str, NDArray[Any]], kind: VectorKind) -> Surroundings:
    return Surroundings(
        vectors=torch.from_numpy(arrays["vectors"]),
        symbols=torch.from_numpy(arrays["symbols"]),
        neighbours=torch.from_numpy(arrays["neighbours"]),
        kind=kind,
    )


def _readings(pairs: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Divide references into readings, drawn evenly where there are too many."""
    order = np.random.default_rng(len(pairs)).permutation(len(pairs))
    order = order[: READ_AT_ONCE * MOST_PARTS]
    parts = np.array_split(order, -(-len(order) // READ_AT_ONCE))
    return [np.ascontiguousarray(pairs[part]) for part in parts]
