"""Actions that a sequence model tells apart: which events each stands for, and what it is worth.

What an action is worth is read off the rules whenever it is asked, and never learnt: who changes
``events.weights`` gets another order from the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.event_rules import Condition, EventRules, parse_condition

NO_ACTION = -1
"""Number of what is no action."""
Conditions = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Actions:
    """Some actions, numbered from 0."""

    conditions: Conditions
    """Conditions of the events that each stands for, the most frequent first, (A,); see
    ``EventRules`` for how they are written."""
    weights: NDArray[np.float32]
    """What each is worth, of either sign, (A,)."""
    _parsed: tuple[tuple[Condition, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parsed = tuple(tuple(map(parse_condition, some)) for some in self.conditions)
        if not all(parsed):
            raise ValueError(f"expected actions with a condition each: {self.conditions}")
        if self.weights.shape != (len(parsed),):
            raise ValueError(f"one weight per action: {self.weights.shape = }, {len(parsed) = }")
        object.__setattr__(self, "_parsed", parsed)

    @classmethod
    def by(cls, conditions: Sequence[Sequence[str]], rules: EventRules) -> Actions:
        """Weigh actions: each by the rule for an event that just meets its first condition."""
        weights = [rules.weight(*parse_condition(some[0]).just_met) for some in conditions]
        return cls(conditions=tuple(map(tuple, conditions)), weights=np.array(weights, np.float32))

    def __len__(self) -> int:
        """A."""
        return len(self.conditions)

    @property
    def names(self) -> tuple[str, ...]:
        """What each is called: its first condition."""
        return tuple(some[0] for some in self.conditions)

    def numbers(self, conditions: Sequence[str]) -> NDArray[np.int64]:
        """Give the number of the action that each condition belongs to, or ``NO_ACTION``."""
        known = {name: number for number, some in enumerate(self.conditions) for name in some}
        return np.array([known.get(name, NO_ACTION) for name in conditions], np.int64)

    def likeliest(self, event_type: str, weight: float) -> int:
        """Give the action of an event whose value is not known but whose weight is.

        Returns:
            Of the actions that speak of the type, the one worth most nearly as much; or
            ``NO_ACTION``.
        """
        some = [
            number
            for number, conditions in enumerate(self._parsed)
            if any(one.event_type == event_type for one in conditions)
        ]
        return min(some, key=lambda n: abs(float(self.weights[n]) - weight), default=NO_ACTION)
