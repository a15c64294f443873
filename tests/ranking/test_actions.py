"""Actions: which events they stand for, and that what they are worth follows the rules."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.event_rules import EventRules
from ranking.actions import NO_ACTION, Actions

CONDITIONS = (("like", "comment"), ("rating>=4",), ("rating<=2", "skip"))


def test_an_action_is_worth_what_the_rules_say_of_its_first_condition() -> None:
    assert Actions.by(CONDITIONS, EventRules()).weights.tolist() == [1, 1, -10]
    changed = EventRules(weights=("like:3", "comment:7", "rating>=4:0.5", "rating>=5:9"))
    assert Actions.by(CONDITIONS, changed).weights.tolist() == [3, 0.5, -10]


def test_conditions_find_their_action() -> None:
    actions = Actions.by(CONDITIONS, EventRules())
    assert actions.names == ("like", "rating>=4", "rating<=2")
    assert actions.numbers(["skip", "like", "view"]).tolist() == [2, 0, NO_ACTION]


def test_without_a_value_the_weight_tells_the_action() -> None:
    actions = Actions.by(CONDITIONS, EventRules())
    assert actions.likeliest("rating", 1.0) == 1
    assert actions.likeliest("rating", -10.0) == 2
    assert actions.likeliest("skip", 5.0) == 2
    assert actions.likeliest("click", 1.0) == NO_ACTION


def test_what_is_no_action_is_refused() -> None:
    with pytest.raises(ValueError, match="condition"):
        Actions(conditions=((),), weights=np.ones(1, np.float32))
    with pytest.raises(ValueError, match="one weight per action"):
        Actions(conditions=CONDITIONS, weights=np.ones(2, np.float32))
