"""What events say about taste: a weight for each, and which count as liking the item.

A condition is a type, or a type with a bound on the value: ``like``, ``watch_time>=0.6``,
``rating<=2``. Of all weights whose condition an event meets, the one listed last holds, so a
setting lists only what it changes. An event that meets none weighs nothing.

One dislike outweighs many likes: people press that button rarely, and mean it.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

WEIGHTS = (
    "impression:0",
    "view:0.1",
    "play:0.2",
    "click:0.5",
    "watch_time:0",
    "watch_time>=0.6:1",
    "complete:1",
    "like:1",
    "comment:1",
    "rating:0",
    "rating>=4:1",
    "share:2",
    "save:2",
    "follow:2",
    "purchase:4",
    "skip:-2",
    "rating<=2:-10",
    "dislike:-40",
    "not_interested:-40",
    "report:-200",
)
"""Weights in force unless changed."""

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
CONDITION = re.compile(r"\s*([^\s<>=:,]+)\s*(?:(>=|<=|>|<|=)\s*([^\s<>=:,]+)\s*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A type, and a bound on its value where there is one."""

    event_type: str
    """Type it speaks of."""
    sign: str = ""
    """Key of ``OPERATORS``; empty for any value and none."""
    bound: float = 0.0
    """What the value is compared with."""

    @property
    def text(self) -> str:
        """How it is written."""
        return f"{self.event_type}{self.sign}{self.bound:.12g}" if self.sign else self.event_type

    @property
    def just_met(self) -> tuple[str, float | None]:
        """Type and value of an event that meets it, with nothing to spare."""
        if not self.sign:
            return self.event_type, None
        beyond = {">": math.inf, "<": -math.inf}.get(self.sign, self.bound)
        return self.event_type, math.nextafter(self.bound, beyond)

    def holds(self, value: float | None) -> bool:
        """Whether an event of the type meets it; without a value it meets no bound."""
        if not self.sign:
            return True
        return value is not None and OPERATORS[self.sign](value, self.bound)


def parse_condition(text: str) -> Condition:
    """Read ``like`` or ``watch_time>=0.6``.

    Raises:
        ValueError: it is neither a type nor a type, a sign and a number.
    """
    match = CONDITION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no condition; write like, or watch_time>=0.6")
    event_type, sign, bound = match.groups()
    if sign is None:
        return Condition(event_type=event_type.lower())
    return Condition(event_type=event_type.lower(), sign=sign, bound=_number(bound, text))


@dataclass(frozen=True, kw_only=True)
class EventRules:
    """How events are read as taste."""

    weights: tuple[str, ...] = ()
    """Changes to the built-in weights: condition and weight each, such as ``like:2``."""
    positives: tuple[str, ...] = (
        "play",
        "click",
        "watch_time>=0.6",
        "complete",
        "like",
        "comment",
        "rating>=4",
        "share",
        "save",
        "follow",
        "purchase",
    )
    """Conditions of the events that say: more like this."""

    def __post_init__(self) -> None:
        if not self._weights_by_type or not self._positives_by_type:
            raise ValueError("positives must name at least one condition")

    def weight(self, event_type: str, value: float | None = None) -> float:
        """Give what an event counts: above 0 for liking, below for the opposite, 0 for nothing."""
        for condition, weight in self._weights_by_type.get(event_type, ()):
            if condition.holds(value):
                return weight
        return 0.0

    def is_positive(self, event_type: str, value: float | None = None) -> bool:
        """Whether an event says: more like this."""
        conditions = self._positives_by_type.get(event_type, ())
        return any(condition.holds(value) for condition in conditions)

    def condition(self, event_type: str, value: float | None = None) -> Condition | None:
        """Give the condition that decides what an event says; None where it says nothing.

        Returns:
            The one that gives it its weight; of an event that weighs nothing, the one by which it
            is positive.
        """
        for condition, weight in self._weights_by_type.get(event_type, ()):
            if condition.holds(value):
                if weight:
                    return condition
                break
        positives = self._positives_by_type.get(event_type, ())
        return next((condition for condition in positives if condition.holds(value)), None)

    def knows(self, event_type: str) -> bool:
        """Whether a rule speaks of the type; events of other types are kept and count nothing."""
        return event_type in self._weights_by_type or event_type in self._positives_by_type

    @property
    def positive_types(self) -> list[str]:
        """Types of which some events are positive, sorted."""
        return sorted(self._positives_by_type)

    @property
    def telling_types(self) -> list[str]:
        """Types of which some events say something, sorted."""
        return sorted({*self._weights_by_type, *self._positives_by_type})

    @cached_property
    def _weights_by_type(self) -> dict[str, list[tuple[Condition, float]]]:
        """Conditions with weights by type; the one listed last stands first."""
        found: dict[str, list[tuple[Condition, float]]] = {}
        for text in (*WEIGHTS, *self.weights):
            condition, colon, weight = text.rpartition(":")
            if not colon:
                raise ValueError(f"{text!r} has no weight; write like:1, or rating<=2:-10")
            parsed = parse_condition(condition)
            found.setdefault(parsed.event_type, []).insert(0, (parsed, _number(weight, text)))
        return found

    @cached_property
    def _positives_by_type(self) -> dict[str, list[Condition]]:
        found: dict[str, list[Condition]] = {}
        for condition in map(parse_condition, self.positives):
            found.setdefault(condition.event_type, []).append(condition)
        return found


def _number(text: str, whole: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text.strip()!r} in {whole!r} is no number")
    return number
