"""Several processes that learn one model: each takes its share of every step.

The gradient of a step is the same whoever computes it: a share's loss counts by how many of the
step's events it holds, and gradients are added up. What is random per event (dropping) is drawn by
each process for itself; what is drawn per step is drawn by all alike. So, where nothing is dropped,
a team learns what one process learns, up to the order in which numbers are added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

T = TypeVar("T")


class Team(Protocol):
    """One process among those that learn together."""

    @property
    def size(self) -> int:
        """Processes."""

    @property
    def place(self) -> int:
        """Number of this one, from 0; the first one writes and decides."""

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the team, in place."""

    def ask_first(self, make: Callable[[], T]) -> T:
        """Give to all what the first one makes; the others do not make it."""


class Alone:
    """A team of one."""

    size, place = 1, 0

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Nothing is to be added."""

    def ask_first(self, make: Callable[[], T]) -> T:
        """Make it."""
        return make()


def share_of(
    team: Team, users: NDArray[np.int64], events: NDArray[np.int64]
) -> tuple[NDArray[np.int64], float]:
    """Give the users of a step that are this process's, and how much their mean loss counts.

    Args:
        team: those who learn.
        users: of the step, (B,).
        events: to be found in the history of each, (B,).

    Returns:
        Users, and the share of the step's events that they have; where a step has fewer users than
        the team has processes, all of them for everyone, with equal shares.
    """
    if len(users) < team.size:
        return users, 1 / team.size
    own = slice(team.place, None, team.size)
    return users[own], float(events[own].sum() / events.sum())
