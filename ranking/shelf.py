"""The catalogue as a feed sees it: arrays by item number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

NO_INTEREST = -1
"""Number of the interest of an item that is in no cluster of the view."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Interests:
    """A view of the library, read as what people can be interested in: K clusters with names."""

    view: str
    """Name of the view."""
    names: tuple[str, ...]
    """Of the clusters, (K,)."""
    of_item: NDArray[np.int32]
    """Number of each item's cluster, 0 to K - 1, or ``NO_INTEREST``, (N,)."""
    confidence: NDArray[np.float32]
    """How sure the view is of each item, in [0, 1], (N,)."""
    cluster_ids: tuple[int, ...] = ()
    """Number of each cluster within its view, which a new name leaves alone, (K,); empty gives 1
    to K."""

    def __post_init__(self) -> None:
        if not self.cluster_ids:
            object.__setattr__(self, "cluster_ids", tuple(range(1, len(self.names) + 1)))

    def __len__(self) -> int:
        """K."""
        return len(self.names)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shelf:
    """N items that may be shown."""

    item_ids: tuple[str, ...]
    """Id of each item, (N,)."""
    vectors: NDArray[np.float32]
    """Joint vectors of unit length, (N, D), in memory or mapped from disk; zeros where an item has
    none."""
    added_us: NDArray[np.int64]
    """When each item came, microseconds since 1970, (N,)."""
    group: NDArray[np.int64]
    """Number of the item that each item is a near copy of; its own where it is none, (N,)."""
    hidden: NDArray[np.bool_]
    """Items that are never shown, (N,)."""
    interests: Interests | None = None
    """The view that interests are read from; None where the library has none."""

    def __len__(self) -> int:
        """N."""
        return len(self.item_ids)

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Numbers of items by id."""
        return {item_id: number for number, item_id in enumerate(self.item_ids)}
