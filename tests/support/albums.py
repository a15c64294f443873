"""Planted views: items around a few centres, and a view that knows which is whose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from encoders.base import unit
from ranking.base import Readout
from ranking.candidates import Candidates
from ranking.space import AspectSpace
from ranking.views import Cluster, Learnt, Members, View, Watch
from retrieval.base import JOINT
from retrieval.mirror import Mirror
from support.records import item

NAMES = ("red", "green", "blue")
WIDTH = 16
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def view(name: str = "colours", names: Sequence[str] = NAMES, **changes: object) -> View:
    """A view with a cluster per name, numbered from 1."""
    plain: dict[str, object] = {
        "name": name,
        "candidates": Candidates(
            aspect="colour", words=tuple(names), templates=("{}", "a {} thing"), source="user"
        ),
        "where": None,
        "seed": 0,
        "ablate": ("proxies",),
        "clusters": tuple(
            Cluster(cluster_id=number, name=given, words=(given, "bright"))
            for number, given in enumerate(names, start=1)
        ),
        "next_id": len(names) + 1,
        "generation": "g1",
        "watch": Watch(doubt=0.5),
        "created_at": NOON,
        "updated_at": NOON,
    }
    return View(**{**plain, **changes})  # type: ignore[arg-type]


def members(clusters: Sequence[int], pinned: Sequence[int] = ()) -> Members:
    """Items ``0`` on in these clusters."""
    number = len(clusters)
    return Members(
        item_ids=tuple(str(row) for row in range(number)),
        clusters=np.array(clusters, np.int64),
        confidence=np.linspace(0.9, 0.4, number, dtype=np.float32),
        pinned=np.isin(np.arange(number), pinned),
        digests=tuple(f"d{row}" for row in range(number)),
    )


def learnt(num_clusters: int = len(NAMES)) -> Learnt:
    """A space with a block of its own for each of two fields, and a map that tells axes apart."""
    eye = np.eye(2 * WIDTH, dtype=np.float32)
    means = {"joint": np.zeros(WIDTH, np.float32), "audio_native": np.ones(WIDTH, np.float32)}
    return Learnt(
        space=AspectSpace(means=means, words=eye[:num_clusters], anchors=2 * eye[:num_clusters]),
        readout=Readout(
            weights=8 * eye[:, :num_clusters], bias=np.arange(num_clusters, dtype=np.float32)
        ),
    )


def planted(
    groups: Sequence[int], noise: float = 0.3, seed: int = 0, first: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Unit vectors of items ``item000`` on, each near the axis of its group."""
    random = np.random.default_rng([seed, first])
    centres = np.eye(WIDTH)[np.array(groups)]
    vectors = unit(centres + noise * random.normal(size=(len(groups), WIDTH)) / WIDTH**0.5)
    return {f"item{first + row:03}": vector for row, vector in enumerate(vectors)}


def mirror_of(vectors: dict[str, NDArray[np.float32]], lang: str = "en") -> Mirror:
    """A mirror that holds these items' joint vectors."""
    mirror = Mirror()
    mirror.upsert([item(key, vector, (JOINT,), lang=lang) for key, vector in vectors.items()])
    return mirror
