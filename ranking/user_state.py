"""What serving knows of one person, derived from the event log: bounded, and made anew at any time.

Sums decay with time: an event of an hour ago weighs nearly what one of now weighs, one of a year
ago next to nothing. What is stored is the sum at ``asked_us``, the moment the state speaks of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.histories import History


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UserState:
    """One person, at one moment."""

    user_id: str
    """Who."""
    asked_us: int
    """The moment, microseconds since 1970."""
    recent: History
    """The latest events with items of the shelf that the rules weigh, of either sign, earliest
    first, (T,)."""
    types: tuple[str, ...]
    """Event type of each of them, (T,)."""
    weights: NDArray[np.float32]
    """What the rules say each of them is worth, of either sign, (T,)."""
    liked: History
    """Those of them that say: more like this."""
    seen: NDArray[np.int64]
    """Numbers of all items met within memory, shown or acted upon, rising, each once."""
    refused: NDArray[np.int64]
    """Numbers of items that were disliked, reported or said not to interest, rising, each once."""
    interest: NDArray[np.float32]
    """Decayed sum of event weights per interest of the shelf's view, never below 0, (K,)."""
    last_met_us: NDArray[np.int64]
    """When each interest was last acted upon, (K,); 0 for never."""
    exposure: NDArray[np.float32]
    """Decayed count of items shown per interest, (K,): what fatigue is read from."""
    boost: NDArray[np.float32]
    """What the person said about each interest, (K,): 1 by default, 0 for muted, more for more."""

    @property
    def shares(self) -> NDArray[np.float32]:
        """Share of each interest, (K,), adding up to 1; zeros where nothing is known."""
        total = float(self.interest.sum())
        return self.interest / total if total > 0 else np.zeros_like(self.interest)
